"""The web around pages and deeds: who asks, may they, then a thread does the work. Every answer has the shield.

A page's queries and its drawing run in a few threads of the console's own, so that no page holds up another,
and none of it runs in the gateway's event loop.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from counterfoil.console.forms import read_form
from counterfoil.console.gate import Gate, Visit
from counterfoil.console.page import Asked, Page, as_csv, as_json
from counterfoil.console.places import DEEDS, PLACES, Deed, Place
from counterfoil.console.render import Frame, fragment, html
from counterfoil.console.views import Sources
from counterfoil.console.webhook import Webhook
from counterfoil.model.errors import CounterfoilError, Misconfigured, Refused, Unavailable
from counterfoil.operators.roles import Permission, Scope

log = logging.getLogger(__name__)

THREADS = 4
STREAMS = 4
"""Live pages of one session; a browser has one a tab."""

LOOK_AGAIN = 2.0
"""Seconds between two looks of a live page."""

T = TypeVar("T")


@dataclass(slots=True)
class Console:
    """The application, and what it works with."""

    sources: Sources
    gate: Gate
    stopping: Callable[[], bool] = lambda: False
    threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(THREADS))

    def application(self) -> Starlette:
        """Return the ASGI application."""
        routes: list[BaseRoute] = [Mount("/static", StaticFiles(packages=[("counterfoil.console", "static")]))]
        routes += self.gate.routes()
        routes += Webhook(self.sources.desk, self.sources.clock).routes()
        for deed in DEEDS:
            routes.append(Route(deed.path, self._told(partial(self._deed, deed)), methods=["POST"]))
        for place in PLACES:
            stem = "/overview" if place.path == "/" else place.path
            routes.append(Route(f"{stem}.json", self._told(partial(self._json, place)), methods=["GET"]))
            routes.append(Route(f"{stem}.csv", self._told(partial(self._csv, place)), methods=["GET"]))
            if place.live:
                routes.append(Route(f"{place.path}/live", self._told(partial(self._live, place)), methods=["GET"]))
            routes.append(Route(place.path, self._told(partial(self._page, place)), methods=["GET"]))
        handlers = {HTTPException: self._no_such, CounterfoilError: self._not_now}
        application = Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]
        application.router.redirect_slashes = False
        return application

    def _told(
        self, answer: Callable[[Request, Visit], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Wrap what answers: nobody without a session, and no fault without a sentence."""

        async def endpoint(request: Request) -> Response:
            # A live page that is opened again by its browser is nobody at the keyboard.
            visit = await self.gate.visit(request, touch=not request.url.path.endswith("/live"))
            if visit is None:
                return self.gate.to_log_in(request)
            try:
                return await answer(request, visit)
            except Refused as refusal:
                return await self._sorry(visit, 404, "Not found", refusal.message)
            except (Unavailable, Misconfigured) as error:
                return await self._sorry(visit, 503, "Not now", error.message)
            except HTTPException as error:
                return await self._sorry(visit, error.status_code, "Refused", error.detail)
            except Exception:
                log.exception("a page failed", extra={"facts": {"path": request.url.path}})
                return await self._sorry(visit, 500, "Something broke", "The log of counterfoil serve says what.")

        return endpoint

    async def _page(self, place: Place, request: Request, visit: Visit) -> Response:
        asked = self._asked(place.permission, request, visit)
        said, visit.session.said = tuple(visit.session.said), []
        frame = self._frame(request, visit, said)
        return _html(await self._work(lambda: html(place.make(self.sources, asked), frame)))

    async def _json(self, place: Place, request: Request, visit: Visit) -> Response:
        asked = self._asked(place.permission, request, visit)
        text = await self._work(lambda: as_json(place.make(self.sources, asked)))
        return Response(text, media_type="application/json")

    async def _csv(self, place: Place, request: Request, visit: Visit) -> Response:
        asked = self._asked(place.permission, request, visit)
        wanted = request.query_params.get("table", "")

        def make() -> str | None:
            tables = place.make(self.sources, asked).tables
            return next((as_csv(table) for table in tables if wanted in ("", table.name)), None)

        text = await self._work(make)
        if text is None:
            raise HTTPException(404, "there is no such table")
        octets = text.encode("utf-8", "replace")
        # A name of ours, not the table's from the address: headers take no words from outside.
        disposition = {"content-disposition": 'attachment; filename="counterfoil.csv"'}
        return Response(octets, media_type="text/csv; charset=utf-8", headers=disposition)

    async def _live(self, place: Place, request: Request, visit: Visit) -> Response:
        asked = self._asked(place.permission, request, visit)
        # Once before the stream begins, so that what may not be seen is an answer like any other.
        await self._work(lambda: place.make(self.sources, asked))
        if visit.session.streams >= STREAMS:
            raise HTTPException(429, "too many live pages are open; close some")
        return StreamingResponse(self._events(place, request, visit), media_type="text/event-stream")

    async def _events(self, place: Place, request: Request, visit: Visit) -> AsyncIterator[str]:
        """Draw the live part whenever it differs, for as long as the session and its roles last."""
        visit.session.streams += 1
        try:
            shown = ""
            while not self.stopping() and (now := await self.gate.visit(request, touch=False)) is not None:
                asked = self._asked(place.permission, request, now)
                frame = self._frame(request, now, ())
                text = await self._work(lambda a=asked, f=frame: fragment(place.make(self.sources, a), f))  # type: ignore[misc]
                yield f"data: {json.dumps(text)}\n\n" if text != shown else ": still here\n\n"
                shown = text
                await anyio.sleep(LOOK_AGAIN)
        except (Refused, Unavailable, HTTPException):
            return
        finally:
            visit.session.streams -= 1

    async def _deed(self, deed: Deed, request: Request, visit: Visit) -> Response:
        form = await read_form(request)
        self.gate.require_own_form(request, visit, form)
        asked = self._asked(deed.permission, request, visit)
        done = await self._work(lambda: deed.act(self.sources, asked, form))
        if done.page is not None:
            page, frame = done.page, replace(self._frame(request, visit, done.said), has_forms=False)
            return _html(await self._work(lambda: html(page, frame)))
        visit.session.said = [*visit.session.said, *done.said][-50:]
        return RedirectResponse(done.to, 303)

    def _asked(self, permission: Permission | None, request: Request, visit: Visit) -> Asked:
        account = visit.account
        scope = Scope(frozenset()) if permission is None else account.scope(permission)
        if permission is not None and not scope:
            raise HTTPException(403, f"your roles do not permit this ({permission})")
        query = {name: value[:1000] for name, value in request.query_params.items()}
        return Asked(account, scope, visit.now, dict(request.path_params), query)

    def _frame(self, request: Request, visit: Visit, said: Sequence[str]) -> Frame:
        account = visit.account
        menu = tuple(
            (place.path, place.menu)
            for place in PLACES
            if place.menu and (place.permission is None or account.scope(place.permission))
        )
        return Frame(
            path=request.url.path,
            query=dict(request.query_params),
            account=account.name,
            csrf=visit.session.csrf,
            places=menu,
            said=tuple(said),
            may_search=bool(account.scope(Permission.SEE_MAIL)),
        )

    async def _sorry(self, visit: Visit, status: int, title: str, words: str) -> Response:
        frame = Frame(account=visit.account.name, csrf=visit.session.csrf, places=(("/", "Overview"),))
        return _html(html(Page(title, "sorry.html", more={"words": words}), frame), status)

    async def _no_such(self, _request: Request, error: HTTPException) -> Response:
        """Say the same to everybody about what is no place of ours; else what is wrong with the request."""
        words = "There is no such page." if error.status_code in (404, 405) else error.detail
        return PlainTextResponse(f"{words}\n", error.status_code, headers=error.headers)

    async def _not_now(self, _request: Request, error: CounterfoilError) -> Response:
        """Without its stub nothing is done, a log-in neither: the disk may be full."""
        log.error("the console cannot answer", extra={"facts": {"reason": error.message, "hint": error.hint}})
        return PlainTextResponse(f"Not now: {error.message}\n", 503)

    async def _work(self, do: Callable[[], T]) -> T:
        return await to_thread.run_sync(do, limiter=self.threads)


def _html(text: str, status: int = 200) -> Response:
    return Response(text, status, media_type="text/html; charset=utf-8")
