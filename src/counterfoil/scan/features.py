"""What the checks look at: one message, taken apart once, frozen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from counterfoil.model.mail import Authentication, Envelope, Link, Part, Uninspectable


@dataclass(frozen=True, slots=True)
class Header:
    """One header field in the order it came.

    ``name`` as written; ``value`` unfolded and with RFC 2047 words decoded; ``raw`` the octets after
    the colon, folding included.
    """

    name: str
    value: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """Something that mail clients may understand in several ways (law 4), or a container's oddity.

    ``name`` is from a closed set, e.g. ``"mime:duplicate-content-type"``; ``part`` is where.
    """

    name: str
    part: str
    detail: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message with everything that was found in it.

    ``parts`` holds every distinct reading of every part, containers and their members; ``texts`` the
    decoded text of each part that a person or a script engine would read, by part id.
    """

    raw: bytes = field(repr=False)
    envelope: Envelope | None
    headers: tuple[Header, ...]
    parts: tuple[Part, ...]
    texts: Mapping[str, str] = field(repr=False)
    links: tuple[Link, ...]
    ambiguities: tuple[Ambiguity, ...]
    authentication: Authentication
    uninspectable: tuple[Uninspectable, ...]

    def values(self, name: str) -> Iterator[str]:
        """Yield the decoded values of every header field of that name, case-insensitively."""
        wanted = name.lower()
        return (header.value for header in self.headers if header.name.lower() == wanted)
