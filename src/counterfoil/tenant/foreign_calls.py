"""Transports for somebody else's program: a stub before and after each attempt of a call, and each part of a batch."""

import asyncio
from collections.abc import Callable

import httpx

from counterfoil.model.errors import Refused
from counterfoil.model.trust import Job
from counterfoil.tenant.door import Door
from counterfoil.tenant.foreign import Part, ask_of, is_batch, parts_of, statuses_of
from counterfoil.tenant.token import Token
from counterfoil.tenant.wire import fresh_id

_OF_THE_BODY = ("content-encoding", "content-length", "transfer-encoding")
"""Headers that say how a body was sent; one that was read or written anew has its own."""


class Began:
    """A call whose first stub is durable, or a batch with one for each part; ``request`` is what is to be sent.

    Raises:
        Refused: If it is a batch whose parts cannot be read, so that they could have no ids of their own.
    """

    def __init__(self, door: Door, job: Job, token: Token, request: httpx.Request, audience: str) -> None:
        target = request.url.raw_path.decode("ascii")
        self.request, self._parts = request, tuple[Part, ...]()
        if _carries_others(request):
            self._parts, self.request = _with_ids(request, target)
        self.request.headers["client-request-id"] = self._id = fresh_id()
        said = None if self._parts else request.extensions.get("counterfoil")
        self._ask = ask_of(request.method, target, audience, said)
        self._door, self._job, self._token = door, job, token
        # If we die from here on, the stubs without a status still say that these calls are ours.
        for part in self._parts:
            door.stub(part.ask, job, token, part.request, None)
        door.stub(self._ask, job, token, self._id, None)

    @property
    def is_batch(self) -> bool:
        """Say whether the answer holds answers, which have to be read."""
        return bool(self._parts)

    def note(self, status: int, content: bytes = b"") -> None:
        """Write the stubs of what came of it; a part that the answer does not name keeps its stub without a status."""
        self._door.stub(self._ask, self._job, self._token, self._id, status)
        found = statuses_of(content) if status < 400 else {part.name: status for part in self._parts}
        for part in self._parts:
            if part.name in found:
                self._door.stub(part.ask, self._job, self._token, part.request, found[part.name])


Begin = Callable[[httpx.Request], Began]


def _carries_others(request: httpx.Request) -> bool:
    return is_batch(request.method, request.url.raw_path.decode("ascii"))


def _with_ids(request: httpx.Request, target: str) -> tuple[tuple[Part, ...], httpx.Request]:
    if "content-encoding" in request.headers:
        raise Refused("a batch that is compressed cannot be given ids", "send it as plain JSON")
    try:
        body, parts = parts_of(request.content, target, fresh_id)
    except ValueError as error:
        raise Refused(f"this is no batch: {error}", 'its body is {"requests": [{"id", "method", "url"}, …]}') from error
    headers = httpx.Headers([(k, v) for k, v in request.headers.multi_items() if k.lower() not in _OF_THE_BODY])
    return parts, httpx.Request(
        request.method, request.url, headers=headers, content=body, extensions=request.extensions
    )


def _read(response: httpx.Response) -> httpx.Response:
    """Return an answer that was read as one that can be read again."""
    headers = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in _OF_THE_BODY]
    return httpx.Response(
        response.status_code, headers=headers, content=response.content, extensions=response.extensions
    )


class Transport(httpx.BaseTransport):
    """Leaves stubs around another transport; a call without an answer keeps its stub without a status."""

    def __init__(self, begin: Begin, inner: httpx.BaseTransport) -> None:
        self._begin, self._inner = begin, inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Stub, send, stub."""
        if _carries_others(request):
            request.read()
        began = self._begin(request)
        response = self._inner.handle_request(began.request)
        if not began.is_batch:
            began.note(response.status_code)
            return response
        response.read()
        response.close()
        began.note(response.status_code, response.content)
        return _read(response)

    def close(self) -> None:
        """Close what sends."""
        self._inner.close()


class AsyncTransport(httpx.AsyncBaseTransport):
    """The same for asyncio; the ledger is waited for in a thread."""

    def __init__(self, begin: Begin, inner: httpx.AsyncBaseTransport) -> None:
        self._begin, self._inner = begin, inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Stub, send, stub."""
        if _carries_others(request):
            await request.aread()
        began = await asyncio.to_thread(self._begin, request)
        response = await self._inner.handle_async_request(began.request)
        if not began.is_batch:
            await asyncio.to_thread(began.note, response.status_code)
            return response
        await response.aread()
        await response.aclose()
        await asyncio.to_thread(began.note, response.status_code, response.content)
        return _read(response)

    async def aclose(self) -> None:
        """Close what sends."""
        await self._inner.aclose()
