"""A policy as a document (what JSON and TOML can say), read with every problem reported at once.

Example, as TOML::

    hold_days = 14

    [actions]
    suspicious = "quarantine"

    [overrides]
    long-lines = "off"
    sender = "high"

    [[allow]]
    sender = "@partner.example"
    checks = ["structure"]
    who = "anna@example.org"
    why = "their ERP writes two Content-Type lines, ticket 4711"
    until = 2027-01-31T00:00:00Z

    [tag]
    header = true
    subject_prefix = "[suspicious] "

    [[recipients]]
    to = "@board.example.org"
    actions = { suspicious = "quarantine" }
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from counterfoil.model.errors import Misconfigured
from counterfoil.model.instant import from_rfc3339, rfc3339
from counterfoil.model.mail import Action, Json, Severity, Verdict
from counterfoil.model.number import counted
from counterfoil.scan.policy import (
    ALLOWED,
    DEFAULT_ACTIONS,
    DEFAULT_POLICY,
    OFF,
    UNINSPECTABLE,
    Allow,
    Own,
    Policy,
    Tag,
)

MAX_HOLD_DAYS = 3650
MAX_PREFIX = 60
_KEYS = ("actions", "overrides", "allow", "tag", "hold_days", "recipients")
_OWN_KEYS = ("to", "actions", "overrides", "tag")
_ALLOW_KEYS = ("sender", "who", "why", "until", "checks", "unauthenticated")

_TYPE_NAMES: dict[type, str] = {bool: "true or false", str: "a text", list: "a list"}

Word = TypeVar("Word", bound=StrEnum)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a document: the key it is at, what is wrong, and what to do."""

    key: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


class BadPolicy(Misconfigured):
    """A policy document that cannot be used; ``problems`` holds all of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(str(problem) for problem in self.problems)
        hints = "\n".join(f"{problem.key}: {problem.hint}" for problem in self.problems)
        super().__init__(f"the policy has {counted(len(self.problems), 'problem')}:\n{lines}", hints)


def read(document: Mapping[str, object], checks: frozenset[str]) -> Policy:
    """Make a policy of a document; what it leaves out is as in ``DEFAULT_POLICY``.

    Args:
        document: What ``tomllib`` or ``json`` gave; points in time may be datetimes or RFC 3339 text.
        checks: The names that a check may have (``counterfoil.scan.verdict.REASONS``).

    Raises:
        BadPolicy: With every problem of the document.
    """
    reader = _Reader(checks)
    policy = reader.policy(document)
    if reader.problems:
        raise BadPolicy(reader.problems)
    return policy


def write(policy: Policy) -> dict[str, Json]:
    """Make the document that ``read`` makes the same policy of."""
    allow: list[Json] = [
        {
            "sender": entry.sender,
            "who": entry.who,
            "why": entry.why,
            "until": rfc3339(entry.until),
            "checks": list(entry.checks),
            "unauthenticated": entry.unauthenticated,
        }
        for entry in policy.allow
    ]
    recipients: list[Json] = [_own(own) for own in policy.recipients]
    document: dict[str, Json] = {
        "actions": {str(verdict): str(action) for verdict, action in policy.actions.items()},
        "overrides": {name: str(severity) for name, severity in policy.overrides.items()},
        "allow": allow,
        "tag": {"header": policy.tag.header, "subject_prefix": policy.tag.subject_prefix},
        "hold_days": policy.hold_days,
    }
    return document | {"recipients": recipients} if recipients else document


def _own(own: Own) -> dict[str, Json]:
    document: dict[str, Json] = {
        "to": own.to,
        "actions": {str(verdict): str(action) for verdict, action in own.actions.items()},
        "overrides": {name: str(severity) for name, severity in own.overrides.items()},
    }
    if own.tag is not None:
        document["tag"] = {"header": own.tag.header, "subject_prefix": own.tag.subject_prefix}
    return document


@dataclass(slots=True)
class _Reader:
    """Reads one document; each method reads one part of it and notes what is wrong."""

    checks: frozenset[str]
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, key: str, message: str, hint: str) -> None:
        self.problems.append(Problem(key, message, hint))

    def policy(self, document: Mapping[str, object]) -> Policy:
        self.unknown(document, _KEYS, "")
        days = document.get("hold_days", DEFAULT_POLICY.hold_days)
        if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MAX_HOLD_DAYS:
            self.wrong("hold_days", f"no number of days: {days!r}", f"a whole number from 1 to {MAX_HOLD_DAYS}")
            days = DEFAULT_POLICY.hold_days
        return Policy(
            actions=self.actions(self.table(document, "actions")),
            overrides=self.overrides(self.table(document, "overrides")),
            allow=self.entries(document.get("allow", [])),
            tag=self.tag(self.table(document, "tag")),
            hold_days=days,
            recipients=self.recipients(document),
        )

    def recipients(self, document: Mapping[str, object]) -> tuple[Own, ...]:
        entries = document.get("recipients", [])
        if not isinstance(entries, list):
            self.wrong("recipients", f"no list: {entries!r}", "write [[recipients]] once for each entry")
            return ()
        found: dict[str, Own] = {}
        for number, entry in enumerate(entries):
            prefix = f"recipients[{number}]."
            if not isinstance(entry, Mapping):
                self.wrong(prefix[:-1], f"no table: {entry!r}", "write [[recipients]] and its keys below")
                continue
            inner = _Reader(self.checks)
            own = inner.own(entry)
            if own.to in found:
                inner.wrong("to", f"{own.to} is there already", "one entry for each recipient")
            found[own.to] = own
            self.problems += [replace(problem, key=prefix + problem.key) for problem in inner.problems]
        return tuple(found.values())

    def own(self, entry: Mapping[str, object]) -> Own:
        self.unknown(entry, _OWN_KEYS, "")
        to = self.filled("to", entry, "an address, or @ and a domain").lower()
        if to and ("@" not in to or to.endswith("@")):
            self.wrong("to", f"no recipient: {to!r}", "an address, or @ and a domain")
        given = self.table(entry, "actions")
        actions = {verdict: action for verdict, action in self.actions(given).items() if verdict in given}
        tag = self.tag(self.table(entry, "tag")) if "tag" in entry else None
        return Own(to, actions, self.overrides(self.table(entry, "overrides")), tag)

    def unknown(self, document: Mapping[str, object], known: Sequence[str], prefix: str) -> None:
        for key in document:
            if key not in known:
                self.wrong(f"{prefix}{key}", "no such key", f"one of {', '.join(known)}")

    def table(self, document: Mapping[str, object], key: str) -> Mapping[str, object]:
        value = document.get(key, {})
        if isinstance(value, Mapping):
            return value
        self.wrong(key, f"no table: {value!r}", f"write [{key}] and its keys below")
        return {}

    def word(self, key: str, value: object, words: type[Word]) -> Word | None:
        try:
            return words(str(value))
        except ValueError:
            self.wrong(key, f"unknown word {value!r}", f"one of {', '.join(words)}")
            return None

    def actions(self, table: Mapping[str, object]) -> dict[Verdict, Action]:
        actions = dict(DEFAULT_ACTIONS)
        for key, value in table.items():
            verdict = self.word(f"actions.{key}", key, Verdict)
            action = self.word(f"actions.{key}", value, Action)
            if verdict and action:
                actions[verdict] = action
        return actions

    def overrides(self, table: Mapping[str, object]) -> dict[str, Severity | str]:
        overrides: dict[str, Severity | str] = {}
        for name, value in table.items():
            key = f"overrides.{name}"
            self.check_name(key, name, self.checks - {UNINSPECTABLE, ALLOWED})
            if value == OFF or value is False:
                overrides[name] = OFF
            elif severity := self.word(key, value, Severity):
                overrides[name] = severity
        return overrides

    def check_name(self, key: str, name: object, known: frozenset[str]) -> None:
        if not isinstance(name, str) or name not in known:
            self.wrong(key, f"no check is named {name!r}", f"one of {', '.join(sorted(known))}")

    def tag(self, table: Mapping[str, object]) -> Tag:
        self.unknown(table, ("header", "subject_prefix"), "tag.")
        header = self.of_type("tag.header", table.get("header", True), default=True)
        prefix = self.of_type("tag.subject_prefix", table.get("subject_prefix", ""), default="")
        if len(prefix) > MAX_PREFIX or not prefix.isprintable():
            hint = f"printable characters, at most {MAX_PREFIX}"
            self.wrong("tag.subject_prefix", "no text that may stand in a header", hint)
        if not header and not prefix:
            self.wrong("tag", "a tagged message would carry no mark", "header = true, or a subject_prefix")
        return Tag(header, prefix)

    def entries(self, value: object) -> tuple[Allow, ...]:
        if not isinstance(value, list):
            self.wrong("allow", f"no list: {value!r}", "write [[allow]] once for each entry")
            return ()
        entries = []
        for number, entry in enumerate(value):
            if isinstance(entry, Mapping):
                entries.append(self.entry(f"allow[{number}].", entry))
            else:
                self.wrong(f"allow[{number}]", f"no table: {entry!r}", "write [[allow]] and its keys below")
        return tuple(entry for entry in entries if entry)

    def entry(self, prefix: str, table: Mapping[str, object]) -> Allow | None:
        before = len(self.problems)
        self.unknown(table, _ALLOW_KEYS, prefix)
        sender = self.filled(f"{prefix}sender", table, "an address, or @ and a domain")
        if sender and ("@" not in sender or sender.endswith("@")):
            self.wrong(f"{prefix}sender", f"no sender: {sender!r}", "an address, or @ and a domain")
        who = self.filled(f"{prefix}who", table, "the person who answers for this entry")
        why = self.filled(f"{prefix}why", table, "the reason, so that the next person can judge it")
        until = self.instant(f"{prefix}until", table.get("until"))
        checks: list[object] = self.of_type(f"{prefix}checks", table.get("checks", []), default=[])
        for name in checks:
            self.check_name(f"{prefix}checks", name, self.checks - {ALLOWED})
        open_ = self.of_type(f"{prefix}unauthenticated", table.get("unauthenticated", False), default=False)
        if until is None or len(self.problems) > before:
            return None
        return Allow(sender, who, why, until, tuple(map(str, checks)), open_)

    def filled(self, key: str, table: Mapping[str, object], hint: str) -> str:
        value = table.get(key.rpartition(".")[2], "")
        if not isinstance(value, str) or not value.strip():
            self.wrong(key, "missing or empty", hint)
            return ""
        return value.strip()

    def instant(self, key: str, value: object) -> datetime | None:
        hint = "a date and time with its offset (RFC 3339), such as 2027-01-31T00:00:00Z"
        try:
            return from_rfc3339(rfc3339(value) if isinstance(value, datetime) else str(value))
        except (ValueError, OverflowError):
            self.wrong(key, f"no point in time: {value!r}", hint)
            return None

    def of_type(self, key: str, value: object, default: Value) -> Value:
        if isinstance(value, type(default)):
            return value
        name = _TYPE_NAMES[type(default)]
        self.wrong(key, f"not {name}: {value!r}", f"write {name}")
        return default
