"""The record of an incident: a list of entries, and what they add up to. Pure.

The entries are the truth, and each is a stub in the ledger as well; tasks, people, exhibits and containments are
read out of them, so nothing can be changed without an entry that says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from counterfoil.incident.containment import Containment, containment_document
from counterfoil.model.errors import Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json


class Kind(StrEnum):
    """What an entry says. The word goes into the ledger as ``incident-<word>``."""

    OPENED = "opened"
    NOTE = "note"
    EXHIBIT = "exhibit"
    SCOPE = "scope"
    CAMPAIGN = "campaign"
    CONTAINING = "containing"
    CONTAINED = "contained"
    RELEASED = "released"
    DECISION = "decision"
    TASK = "task"
    TASK_DONE = "task-done"
    PERSON = "person"
    NOTICES = "notices"
    TOLD = "told"
    EXPORTED = "exported"
    HANDOVER = "handover"
    OBSERVED = "observed"
    SEALED = "sealed"
    CLOSED = "closed"


class Origin(StrEnum):
    """How an incident came to be opened."""

    OPERATOR = "operator"
    REPORT = "report"
    FINDING = "finding"
    ALARM = "alarm"
    REVIEW = "review"


class Status(StrEnum):
    """``review`` is an incident that nobody was touched in yet: somebody has to look."""

    REVIEW = "review"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is in other hands: certificates (thumbprints, upper-case hex), whole key stores, or products of ours."""

    thumbprints: tuple[str, ...] = ()
    key_stores: tuple[str, ...] = ()
    products: tuple[str, ...] = ()

    def document(self) -> dict[str, Json]:
        """Spell it as JSON."""
        return {
            "thumbprints": [*self.thumbprints],
            "key_stores": [*self.key_stores],
            "products": [*self.products],
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Subject":
        """Read what ``document`` wrote."""
        names = ("thumbprints", "key_stores", "products")
        return cls(**{name: tuple(str(value) for value in document.get(name) or ()) for name in names})

    def words(self) -> str:
        """Name it in a sentence."""
        parts = [f"certificate {mark}" for mark in self.thumbprints]
        parts += [f"key store {store}" for store in self.key_stores]
        parts += [f"product {product}" for product in self.products]
        return ", ".join(parts) or "nothing named yet"


@dataclass(frozen=True, slots=True)
class Said:
    """An entry before it has a number: ``tenant`` is the tenant id where it concerns one tenant alone."""

    kind: Kind
    words: str
    tenant: str | None = None
    detail: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    number: int
    time: datetime
    actor: str
    said: Said

    def document(self) -> dict[str, Json]:
        """Spell it as JSON."""
        said = self.said
        head: dict[str, Json] = {"number": self.number, "time": rfc3339(self.time), "actor": self.actor}
        return head | {"kind": said.kind.value, "words": said.words, "tenant": said.tenant, "detail": {**said.detail}}


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do, by whom and until when."""

    number: int
    words: str
    owner: str
    due: str
    done: datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who belongs to it; ``tenant`` is the tenant id where they are a customer's."""

    name: str
    role: str
    address: str
    tenant: str | None


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A file under legal hold: our copy is named by its SHA-256."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as it stands."""

    name: str
    reference: str
    origin: Origin
    subject: Subject
    status: Status
    opened: datetime
    opened_by: str
    entries: tuple[Entry, ...]

    def of(self, *kinds: Kind) -> list[Entry]:
        """Return the entries of some kinds."""
        return [entry for entry in self.entries if entry.said.kind in kinds]

    @property
    def exhibits(self) -> list[Exhibit]:
        """The files under legal hold, each once, by the names that the answers have for them."""
        found = {str(e.said.detail["sha256"]): e.said.detail for e in self.of(Kind.EXHIBIT)}
        called = {sha256: str(detail.get("cited_as") or detail["name"]) for sha256, detail in found.items()}
        return [Exhibit(called[sha256], sha256, int(str(detail["size"]))) for sha256, detail in found.items()]

    @property
    def tasks(self) -> list[Task]:
        """Tasks by number."""
        done = {e.said.detail["task"]: e.time for e in self.of(Kind.TASK_DONE)}
        return [
            Task(e.number, e.said.words, str(e.said.detail["owner"]), str(e.said.detail["due"]), done.get(e.number))
            for e in self.of(Kind.TASK)
        ]

    @property
    def people(self) -> list[Person]:
        """Who belongs to it, as they were entered last."""
        found = {(e.said.detail["name"], e.said.tenant): e.said for e in self.of(Kind.PERSON)}
        return [
            Person(str(said.detail["name"]), str(said.detail["role"]), str(said.detail["address"]), said.tenant)
            for said in found.values()
        ]

    @property
    def campaigns(self) -> list[str]:
        """The rotations that belong to it."""
        return [*dict.fromkeys(str(e.said.detail["campaign"]) for e in self.of(Kind.CAMPAIGN))]

    @property
    def scoped(self) -> datetime | None:
        """When the scope was put in last; what was drafted before then is withdrawn."""
        return max((e.time for e in self.of(Kind.SCOPE)), default=None)

    @property
    def cited(self) -> list[str]:
        """The files of ours that the answers cite, as they call them, and that are not under hold."""
        held = {str(e.said.detail.get("cited_as") or e.said.detail["name"]) for e in self.of(Kind.EXHIBIT)}
        # What lies in an archive is cited as outer.zip/inner.json, and is there with the archive.
        named = (e.said.detail.get("cites") for e in self.of(Kind.SCOPE))
        every = {str(name) for names in named if isinstance(names, list) for name in names}
        return sorted(n for n in every if n not in held and not any(n.startswith(f"{h}/") for h in held))

    @property
    def containments(self) -> list[Containment]:
        """What was shut and opened again, the oldest first; an intent without a result is not ``done``."""
        found: list[Containment] = []
        for entry in self.of(Kind.CONTAINING, Kind.CONTAINED, Kind.RELEASED):
            detail = entry.said.detail
            which = (entry.said.tenant or "", str(detail["app"]), str(detail["how"]))
            here = next((i for i, c in enumerate(found) if c.released is None and c.which == which), None)
            if entry.said.kind is Kind.CONTAINING and here is None:
                found.append(Containment(*which, entry.actor, str(detail["why"]), entry.time))
            elif here is not None:
                old = found[here]
                released = entry.time if entry.said.kind is Kind.RELEASED else None
                since = entry.time if entry.said.kind is Kind.CONTAINED and not old.done else old.since
                found[here] = replace(old, since=since, done=True, released=released)
        return found

    def told(self, tenant: str, paper: str | None = None) -> bool:
        """Say whether a customer was told (of one paper): mail that was accepted, or a person; files do not count."""
        return any(
            entry.said.tenant == tenant
            and paper in (None, entry.said.detail.get("paper"))
            and entry.said.detail.get("how") not in ("export", "their-word")
            and entry.said.detail.get("result") in (None, "accepted")
            for entry in self.of(Kind.TOLD)
        )

    def document(self) -> dict[str, Json]:
        """Spell the whole record as JSON."""
        return {
            "name": self.name,
            "reference": self.reference,
            "status": self.status.value,
            "origin": self.origin.value,
            "subject": self.subject.document(),
            "opened": rfc3339(self.opened),
            "opened_by": self.opened_by,
            "cited_not_held": [*self.cited],
            "exhibits": [{"name": e.name, "sha256": e.sha256, "size": e.size} for e in self.exhibits],
            "tasks": [
                {
                    "task": t.number,
                    "words": t.words,
                    "owner": t.owner,
                    "due": t.due,
                    "done": rfc3339(t.done) if t.done else None,
                }
                for t in self.tasks
            ],
            "people": [{"name": p.name, "role": p.role, "address": p.address, "tenant": p.tenant} for p in self.people],
            "containments": [containment_document(c) for c in self.containments],
            "timeline": [entry.document() for entry in self.entries],
        }


def fold(name: str, reference: str, entries: Iterable[Entry]) -> Incident:
    """Add up the entries of one incident, in order.

    Raises:
        Refused: If they do not begin with its opening.
    """
    ordered = tuple(entries)
    if not ordered or ordered[0].said.kind is not Kind.OPENED:
        raise Refused(f"the record of {name} does not begin with its opening", "verify: counterfoil ledger verify")
    first = ordered[0]
    subject, status = Subject.read(first.said.detail), Status(str(first.said.detail["status"]))
    for entry in ordered[1:]:
        if entry.said.kind is Kind.CLOSED:
            status = Status.CLOSED
        elif entry.said.kind is Kind.SCOPE and entry.said.detail.get("touched"):
            status = Status.OPEN
    return Incident(
        name=name,
        reference=reference,
        origin=Origin(str(first.said.detail["origin"])),
        subject=subject,
        status=status,
        opened=first.time,
        opened_by=first.actor,
        entries=ordered,
    )
