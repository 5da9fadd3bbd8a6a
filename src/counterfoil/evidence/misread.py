"""Lines of stubs that say less than their kind should: which, what is wrong with them, and whom it costs. Pure.

A stub that lacks what tells whose it is may be anybody's, and one that lacks its application may hide that one's rows.
What only makes our own use look like somebody else's is told, and costs nothing: it cannot make anybody clean.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from counterfoil.evidence.ids import guid, present, thumbprint, token_id
from counterfoil.ledger.stubs import FIELDS
from counterfoil.model.mail import Json

MOST: Final = 20
"""Faults that are told; the rest is counted."""

MOST_REASONS: Final = 3
"""Of them in the reasons of one tenant."""

_WHOSE: Final = frozenset({"tenant", "credential", "token", "call"})
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "outcome": frozenset({"issued", "refused", "unknown"}),
    "effect": frozenset({"read", "change", "none"}),
}
_IDS: Final = {"uti": token_id, "key_id": guid, "thumbprint_sha1": thumbprint, "thumbprint_sha256": thumbprint}
_LISTS: Final = {"tenant": "roles", "call": "message_ids"}


@dataclass(slots=True)
class Misread:
    """The first faults, how many there are, and what they cost; the key ``None`` is everybody."""

    lines: list[tuple[int, str]] = field(default_factory=list)
    count: int = 0
    costs: dict[str | None, list[str]] = field(default_factory=dict)

    def look(self, number: int, kind: str, stub: Mapping[str, Any]) -> None:
        """Note what is wrong with a line, if anything is."""
        for words, costs in _wrong(kind, stub):
            self.count += 1
            if len(self.lines) < MOST:
                self.lines.append((number, words))
            if costs:
                tenant = present(stub.get("tenant"))
                told = self.costs.setdefault(tenant.lower() if tenant else None, [])
                if len(told) < MOST_REASONS:
                    told.append(f"line {number} of the stubs is {words}")

    def reasons(self, tenant: str) -> list[str]:
        """Say why a tenant cannot be called clean."""
        return [*self.costs.get(tenant, ()), *self.costs.get(None, ())]

    def document(self) -> dict[str, Json]:
        """Return the part of an answer about them."""
        return {"faults": self.count, "lines": [{"line": number, "words": words} for number, words in self.lines]}

    def told(self) -> Iterator[str]:
        """Say which lines they are."""
        for number, words in self.lines:
            yield f"line {number} of the stubs is {words}"
        if self.count > len(self.lines):
            yield f"and {self.count - len(self.lines):,} more faults in the stubs"


def _wrong(kind: str, stub: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    if kind not in FIELDS:
        yield f"of no kind that we know, {_shown(kind)}: it was passed over", bool(present(stub.get("tenant")))
        return
    if kind in _WHOSE and not present(stub.get("tenant")):
        yield f"a {kind} without a tenant: it may be anybody's", True
    if kind in ("credential", "token") and not present(stub.get("app")):
        yield f"a {kind} without an app: rows of that application may not have been looked at", True
    if kind == "job" and not present(stub.get("id")):
        yield "a job without an id: no stub can name it", False
    for name, read in _IDS.items():
        if kind in ("credential", "token", "call") and present(stub.get(name)) and read(stub[name]) is None:
            yield f"a {kind} whose {name} cannot be read, {_shown(stub[name])}: it has none for us", False
    for name, words in _WORDS.items():
        if name in FIELDS[kind] and (said := present(stub.get(name))) and said.lower() not in words:
            yield f"a {kind} whose {name} is {_shown(said)}, none of {', '.join(sorted(words))}", False
    if (listed := _LISTS.get(kind)) and not isinstance(stub.get(listed), list | tuple | None):
        yield f"a {kind} whose {listed} is no list: it has none for us", False
    if kind == "tenant" and not isinstance(stub.get("connected"), bool | None):
        yield "a tenant whose connected is neither true nor false: it counts as connected", False


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:36]}..."
