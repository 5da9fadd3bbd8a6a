"""The stub exchange form: what any program that keeps stubs can hand over, one JSON object a line.

Unknown keys are kept by whoever writes the file and passed over here; absent keys are null. A line that
cannot be read stops everything: a lost stub would accuse somebody of our own work.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from counterfoil.evidence.ids import guid, present, thumbprint, token_id
from counterfoil.evidence.misread import Misread
from counterfoil.evidence.operations import Kind, endpoint_of, kind_of, operation_of
from counterfoil.evidence.paths import host_of, path_of
from counterfoil.evidence.readers.fields import instant
from counterfoil.evidence.standing import Connection, Said, living, standing
from counterfoil.model.errors import Refused
from counterfoil.model.instant import from_rfc3339

KINDS = ("tenant", "credential", "job", "token", "call", "gap")
"""The kinds that reconciling looks at; a ledger holds others beside them. A ``gap`` is a time without stubs."""

CLOCKS_APART = timedelta(minutes=5)
"""A gap is told by our clock and rows by the tenant's: it counts so much longer at both ends (Microsoft's tokens allow
as much between clocks)."""


@dataclass(slots=True)
class Books:
    """Our side, normalised: ``tokens``, ``calls`` and ``credentials`` are rows for the tables of these names.

    ``operations`` says what is known of the kinds of call that ``calls`` name in their column ``operation``.
    ``jobs`` is the set of their ids, or ``None`` where the books hold none at all; calls and jobs of a large
    file may stay in Parquet (:mod:`counterfoil.evidence.typed.books`). ``first`` and ``last`` are the times of
    tokens and calls, ``spans`` those of the other stubs: a credential may be older than any use of it.
    """

    connections: dict[str, list[Said]] = field(default_factory=dict)
    credentials: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[dict[str, Any]] = field(default_factory=list)
    calls: Sequence[dict[str, Any]] = field(default_factory=list)
    operations: dict[str, Kind] = field(default_factory=dict)
    jobs: Any = None
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)
    spans: list[datetime] = field(default_factory=list)
    misread: Misread = field(default_factory=Misread)
    first: datetime | None = None
    last: datetime | None = None

    @property
    def tenants(self) -> set[str]:
        """Every tenant that any stub names."""
        named = {row["tenant"] for row in self.credentials} | self.busy
        return {tenant for tenant in {*self.connections, *named, *self.misread.costs} if tenant}

    @property
    def busy(self) -> set[str]:
        """Every tenant that a token or a call names."""
        stored: set[str] | None = getattr(self.calls, "tenants", None)
        calling = {row["tenant"] for row in self.calls} if stored is None else stored
        return {row["tenant"] for row in self.tokens} | calling

    def standings(self, since: datetime) -> dict[str, Connection]:
        """Say of each tenant with a ``tenant`` line how it stands in a window that begins at ``since``."""
        used = self.busy | living(self.credentials)
        return {tenant: standing(lines, since, used=tenant in used) for tenant, lines in self.connections.items()}

    @property
    def homes(self) -> dict[str, str]:
        """The tenant of each application that is in one tenant only; applications without dashes."""
        found: dict[str, set[str]] = {}
        for row in (*self.credentials, *self.tokens):
            if row["app"] and row["tenant"]:
                found.setdefault(row["app"].replace("-", ""), set()).add(row["tenant"])
        return {app: tenants.pop() for app, tenants in found.items() if len(tenants) == 1}


def read_stubs(lines: Iterable[str]) -> Books:
    """Read the exchange form.

    Raises:
        Refused: If a line is no JSON object, or lacks what its kind cannot do without; the hint names it.
    """
    return read_objects(_objects(lines), may_repeat=True)


def read_objects(objects: Iterable[tuple[int, Mapping[str, Any]]], *, may_repeat: bool = False) -> Books:
    """Read the exchange form from parsed objects with their lines; a stub that stands twice (``may_repeat``) is one."""
    books = Books()
    calls: list[dict[str, Any]] = []
    books.calls = calls
    open_tokens: dict[tuple[str, ...], dict[str, Any]] = {}
    open_calls: dict[tuple[str, ...], dict[str, Any]] = {}
    for number, stub in objects:
        kind = stub.get("kind")
        if kind not in KINDS:
            books.misread.look(number, _may_be_passed_over(kind, number), stub)
            continue
        books.misread.look(number, kind, stub)
        _span(books, stub, number, needed=kind in ("token", "call"))
        if kind == "tenant":
            _tenant(books, stub)
        elif kind == "job":
            books.jobs = books.jobs or set()
            books.jobs.update(filter(None, [present(stub.get("id"))]))
        elif kind == "gap":
            books.gaps.append(_gap(stub, number))
        elif kind == "credential":
            books.credentials.append(_credential(stub))
        elif kind == "token":
            _merge_token(books.tokens, open_tokens, _token(stub))
        else:
            _merge_call(calls, open_calls, _call(stub))
    if may_repeat:
        books.tokens, books.calls = (list({repr(s): s for s in kept}.values()) for kept in (books.tokens, calls))
    _finish(books)
    return books


def _may_be_passed_over(kind: Any, number: int) -> str:
    """Return a kind of which nothing is taken; one that is ours but for a slip of the pen would lose a stub."""
    low = kind.strip().lower() if isinstance(kind, str) else ""
    if not low or low in KINDS:
        raise _bad(number, f"has the kind {kind!r}, which is written {low!r}" if low else "has no kind")
    return str(kind)


def _objects(lines: Iterable[str]) -> Iterable[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            stub = json.loads(line.lstrip("\ufeff"))
        except (ValueError, RecursionError) as error:
            raise _bad(number, f"is no JSON: {error}") from None
        if not isinstance(stub, dict):
            raise _bad(number, "is no JSON object")
        yield number, stub


def _bad(number: int, words: str) -> Refused:
    return Refused(
        f"line {number} of the stubs {words}",
        "export the stubs again: with one of them missing, our own use would look like somebody else's",
    )


def _span(books: Books, stub: Mapping[str, Any], number: int, *, needed: bool) -> None:
    time = instant(stub.get("time"))
    if time is None:
        if needed or stub.get("time") is not None:
            raise _bad(number, f"has no time that can be read: {stub.get('time')!r}")
        return
    moment = from_rfc3339(time)
    if needed:
        books.first = min(books.first or moment, moment)
        books.last = max(books.last or moment, moment)
    else:
        books.spans.append(moment)


def _gap(stub: Mapping[str, Any], number: int) -> tuple[datetime, datetime]:
    since, until = instant(stub.get("since")), instant(stub.get("until"))
    if since is None or until is None:
        raise _bad(number, "is a gap that does not say since when and until when")
    return _moved(from_rfc3339(since), -CLOCKS_APART), _moved(from_rfc3339(until), CLOCKS_APART)


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment  # "always" in years 1 and 9999


def _tenant(books: Books, stub: Mapping[str, Any]) -> None:
    tenant = _low(stub.get("tenant"))
    if tenant is None:
        return
    roles, connected, time = stub.get("roles"), stub.get("connected"), instant(stub.get("time"))
    books.connections.setdefault(tenant, []).append(
        Said(
            present(stub.get("name")),
            connected if isinstance(connected, bool) else None,
            tuple(str(role) for role in roles) if isinstance(roles, list) else None,
            from_rfc3339(time) if time else None,
        )
    )


def _credential(stub: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tenant": _low(stub.get("tenant")),
        "app": _low(stub.get("app")),
        **_keys(stub),
        "state": present(stub.get("state")),
    }


def _keys(stub: Mapping[str, Any]) -> dict[str, str | None]:
    prints = [thumbprint(stub.get(name)) for name in ("thumbprint_sha1", "thumbprint_sha256")]
    found = {print_.algorithm: print_.hex for print_ in prints if print_}
    return {"sha1": found.get("sha1"), "sha256": found.get("sha256"), "key_id": guid(stub.get("key_id"))}


def _token(stub: Mapping[str, Any]) -> dict[str, Any]:
    token = token_id(stub.get("uti"))
    return {
        "tenant": _low(stub.get("tenant")),
        "time": instant(stub.get("time")),
        "app": _low(stub.get("app")),
        **_keys(stub),
        "audience": present(stub.get("audience")),
        "jti": present(stub.get("jti")),
        "correlation_id": _low(stub.get("correlation_id")),
        "request_id": guid(stub.get("request_id")),
        "uti": token.hex if token else None,
        "job": present(stub.get("job")),
        "outcome": _low(stub.get("outcome")) or "unknown",
        "error": present(stub.get("error")),
    }


def _call(stub: Mapping[str, Any]) -> dict[str, Any]:
    token, messages = token_id(stub.get("uti")), stub.get("message_ids")
    resource, status = present(stub.get("resource")), stub.get("status")
    return {
        "tenant": _low(stub.get("tenant")),
        "time": instant(stub.get("time")),
        "app": _low(stub.get("app")),
        "uti": token.hex if token else None,
        "crid": _low(stub.get("client_request_id")),
        "method": (present(stub.get("method")) or "").upper() or None,
        "path": path_of(resource),
        "host": host_of(resource),
        "mailbox": _low(stub.get("mailbox")),
        "messages": [bracketed(str(message)) for message in messages] if isinstance(messages, list) else [],
        "effect": _low(stub.get("effect")) or "none",
        "job": present(stub.get("job")),
        "status": int(str(status)) if str(status).isdigit() else None,
    }


def bracketed(message: str) -> str:
    """Spell a Message-ID with the angle brackets that belong to it (RFC 5322, 3.6.4); other ids stay as they are."""
    return f"<{message.strip()}>" if "@" in message and "<" not in message else message


def _merge_token(
    tokens: list[dict[str, Any]], begun: dict[tuple[str, ...], dict[str, Any]], token: dict[str, Any]
) -> None:
    """Lay the line with the outcome over the line that was written before the request."""
    key = (token["tenant"] or "", token["correlation_id"] or "", token["jti"] or "")
    earlier = begun.get(key) if token["correlation_id"] else None
    if earlier is not None and earlier["outcome"] == "unknown" and earlier["uti"] is None:
        earlier |= {name: value for name, value in token.items() if value is not None and name != "time"}
    else:
        tokens.append(token)
        begun[key] = token


def _merge_call(
    calls: list[dict[str, Any]], begun: dict[tuple[str, ...], dict[str, Any]], call: dict[str, Any]
) -> None:
    key = (call["tenant"] or "", call["uti"] or "", call["crid"] or "")
    earlier = begun.get(key) if call["crid"] else None
    if earlier is not None and earlier["status"] is None:
        earlier |= {name: value for name, value in call.items() if value not in (None, [], "none") and name != "time"}
    else:
        calls.append(call)
        begun[key] = call


def _finish(books: Books) -> None:
    """Number the rows and name the operation of each call (the audience tells a bare path's host)."""
    audience = {(row["tenant"], row["uti"]): row["audience"] for row in books.tokens if row["uti"]}
    for number, row in enumerate(books.tokens):
        row["no"] = number
    for number, row in enumerate(books.calls):
        row["no"] = number
        endpoint = endpoint_of(row["host"], audience.get((row["tenant"], row["uti"])))
        operation = operation_of(
            endpoint,
            row["method"],
            row["path"],
            status=row["status"],
            effect=row["effect"],
            has_ids=bool(row["messages"]),
        )
        row["operation"] = f"{endpoint} {operation}"
        books.operations.setdefault(row["operation"], kind_of(endpoint, operation))


def _low(value: Any) -> str | None:
    text = present(value)
    return text.lower() if text else None
