"""The HTTP edge: Starlette requests become calls, replies become responses; one application, a face a port."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from counterfoil import clock
from counterfoil.lab.engine import Engine, Face
from counterfoil.lab.wire import Call, Errand, Pending, Reply
from counterfoil.model.errors import CounterfoilError

_log = logging.getLogger(__name__)
_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]
_VALIDATION_SECONDS = 10.0
_NOTICE_SECONDS = 3.0


def make_app(engine: Engine, faces: Mapping[int, Face], admin_port: int) -> Starlette:
    """Make the application that serves every port; ``faces`` says which port is which of Microsoft's hosts."""

    async def endpoint(request: Request) -> Response:
        port = request.scope["server"][1]
        if port == admin_port:
            return await _operate(engine, request)
        call = await _call(engine, request)
        reply = engine.handle(faces[port], call)
        if isinstance(reply, Pending):
            answers = [await run_errand(errand, _VALIDATION_SECONDS) for errand in reply.errands]
            reply = engine.finish(reply, answers)
        return await _respond(reply)

    return Starlette(routes=[Route("/{path:path}", endpoint, methods=_METHODS)])


async def _call(engine: Engine, request: Request) -> Call:
    """Take a request; the caller's address is what X-Lab-Address says, else the socket's."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    client = request.client.host if request.client else ""
    raw_query = request.scope["query_string"].decode("latin-1")
    raw_path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").partition("?")[0]
    return Call(
        method=request.method,
        path=request.url.path,
        query=dict(request.query_params),
        headers=headers,
        body=await request.body(),
        address=headers.get("x-lab-address") or client,
        now=clock.now().timestamp(),
        base=f"{request.url.scheme}://{request.url.netloc}",
        id=engine.request_id(),
        target=raw_path + (f"?{raw_query}" if raw_query else ""),
    )


async def _respond(reply: Reply) -> Response:
    if reply.delay:
        await asyncio.sleep(reply.delay)
    if reply.cut:
        return StreamingResponse(
            _broken(reply.body), reply.status, {**reply.headers, "Content-Length": str(len(reply.body) + 1)}
        )
    return Response(reply.body, reply.status, reply.headers)


async def _broken(body: bytes) -> AsyncIterator[bytes]:
    """Half of an answer; the server closes the connection, since the promised length never comes."""
    yield body[: len(body) // 2]


async def _operate(engine: Engine, request: Request) -> Response:
    """``POST /lab/<operation>`` with a JSON object of arguments."""
    name = request.url.path.removeprefix("/lab/").strip("/")
    if request.method != "POST":
        return JSONResponse({"error": "POST /lab/<operation> with a JSON object"}, 405)
    try:
        arguments = await request.json() if await request.body() else {}
    except ValueError:
        return JSONResponse({"error": "the body is not JSON"}, 400)
    if not isinstance(arguments, dict):
        return JSONResponse({"error": "the body is not a JSON object"}, 400)
    try:
        return JSONResponse(engine.operate(name, arguments))
    except CounterfoilError as error:
        return JSONResponse({"error": error.message, "hint": error.hint}, 400)


async def run_errand(errand: Errand, seconds: float) -> bool:
    """Send a validation or a notice to a subscriber on loopback; say whether it was taken.

    Certificates are not verified: subscribers of a laboratory have none that anyone knows.
    """
    try:
        async with httpx.AsyncClient(verify=False, timeout=seconds, trust_env=False) as client:  # noqa: S501 - see above
            answer = await client.post(errand.url, content=errand.body, headers={"Content-Type": errand.content_type})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _log.info("a subscriber could not be reached: %s", type(error).__name__)
        return False
    if errand.expect is not None:
        as_text = answer.headers.get("content-type", "").lower().startswith("text/plain")
        return answer.status_code == 200 and as_text and answer.text == errand.expect
    return answer.is_success
