"""Who comes in: log-in, log-out, and whose request this is."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anyio import CapacityLimiter, to_thread
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from counterfoil.console.deeds import Form
from counterfoil.console.forms import read_form
from counterfoil.console.page import Page
from counterfoil.console.render import Frame, html
from counterfoil.console.sessions import LIFE, Session, Sessions, new_token, same
from counterfoil.console.shield import from_our_page, own_path
from counterfoil.console.throttle import Throttle
from counterfoil.console.views import Sources
from counterfoil.operators.accounts import Account
from counterfoil.operators.passwords import MOST

log = logging.getLogger(__name__)

COOKIE = "__Host-counterfoil"
FORM_COOKIE = "__Host-counterfoil-form"
"""The log-in form has no session yet; its token is in this cookie and in the form, and both must agree."""

TRIES_AT_ONCE = 2
"""Each costs 32 MiB and a good part of a second of one processor."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is logged in; the account is as it is now, not as it was at the log-in."""

    session: Session
    account: Account
    now: datetime
    token: str


@dataclass(slots=True)
class Gate:
    """Sessions and the door to them."""

    sources: Sources
    sessions: Sessions = field(default_factory=Sessions)
    throttle: Throttle = field(default_factory=Throttle)
    tries: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(TRIES_AT_ONCE))

    def routes(self) -> list[Route]:
        """Return the way in and the way out."""
        return [
            Route("/log-in", self.form, methods=["GET"]),
            Route("/log-in", self.log_in, methods=["POST"]),
            Route("/log-out", self.log_out, methods=["POST"]),
        ]

    async def visit(self, request: Request, *, touch: bool = True) -> Visit | None:
        """Return whose request this is; ``None`` for nobody, or for an account that is gone or has a new password."""
        token, now = request.cookies.get(COOKIE, ""), self.sources.clock()
        session = self.sessions.find(token, now, touch=touch)
        if session is None:
            return None
        account = await to_thread.run_sync(self.sources.accounts.find, session.account)
        if account is None or account.version != session.version:
            self.sessions.end(token)
            return None
        return Visit(session, account, now, token)

    def to_log_in(self, request: Request) -> Response:
        """Send a browser to the log-in and on from there; tell a program that it must log in."""
        path = request.url.path
        if request.method != "GET" or path.endswith((".json", ".csv", "/live")):
            return PlainTextResponse("Log in first.\n", 401)
        there = path if not request.url.query else f"{path}?{request.url.query}"
        target = own_path(there)
        return RedirectResponse("/log-in" if target == "/" else f"/log-in?next={_quoted(target)}", 303)

    def require_own_form(self, request: Request, visit: Visit, form: Form) -> None:
        """See that a form comes from a page that we gave to this very session.

        Raises:
            HTTPException: If it does not.
        """
        if not from_our_page(request.headers) or not same(form.values.get("csrf", ""), visit.session.csrf):
            raise HTTPException(403, "this form was not one of ours, or it was too old; go back and try again")

    async def form(self, request: Request) -> Response:
        """Show the log-in."""
        return await self._form(request, 200, "", request.query_params.get("next", "/"))

    async def _form(
        self, request: Request, status: int, words: str, to: str, wait: timedelta | None = None
    ) -> Response:
        nobody = not await to_thread.run_sync(self.sources.accounts.all)
        token = request.cookies.get(FORM_COOKIE) or new_token()
        more: Mapping[str, object] = {"words": words, "next": own_path(to), "token": token, "nobody": nobody}
        answer = Response(html(Page("Log in", "log_in.html", more=more), Frame()), status, media_type="text/html")
        if wait is not None:
            answer.headers["retry-after"] = str(int(wait.total_seconds()) + 1)
        answer.set_cookie(FORM_COOKIE, token, path="/", secure=True, httponly=True, samesite="strict")
        return answer

    async def log_in(self, request: Request) -> Response:
        """Take a name and a password.

        The order is: 1. the form is ours, 2. the throttle counts the try, 3. the password is compared, whether
        there is such an account or not, 4. a new session begins, never one that the browser brought.
        """
        form = await read_form(request)
        values, now = form.values, self.sources.clock()
        to = own_path(values.get("next", "/"))
        own = same(values.get("token", ""), request.cookies.get(FORM_COOKIE, ""))
        if not own or not from_our_page(request.headers):  # (1)
            return await self._form(request, 403, "The form was too old. Try again.", to)
        address = request.client.host if request.client is not None else ""
        name, password = values.get("name", "").strip().lower()[:64], values.get("password", "")[:MOST]
        wait = self.throttle.wait(address, name, now)  # (2)
        if wait is not None:
            log.warning("log-in throttled", extra={"facts": {"address": address}})
            words = f"Too many tries. Wait {int(wait.total_seconds() // 60) + 1} minutes."
            return await self._form(request, 429, words, to, wait)
        account = await to_thread.run_sync(self.sources.accounts.log_in, name, password, limiter=self.tries)  # (3)
        if account is None:
            answer = await self._form(request, 403, "The name or the password is not right.", to)
            # After the answer, so that its time does not tell whether there is such an account.
            answer.background = BackgroundTask(self._failed, name, address, now)
            return answer
        self.throttle.forgive(address, name)
        await to_thread.run_sync(self._note, "log-in", account.name, address, now)
        self.sessions.end(request.cookies.get(COOKIE, ""))
        token = self.sessions.begin(account.name, account.version, now)  # (4)
        answer = RedirectResponse(to, 303)
        life = int(LIFE.total_seconds())
        answer.set_cookie(COOKIE, token, max_age=life, path="/", secure=True, httponly=True, samesite="lax")
        return answer

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        form, visit = await read_form(request), await self.visit(request)
        if visit is not None:
            self.require_own_form(request, visit, form)
            self.sessions.end(visit.token)
            await to_thread.run_sync(self._note, "log-out", visit.account.name, "", visit.now)
        answer = RedirectResponse("/log-in", 303)
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return answer

    def _note(self, action: str, name: str, address: str, now: datetime) -> None:
        self.sources.accounts.note(action, name, now, subject=name, address=address)

    def _failed(self, name: str, address: str, now: datetime) -> None:
        """Write a failed try down; a name that is no account's may be a password in the wrong field, so it is not."""
        log.warning("log-in failed", extra={"facts": {"address": address}})
        if self.sources.accounts.find(name) is not None:
            self.sources.accounts.refused(name, address, now)


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("&", "%26").replace("+", "%2B").replace("#", "%23")
