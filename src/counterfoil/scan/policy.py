"""What a tenant wants done: values only. How a policy is read and written is in ``policy_document``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from counterfoil.model.mail import Action, Severity, Verdict

OFF = "off"
"""The override that silences a check."""

UNINSPECTABLE = "uninspectable"
"""The reason that is no check: something could not be inspected. An allow entry may name it, an override may not."""

ALLOWED = "allowed"
"""The reason that an allow entry gives."""

DEFAULT_ACTIONS: Mapping[Verdict, Action] = {
    Verdict.CLEAN: Action.DELIVER,
    Verdict.SUSPICIOUS: Action.TAG,
    Verdict.UNINSPECTABLE: Action.QUARANTINE,
    Verdict.MALICIOUS: Action.QUARANTINE,
}


@dataclass(frozen=True, slots=True)
class Allow:
    """A promise about a sender: who gave it, why, and until when (exclusive).

    ``sender`` is an envelope sender address, or ``"@example.org"`` for that domain and no subdomain.
    ``checks`` names what is lifted; empty lifts every finding that is no malware hit, and
    ``uninspectable`` only where it is named. The entry counts only for mail whose SPF passed, because
    anybody can write any sender; ``unauthenticated`` gives that up.
    """

    sender: str
    who: str
    why: str
    until: datetime
    checks: tuple[str, ...] = ()
    unauthenticated: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """How a tagged message is marked: our header, a prefix of the subject (it breaks DKIM), or both."""

    header: bool = True
    subject_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Own:
    """What is different for one recipient: an address, or ``"@example.org"`` for all of that domain, lower case.

    Only what is named differs; the rest is as for everybody.
    """

    to: str
    actions: Mapping[Verdict, Action]
    overrides: Mapping[str, Severity | str]
    tag: Tag | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A tenant's policy.

    ``overrides`` gives a check's findings another severity, or silences it with ``"off"``;
    ``hold_days`` is how long a held message is kept; ``recipients`` says for whom something is different.
    """

    actions: Mapping[Verdict, Action] = field(default_factory=lambda: dict(DEFAULT_ACTIONS))
    overrides: Mapping[str, Severity | str] = field(default_factory=dict)
    allow: tuple[Allow, ...] = ()
    tag: Tag = Tag()
    hold_days: int = 30
    recipients: tuple[Own, ...] = ()


DEFAULT_POLICY = Policy()
