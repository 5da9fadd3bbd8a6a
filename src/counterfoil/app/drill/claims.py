"""What the product claims, and the truth beside it; every difference in words. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from counterfoil.app.drill.theft import Truth
from counterfoil.incident.steps import Standing
from counterfoil.model.instant import from_rfc3339

LONGEST = 240
"""Characters of one side of a difference, as it is told to people."""

THEFT = {"stolen-certificate": "by_key", "replayed-token": "by_token"}
WORDS = {"stolen-certificate": "touched with the stolen certificate", "replayed-token": "touched with a replayed token"}


@dataclass(slots=True)
class Verdict:
    """Every figure of the drill, and what differs from the truth; no difference is success."""

    figures: dict[str, Any] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def compare(self, name: str, claimed: object, true: object) -> None:
        """Put a claim beside the truth; both are JSON."""
        self.figures[name] = {"claimed": claimed, "true": true}
        if claimed != true:
            said, fact = _apart(claimed, true)
            self.differences.append(f"{name}: claimed {_short(said)}, in truth {_short(fact)}")

    def count(self, name: str, figure: object) -> None:
        """Keep a figure that there is no truth beside."""
        self.figures[name] = figure

    def differs(self, name: str) -> bool:
        """Say whether a claim differs from the truth."""
        figure = self.figures[name]
        return isinstance(figure, dict) and "true" in figure and figure["claimed"] != figure["true"]


def _apart(claimed: object, true: object) -> tuple[object, object]:
    """Leave out of two objects what they agree in: of twenty customers only the one that differs is read."""
    if not (isinstance(claimed, dict) and isinstance(true, dict)):
        return claimed, true
    names = [name for name in {**claimed, **true} if claimed.get(name) != true.get(name)]
    return {name: claimed.get(name) for name in names}, {name: true.get(name) for name in names}


def _short(value: object) -> str:
    """Spell one side in a line or two; the figures have all of it."""
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def scope(
    verdict: Verdict,
    answer: Mapping[str, Any],
    truth: Truth,
    connected: int,
    unlicensed: Iterable[str],
    *,
    names: Mapping[str, str],
) -> None:
    """Compare who uses it, who was touched, who cannot be judged, and what was read; ``names`` are by tenant id."""

    def named(ids: Iterable[str]) -> list[str]:
        return sorted(names.get(name, name) for name in ids)

    tenants = {entry["tenant"]: entry for entry in answer["tenants"]}
    touched = {name for name, entry in tenants.items() if entry["state"] == "touched"}
    verdict.compare("tenants that use the connection", answer["summary"]["using"], connected)
    verdict.compare("touched by somebody else", named(touched), named(truth.by_key | truth.by_token))
    cannot = (name for name, entry in tenants.items() if entry["state"] == "cannot-say")
    verdict.compare("cannot be judged", named(cannot), named(unlicensed))
    for kind, way in THEFT.items():
        found = (
            name
            for name, entry in tenants.items()
            if any(discrepancy["kind"] == kind for discrepancy in entry["discrepancies"])
        )
        verdict.compare(WORDS[kind], named(found), named(getattr(truth, way)))
    for name, messages in sorted(truth.read.items(), key=lambda item: names.get(item[0], item[0])):
        said = tenants.get(name, {}).get("radius", {}).get("read", {}).get("messages", [])
        verdict.compare(f"messages read in {names.get(name, name)}", sorted(said), sorted(messages))


def days(
    verdict: Verdict,
    answer: Mapping[str, Any],
    truth: Truth,
    written: datetime,
    hours: int,
    *,
    names: Mapping[str, str],
) -> None:
    """Compare where the thief had been before ``written``, and how many hours were judged with how many there were."""
    early = (
        entry["tenant"]
        for entry in answer["tenants"]
        if any(
            one["kind"] in THEFT and one["first"] and from_rfc3339(one["first"]) < written
            for one in entry["discrepancies"]
        )
    )
    earlier = sorted(names.get(name, name) for name in truth.earlier)
    verdict.compare("entered in the days before already", sorted(names.get(name, name) for name in early), earlier)
    judged = {sum(covered["states"].values()) for entry in answer["tenants"] for covered in entry["coverage"]}
    verdict.compare("hours judged, of each log", judged.pop() if len(judged) == 1 else sorted(judged), hours)


def rotation(
    verdict: Verdict,
    done: Iterable[str],
    true: Iterable[str],
    refused: Mapping[str, bool],
    keys: Mapping[str, tuple[int, int]],
) -> None:
    """Compare what the campaign says with what the thief's key meets and what the laboratory lists.

    ``keys`` are the credentials that are listed and the applications that they are on, by customer.
    """
    verdict.compare("rotated by us and proven dead", sorted(done), sorted(true))
    verdict.compare("the stolen key is refused", dict(sorted(refused.items())), dict.fromkeys(sorted(refused), True))
    listed, wanted = ({name: pair[n] for name, pair in sorted(keys.items())} for n in (0, 1))
    verdict.compare("one key on each application", wanted, listed)


def by_hand(verdict: Verdict, stands: Mapping[str, Standing], keys: Mapping[str, tuple[int, int]], gaps: int) -> None:
    """Compare what real use is said to have shown with what the laboratory lists after the administrators acted."""
    done = sorted(name for name, standing in stands.items() if standing.state == "done")
    verdict.compare("replaced by hand, seen by real use", done, sorted(n for n in stands if keys[n][0] == keys[n][1]))
    verdict.compare(
        "gaps seen where the old one was deleted first", sum(s.gap_since is not None for s in stands.values()), gaps
    )


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
    verdict.count("mail unknown", claimed["unknown"])
