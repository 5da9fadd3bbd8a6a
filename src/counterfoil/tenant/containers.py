"""Read a container of blobs over HTTPS with a shared access signature: list its pages, fetch octets by range.

A SAS is a secret: it stands in the query of every request, so no URL of this module is ever logged, shown or put
into an error; nor is what the service says in an error beyond its code, since it may quote the request.
The URL may come from a customer, so only storage accounts of Microsoft's clouds are asked (and a host that the
configuration names), on the default port, over TLS, without following redirects.
Sources: Azure Storage REST reference: List Blobs, Get Blob, "Specifying the range header", "Versioning".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit
from xml.etree import ElementTree as ET

from counterfoil.model.errors import Misconfigured, Refused, Unavailable
from counterfoil.tenant.door import ATTEMPTS, LONGEST_WAIT, retry_after
from counterfoil.tenant.token import Means
from counterfoil.tenant.wire import Answer

VERSION: Final = "2024-11-04"
PIECE: Final = 4 << 20
"""Octets asked for at once."""

LARGEST_PAGE: Final = 32 << 20
MOST_PAGES: Final = 10_000
BUSY: Final = frozenset({429, 500, 502, 503, 504})
CLOUDS: Final = (".blob.core.windows.net", ".blob.core.usgovcloudapi.net", ".blob.core.chinacloudapi.cn")
"""Microsoft's clouds: Azure, US Government, operated by 21Vianet."""

_PLACE = re.compile(r"(/[A-Za-z0-9$-]{3,63}){1,2}")
_HINTS: Final = {
    403: "ask the customer for a new SAS with the permissions read and list; it may have ended",
    404: "the container is not there: is its diagnostic setting on?",
}


@dataclass(frozen=True, slots=True)
class Container:
    """A container, and the right to read it; ``str`` shows where it is and never the right."""

    base: str
    ends: datetime | None
    sas: str = field(repr=False)

    def __str__(self) -> str:
        return self.base


@dataclass(frozen=True, slots=True)
class Blob:
    """What a listing says of a blob; another ``etag`` is another content."""

    name: str
    etag: str
    size: int


def container_of(url: str, own: str = "") -> Container:
    """Read the URL of a container with its SAS.

    Args:
        url: As the portal gives it.
        own: Base URL of a storage host that the configuration names besides; empty for none.

    Raises:
        Misconfigured: If it is none, or leads to a host that is no storage account; the message quotes no part of it.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise _wrong("it is no URL") from error
    known = f"{parts.scheme}://{parts.netloc}" == own if own else False
    account = any(re.fullmatch(rf"[a-z0-9]{{3,24}}{re.escape(cloud)}", host) for cloud in CLOUDS)
    if parts.scheme != "https" or parts.username is not None or parts.password is not None or parts.fragment:
        raise _wrong("it has to begin with https:// and has neither a user nor a fragment")
    if not known and not (account and port in (None, 443)):
        raise _wrong(f"its host is no storage account ({CLOUDS[0]})")
    if not _PLACE.fullmatch(parts.path):
        raise _wrong("it names no container")
    given = parse_qs(parts.query)
    if "sig" not in given:
        raise _wrong("it has no SAS (sig=…)")
    return Container(f"https://{parts.netloc.lower()}{parts.path}", _ends(given.get("se", [""])[0]), parts.query)


def _wrong(why: str) -> Misconfigured:
    return Misconfigured(f"a container's URL cannot be used: {why}", "give the container's URL with a SAS (sp=rl)")


def _ends(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Store:
    """One container, asked politely: what is busy is asked again later, as long as it says."""

    def __init__(self, container: Container, means: Means) -> None:
        self.container = container
        self._means = means

    def blobs(self, page: int = 5000) -> Iterator[Blob]:
        """Yield every blob, page after page.

        Raises:
            Unavailable: If a marker comes back that was given before, or a page is none.
            Refused: If the SAS does not let us list.
        """
        seen = {""}
        marker = ""
        for _ in range(MOST_PAGES):
            query = {"restype": "container", "comp": "list", "maxresults": str(page), "marker": marker}
            answer = self._asked("", urlencode({name: value for name, value in query.items() if value}), LARGEST_PAGE)
            found, marker = _page(answer.content)
            yield from found
            if not marker:
                return
            if marker in seen:
                raise Unavailable("the storage account answered with a marker that it gave before")
            seen.add(marker)
        raise Unavailable(f"the container has more than {MOST_PAGES} pages")

    def pieces(self, blob: Blob) -> Iterator[bytes]:
        """Yield a blob's octets as it was when it was listed.

        Raises:
            Unavailable: If it changed meanwhile (it is listed anew next time), or came cut short.
            Refused: If the SAS does not let us read.
        """
        # Slashes too: a segment of two dots would be taken for the container's parent.
        place = f"/{quote(blob.name, safe='')}"
        for start in range(0, blob.size, PIECE):
            end = min(start + PIECE, blob.size) - 1
            headers = {"x-ms-range": f"bytes={start}-{end}", "if-match": f'"{blob.etag}"'}
            octets = self._asked(place, "", PIECE, headers).content
            if len(octets) != end - start + 1:
                raise Unavailable("the storage account answered with another range than was asked for")
            yield octets

    def _asked(self, place: str, query: str, most: int, headers: dict[str, str] | None = None) -> Answer:
        """Ask once, and again while it is busy; an error tells the service's code and nothing of the request."""
        url = f"{self.container.base}{place}?{'&'.join(filter(None, (query, self.container.sas)))}"
        sent = {"x-ms-version": VERSION, "accept-encoding": "identity", **(headers or {})}
        waited = 0.0
        for attempt in range(1, ATTEMPTS + 1):
            answer = self._means.wire.send("GET", url, sent, most=most)
            if answer.status not in BUSY:
                return _accepted(answer)
            seconds = retry_after(answer, self._means.clock(), default=float(2 ** (attempt - 1)))
            waited += seconds
            if waited > LONGEST_WAIT or attempt == ATTEMPTS:
                break
            self._means.pause(seconds)
        raise Unavailable("the storage account is busy", "it is tried again later")


def _accepted(answer: Answer) -> Answer:
    if answer.status in (200, 206):
        return answer
    code = re.sub(r"[^A-Za-z]", "", answer.headers.get("x-ms-error-code", ""))[:60] or str(answer.status)
    if answer.status == 412:
        raise Unavailable("a blob changed while it was read", "it is read again by the next pull")
    if 300 <= answer.status < 400:
        raise Refused("the storage account sent us elsewhere, and we do not go there", "give the container's own URL")
    raise Refused(f"the storage account refused: {code}", _HINTS.get(answer.status))


def _page(content: bytes) -> tuple[list[Blob], str]:
    """Read a page of a listing; a document type, which could make a small page a large one, is refused."""
    try:
        text = content.decode("utf-8-sig")
        if "<!" in text:
            raise Unavailable("the storage account answered with a listing that has a document type")
        root = ET.fromstring(text)  # noqa: S314 - without a document type, as seen above
        found = [
            Blob(
                _text(blob, "Name"),
                _text(blob, "Properties/Etag").strip('"'),
                int(_text(blob, "Properties/Content-Length")),
            )
            for blob in root.iterfind("Blobs/Blob")
        ]
    except (ET.ParseError, ValueError) as error:
        raise Unavailable("the storage account answered with a listing that cannot be read") from error
    return [blob for blob in found if blob.size >= 0 and blob.name not in (".", "..")], root.findtext(
        "NextMarker"
    ) or ""


def _text(blob: ET.Element, path: str) -> str:
    text = blob.findtext(path)
    if not text:
        raise ValueError(path)
    return text
