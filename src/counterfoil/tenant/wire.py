"""HTTP towards Microsoft 365: one client, one request, the answer as a value. An edge.

Retries are not here: whoever retries needs a stub of its own for each attempt.
"""

import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self
from uuid import UUID

import httpx

from counterfoil.model.errors import Unavailable
from counterfoil.tenant.endpoints import Endpoints


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


class Lost(Unavailable):
    """No whole answer came after a request had been sent: the other side may have done it all the same."""


NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""With these nothing has left us, so nothing can have been done."""


class Wire:
    """A client with our time-outs and trust; HTTP/2 where it is offered. Safe to share between threads."""

    def __init__(self, endpoints: Endpoints, *, seconds: float = 30.0) -> None:
        self.trust = ssl.create_default_context(cafile=endpoints.ca)
        self._client = httpx.Client(
            http2=True, verify=self.trust, timeout=seconds, follow_redirects=False, trust_env=False
        )

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None = None,
        *,
        most: int | None = None,
    ) -> Answer:
        """Send one request.

        Args:
            method: HTTP's.
            url: Where to; it is in no error but for its host.
            headers: To send.
            content: The body.
            most: Octets of a body that is taken as it comes, without decoding; more ends the connection.

        Raises:
            Lost: If no whole answer came; the other side may have done it all the same.
            Unavailable: If the request could not be sent at all, or the answer is larger than ``most``.
        """
        try:
            if most is not None:
                return self._bounded(method, url, dict(headers), most)
            response = self._client.request(method, url, headers=dict(headers), content=content)
        except NOT_SENT as error:
            raise Unavailable(f"{_host(url)} cannot be reached: {error or type(error).__name__}", REACH) from error
        except httpx.HTTPError as error:
            raise Lost(f"no answer from {_host(url)}: {error or type(error).__name__}") from error
        return Answer(response.status_code, dict(response.headers), response.content)

    def _bounded(self, method: str, url: str, headers: dict[str, str], most: int) -> Answer:
        with self._client.stream(method, url, headers=headers) as response:
            octets = bytearray()
            for piece in response.iter_raw():
                octets += piece
                if len(octets) > most:
                    raise Unavailable(f"{_host(url)} answered with more than {most >> 20} MiB")
        return Answer(response.status_code, dict(response.headers), bytes(octets))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


REACH = (
    "see that this machine may reach it, and that --config (else COUNTERFOIL_CONFIG) was not forgotten: "
    "[microsoft365] in it says where else to go, and its ca names the authority if it is no public one"
)


def _host(url: str) -> str:
    return httpx.URL(url).host


def off_by(answer: Mapping[str, str], now: datetime) -> timedelta:
    """Return how far our clock is ahead of the one that dated an answer's headers (RFC 9110 section 6.6.1).

    Nothing where they are not dated.
    """
    try:
        return now - parsedate_to_datetime(answer.get("date", ""))
    except (TypeError, ValueError):
        return timedelta()


def fresh_id() -> str:
    """Return 128 random bits in the form of a GUID: nobody guesses the next one."""
    return str(UUID(bytes=secrets.token_bytes(16)))
