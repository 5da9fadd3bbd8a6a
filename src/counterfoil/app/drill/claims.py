"""What the product claims, and the truth beside it; every difference in words. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from counterfoil.app.drill.theft import Truth
from counterfoil.credential.campaign import Place
from counterfoil.credential.rotation import State

THEFT = {"stolen-certificate": "by_key", "replayed-token": "by_token"}


@dataclass(slots=True)
class Verdict:
    """Every figure of the drill, and what differs from the truth; no difference is success."""

    figures: dict[str, Any] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def compare(self, name: str, claimed: object, true: object) -> None:
        """Put a claim beside the truth; both are JSON."""
        self.figures[name] = {"claimed": claimed, "true": true}
        if claimed != true:
            self.differences.append(f"{name}: claimed {claimed}, in truth {true}")


def scope(verdict: Verdict, answer: Mapping[str, Any], truth: Truth, connected: int, unlicensed: Iterable[str]) -> None:
    """Compare who uses it, who was touched, who cannot be judged, and what was read."""
    tenants = {entry["tenant"]: entry for entry in answer["tenants"]}
    touched = {name for name, entry in tenants.items() if entry["state"] == "touched"}
    verdict.compare("using", answer["summary"]["using"], connected)
    verdict.compare("touched", sorted(touched), sorted(truth.by_key | truth.by_token))
    cannot = sorted(name for name, entry in tenants.items() if entry["state"] == "cannot-say")
    verdict.compare("cannot say", list(cannot), sorted(unlicensed))
    for kind, way in THEFT.items():
        found = sorted(
            name
            for name, entry in tenants.items()
            if any(discrepancy["kind"] == kind for discrepancy in entry["discrepancies"])
        )
        verdict.compare(kind, list(found), sorted(getattr(truth, way)))
    for name, messages in sorted(truth.read.items()):
        said = tenants.get(name, {}).get("radius", {}).get("read", {}).get("messages", [])
        verdict.compare(f"messages read in {name}", sorted(said), sorted(messages))


def rotation(
    verdict: Verdict, places: Mapping[str, Place], refused: Mapping[str, bool], keys: Mapping[str, int]
) -> None:
    """Compare what the campaign says with what the thief's key meets and what the laboratory lists."""
    done = sorted(name for name, place in places.items() if place.state is State.DONE)
    verdict.compare("rotated and proven dead", list(done), sorted(places))
    verdict.compare("the stolen key is refused", dict(sorted(refused.items())), dict.fromkeys(sorted(refused), True))
    verdict.compare("keys on each application", dict(sorted(keys.items())), dict.fromkeys(sorted(keys), 1))


def notices(verdict: Verdict, told: list[str], said: Mapping[str, Any], true: Mapping[str, Any]) -> None:
    """Compare whom our record calls told, and what lies in their mailboxes, with the thief's own journal."""
    verdict.compare("customers told", told, sorted(true))
    verdict.compare("what the notices in the mailboxes say", {**said}, {**true})


def mail(
    verdict: Verdict, acknowledged: set[int], copies: Mapping[int, int], unsure: int, claimed: Mapping[str, int]
) -> None:
    """Compare the mail equation with the sender's own count and the mailboxes' content."""
    lost = sorted(number for number in acknowledged if number not in copies)
    doubled = sum(count - 1 for count in copies.values())
    verdict.compare("mail acknowledged", claimed["acknowledged"], len(acknowledged))
    verdict.compare("mail lost", 0, len(lost))
    verdict.compare("mail doubled", 0 if not unsure else doubled, doubled)
    verdict.figures["mail unknown"] = claimed["unknown"]
