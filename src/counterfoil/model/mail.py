"""The words of the mail side: envelope, part, finding, verdict, action, disposition.

Field names are those of the JSON that ``counterfoil scan --json`` prints.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Severity(StrEnum):
    """How much a finding weighs; the order of the members is the order of weight."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Verdict(StrEnum):
    """What a message is; ``uninspectable`` is what could not be parsed, opened or finished (law 3)."""

    CLEAN = "clean"
    SUSPICIOUS = "suspicious"
    UNINSPECTABLE = "uninspectable"
    MALICIOUS = "malicious"


class Action(StrEnum):
    """What the tenant's policy makes of a verdict, from mildest to severest."""

    DELIVER = "deliver"
    TAG = "tag"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class Outcome(StrEnum):
    """What became of a message. Only ``held`` may later become released, deleted or expired."""

    HANDED_ON = "handed-on"
    HELD = "held"
    REFUSED = "refused"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"
    RELEASED = "released"
    DELETED = "deleted"
    EXPIRED = "expired"


class Direction(StrEnum):
    """Towards the tenant's mailboxes, or away from them."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What SMTP said around the message (RFC 5321 section 2.3.1).

    ``sender`` is ``""`` for the null reverse-path; ``recipients`` are in the order they were accepted.
    """

    sender: str
    recipients: tuple[str, ...]
    client_address: str = ""
    helo: str = ""
    tenant: str | None = None
    direction: Direction = Direction.INBOUND


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check saw, with evidence that a person can verify."""

    check: str
    severity: Severity
    summary: str
    part: str | None = None
    techniques: tuple[str, ...] = ()
    evidence: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes that were found in a message, and the way we came to them.

    ``id`` is the path of the part, ``"1.2"`` as in IMAP (RFC 3501 section 6.4.5) for MIME parts and
    ``"1.2/3"`` for the third member of a container. ``names`` is every plausible file name, the
    most literal first. ``via`` is how we came to the bytes, outermost first.
    """

    id: str
    names: tuple[str, ...]
    declared_type: str
    detected_type: str
    sha256: str
    via: tuple[str, ...]
    data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """The number of octets."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Link:
    """A reference that a person could follow, with the text that is shown for it (``""`` for none)."""

    url: str
    text: str
    part: str


@dataclass(frozen=True, slots=True)
class Uninspectable:
    """Bytes that could not be parsed, opened or finished in their budget, and why."""

    part: str
    reason: str


NOT_CHECKED = "not-checked"


@dataclass(frozen=True, slots=True)
class Authentication:
    """Results in the words of RFC 8601 section 2.7, or ``not-checked``.

    ``detail`` says for each method what the result rests on (domains, selectors, reasons).
    """

    spf: str = NOT_CHECKED
    dkim: str = NOT_CHECKED
    dmarc: str = NOT_CHECKED
    arc: str = NOT_CHECKED
    detail: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scan:
    """All that is known of a message before policy speaks."""

    message_id: str
    subject: str
    sha256: str
    size: int
    findings: tuple[Finding, ...]
    parts: tuple[Part, ...]
    links: tuple[Link, ...]
    authentication: Authentication
    uninspectable: tuple[Uninspectable, ...]

    def file_names(self) -> dict[str, str]:
        """Return the most literal name of each part that has one, by the part's id."""
        return {part.id: part.names[0] for part in self.parts if part.names}


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and the action that a policy makes of it, with what decided and what would change it."""

    verdict: Verdict
    action: Action
    reasons: tuple[str, ...]
    would_change: tuple[str, ...] = ()
