"""A request and its answer as values, so that every face of the laboratory is a function between them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request.

    ``headers`` are in lower case; ``query`` is decoded; ``address`` is where the caller says he is;
    ``base`` is scheme, host and port that he used; ``id`` is the request id that we give.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    address: str
    now: float
    base: str
    id: str
    target: str = ""

    def with_path(self, path: str) -> "Call":
        """Return the same call for another path."""
        return replace(self, path=path)

    def header(self, name: str) -> str:
        """Return a header, or the empty string."""
        return self.headers.get(name.lower(), "")

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            ValueError: If it is none.
        """
        document = json.loads(self.body or b"{}")
        if not isinstance(document, dict):
            raise ValueError("the body is not a JSON object")  # noqa: TRY004 - callers answer 400 to any bad body
        json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is a ValueError here, not later
        return document


@dataclass(slots=True)
class Reply:
    """One HTTP answer; ``delay`` seconds pass before it, ``cut`` breaks it off half-way."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False

    def document(self) -> Any:
        """Return the JSON of the body, ``None`` where it is empty."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Errand:
    """A request that the laboratory itself sends: a validation or a notification."""

    url: str
    body: bytes
    content_type: str
    expect: str | None = None
    subscription: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """An answer that waits for errands; ``then`` gets whether each one went well."""

    errands: tuple[Errand, ...]
    then: Callable[[list[bool]], Reply]


def json_reply(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """Make an answer of JSON in UTF-8."""
    body = json.dumps(document, ensure_ascii=False).encode()
    kind = "application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; charset=utf-8"
    return Reply(status, body, {"Content-Type": kind, **(headers or {})})
