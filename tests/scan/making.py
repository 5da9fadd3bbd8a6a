"""Makes what the checks look at, and drives an examination without any network."""

from hashlib import sha256

from counterfoil.model.dns import Answer, Status
from counterfoil.model.mail import Authentication, Link, Part, Scan, Uninspectable
from counterfoil.scan.features import Ambiguity, Header, Message
from counterfoil.scan.kinds import kinds_of
from counterfoil.scan.message import examine, examine_file


def part(data: bytes = b"", name: str = "", via: tuple[str, ...] = (), identity: str = "1") -> Part:
    """A part whose type is told by its contents."""
    names = (name,) if name else ()
    return Part(identity, names, "", str(kinds_of(data, names)[0]), sha256(data).hexdigest(), via, data)


def message(
    *parts: Part,
    raw: bytes = b"",
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    links: tuple[Link, ...] = (),
    ambiguities: tuple[Ambiguity, ...] = (),
    authentication: Authentication | None = None,
    uninspectable: tuple[Uninspectable, ...] = (),
) -> Message:
    """A message of the given features."""
    pairs = headers.items() if isinstance(headers, dict) else headers or []
    return Message(
        raw=raw,
        envelope=None,
        headers=tuple(Header(name, value, value.encode("utf-8", "surrogateescape")) for name, value in pairs),
        parts=parts,
        texts={one.id: one.data.decode("utf-8", "replace") for one in parts},
        links=links,
        ambiguities=ambiguities,
        authentication=authentication or Authentication(),
        uninspectable=uninspectable,
    )


def scanned(raw: bytes) -> Scan:
    """The scan of a message, with every look-up left unasked."""
    return _driven(examine(raw))


def scanned_file(name: str, data: bytes) -> Scan:
    """The scan of a bare file."""
    return _driven(examine_file(name, data))


def _driven(examination) -> Scan:
    try:
        questions = next(examination)
        while True:
            questions = examination.send(tuple(Answer(Status.NOT_ASKED) for _ in questions))
    except StopIteration as done:
        return done.value
