"""For other people's Python programs: a credential for azure-core and Microsoft's SDKs that leaves stubs.

    from counterfoil.connections import Credential

    with Credential("contoso", data="/var/lib/counterfoil") as credential:
        with credential.job("remediate", "case 4711"):
            client = httpx.Client(base_url="https://graph.microsoft.com", transport=credential.transport())

``Credential`` is an azure-core ``TokenCredential`` and ``SupportsTokenInfo`` (as those of azure-identity
are): every token is asked for through the signer and has its stubs. The transports write a stub before and after
every attempt of a call and of each part of a batch, with a ``client-request-id`` of its own; put them lowest, below
whatever tries again. Without a job nothing is signed and nothing is sent.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from counterfoil import clock
from counterfoil.app.connecting import opened_books
from counterfoil.app.house import Books
from counterfoil.app.state import DATABASE, begun
from counterfoil.config import load
from counterfoil.credential.collect import open_ledger_of
from counterfoil.database import open_database
from counterfoil.model.errors import CounterfoilError, Misconfigured, Refused, Unavailable
from counterfoil.model.trust import Connection, Job
from counterfoil.tenant.door import Door
from counterfoil.tenant.endpoints import Endpoints
from counterfoil.tenant.foreign import audience_of
from counterfoil.tenant.foreign_calls import AsyncTransport, Began, Transport
from counterfoil.tenant.token import LAST_MINUTES, Token, Tokens, read_token

DEFAULT = "/.default"


class NoJob(ClientAuthenticationError):
    """Somebody wanted a token or a call without saying why; nothing was signed and nothing was sent."""

    def __init__(self) -> None:
        super().__init__(
            "there is no job: a credential is used for a reason. "
            'Say it: with credential.job("remediate", "case 4711"): …, or Credential(…, job=("inspect", "nightly"))'
        )


class Credential:
    """One connection of one tenant, as a credential; safe to share between threads.

    Args:
        tenant: Our name for the tenant, as in ``counterfoil connection list``.
        data: The data folder of the Counterfoil installation; its signer must run.
        config: Its configuration file, if it has one.
        app: The application's client id, where the tenant has several connections.
        job: Reason and subject of everything that is done outside a ``job`` block; ``None`` refuses that.

    Raises:
        Misconfigured: If the data folder is not there, or the connection is not clear.
        Refused: If there is no such connection, or the job's reason is none of ours.
        Unavailable: If the signer does not answer.
    """

    def __init__(
        self,
        tenant: str,
        *,
        data: Path | str,
        config: Path | str | None = None,
        app: str | None = None,
        job: tuple[str, str] | None = None,
    ) -> None:
        self._down = ExitStack()
        try:
            self._books = self._down.enter_context(_opened(Path(data), None if config is None else Path(config)))
            self.connection = _chosen(self._books, tenant, app)
            standing = None if job is None else self._books.new_job(*job)
        except BaseException:
            self._down.close()
            raise
        self._lock = threading.Lock()
        self._doors: dict[int, Door] = {}
        self._job: ContextVar[Job | None] = ContextVar("counterfoil_job", default=standing)

    @contextmanager
    def job(self, reason: str, subject: str) -> Iterator[Job]:
        """Say why: everything done within the block, in this thread or task, is done for this job.

        Args:
            reason: One of ``counterfoil.ledger.stubs.REASONS``.
            subject: What asked for it: a case, a message, a ticket.

        Raises:
            Refused: If the reason is none of them.
        """
        job = self._books.new_job(reason, subject)
        self._books.connections.begin_use(job.id, self._books.connections.current(self.connection), clock.now())
        before = self._job.set(job)
        try:
            yield job
        finally:
            self._job.reset(before)
            self._books.connections.end_use(job.id)

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,  # noqa: ARG002 - azure-core's words; we never declare cp1, see docs/connections.md
        **_kwargs: Any,
    ) -> AccessToken:
        """Return a token for one resource, a kept one where it is good still.

        Raises:
            NoJob: If nobody said why.
            ClientAuthenticationError: If the token service says no, or the question is none for this connection.
            ServiceRequestError: If no answer came.
        """
        token = self._token(scopes, tenant_id, anew=claims is not None)
        return AccessToken(token.value, int(token.expires.timestamp()))

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token with its particulars (azure-core's ``SupportsTokenInfo``); raises as ``get_token``."""
        asked: TokenRequestOptions = options or {}
        token = self._token(scopes, asked.get("tenant_id"), anew=asked.get("claims") is not None)
        refresh = token.expires - min(LAST_MINUTES, (token.expires - token.issued) / 4)
        return AccessTokenInfo(token.value, int(token.expires.timestamp()), refresh_on=int(refresh.timestamp()))

    def _token(self, scopes: tuple[str, ...], tenant_id: str | None, *, anew: bool) -> Token:
        if len(scopes) != 1 or not scopes[0].endswith(DEFAULT):
            raise ClientAuthenticationError(f"ask for one resource at a time, as https://…{DEFAULT}, not {scopes!r}")
        if tenant_id not in {None, self.connection.tenant_id}:
            raise ClientAuthenticationError(f"this credential is of {self.connection.tenant_id}, not {tenant_id}")
        job, audience = self._wanted_job(), scopes[0].removesuffix(DEFAULT)
        try:
            tokens = self.door().tokens
            token = tokens.token(audience, job)
            if anew:
                tokens.drop(token)
                token = tokens.token(audience, job)
        except Unavailable as error:
            raise ServiceRequestError(_words(error), error=error) from error
        except CounterfoilError as error:
            raise ClientAuthenticationError(_words(error), error=error) from error
        return token

    def _wanted_job(self) -> Job:
        job = self._job.get()
        if job is None:
            raise NoJob
        return job

    def door(self) -> Door:
        """Return the door with the credential that is current now: after a rotation it is another one.

        ``door().call(Ask(…), job)`` is how Counterfoil itself calls Graph: with patience and stubs.
        """
        current = self._books.connections.current(self.connection)
        with self._lock:
            if current.generation not in self._doors:
                tokens = Tokens(self.connection, current, self._books.through.for_use, self._books.means)
                self._doors = {current.generation: Door(tokens)}
            return self._doors[current.generation]

    def transport(self, inner: httpx.BaseTransport | None = None) -> Transport:
        """Return a transport for ``httpx.Client`` that leaves call stubs; ``inner`` sends."""
        return Transport(self.begin, inner or httpx.HTTPTransport(verify=self._trust, http2=True))

    def async_transport(self, inner: httpx.AsyncBaseTransport | None = None) -> AsyncTransport:
        """Return the same for ``httpx.AsyncClient``, which msgraph-sdk uses."""
        return AsyncTransport(self.begin, inner or httpx.AsyncHTTPTransport(verify=self._trust, http2=True))

    @property
    def _trust(self) -> Any:
        return self._books.means.wire.trust

    def begin(self, request: httpx.Request) -> Began:
        """Write the stubs of a call that is about to be sent, and give it ids and, where it lacks one, a token.

        Raises:
            NoJob: If nobody said why.
            ClientAuthenticationError: If the host is none that this connection has a token for, the token that it
                brings is another connection's or unreadable, or it is a batch whose parts cannot be read.
        """
        job, audience = self._wanted_job(), audience_of(str(request.url), self.endpoints)
        if audience is None:
            raise ClientAuthenticationError(f"{request.url.host} is no host of this connection: no token goes there")
        if not request.headers.get("authorization"):
            request.headers["authorization"] = f"Bearer {self.get_token(audience + DEFAULT).token}"
        try:
            token = self._own(read_token(request.headers["authorization"].removeprefix("Bearer ")))
            return Began(self.door(), job, token, request, audience)
        except CounterfoilError as error:
            raise ClientAuthenticationError(_words(error), error=error) from error

    def _own(self, token: Token) -> Token:
        """Refuse a token of another connection: the call would be in the wrong books, and unknown in the right ones."""
        if (token.tenant.lower(), token.app.lower()) != (self.connection.tenant_id, self.connection.app):
            raise Refused("this token is of another connection", "use the transport of the credential that gave it")
        return token

    @property
    def endpoints(self) -> Endpoints:
        """Where this installation reaches Microsoft 365."""
        return self._books.means.endpoints

    def close(self) -> None:
        """Close the ledger and the connections."""
        self._down.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def _opened(data: Path, config_file: Path | None) -> Iterator[Books]:
    config = load(config_file)
    if not begun(data, config):
        raise Misconfigured(f"there is no data in {data}", "give data= the folder of the Counterfoil installation")
    engine = open_database(config.database.url or data / DATABASE)
    ledger = open_ledger_of(engine, data)
    try:
        with opened_books(data, config, ledger) as books:
            yield books
    finally:
        ledger.close()
        engine.dispose()


def _chosen(books: Books, tenant: str, app: str | None) -> Connection:
    found = [c for c in books.connections.all(tenant) if app in {None, c.app}]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused(f"{tenant} has no such connection", "list them: counterfoil connection list")
    raise Misconfigured(f"{tenant} has {len(found)} connections", f"say app=: {', '.join(c.app for c in found)}")


def _words(error: CounterfoilError) -> str:
    return error.message if error.hint is None else f"{error.message}; {error.hint}"
