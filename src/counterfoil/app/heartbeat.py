"""Heartbeats: each hour a fresh token and the reading of a fresh message, so that hours can be proven (law 5).

An hour without rows of our own proves nothing. A heartbeat makes the rows that must be there: a sign-in
(a token of its own), a Graph call and a mailbox-audit record (a message that was never read before, since
Exchange drops repeats). Where no fresh message is there, one is handed to our own gateway, so that it goes
the way of all mail; that it arrives shows that mail still flows.
"""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from counterfoil.app.house import Books
from counterfoil.app.own_mail import compose
from counterfoil.app.standing import GOOD, NOT_POSSIBLE, OVERDUE, WAITING, Standing, Standings, failure
from counterfoil.app.state import State
from counterfoil.config.settings import Config
from counterfoil.config.values import HostPort
from counterfoil.model.errors import CounterfoilError, Refused
from counterfoil.model.trust import Connection
from counterfoil.tenant.door import Door
from counterfoil.tenant.mail import Mail
from counterfoil.tenant.token import Tokens

HEARTBEAT = "heartbeat"
READS_MAIL = frozenset({"Mail.Read", "Mail.ReadWrite"})
LOOKS = 5
"""How often a mailbox is looked into for a message that was just sent."""

_WORDS = ("Heartbeat", "This message shows that mail flows and that the tenant's logs are complete.\n")
PAUSE = 2.0
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Sender:
    """How a heartbeat mail gets under way: into our own gateway. ``port`` is where it listens for inbound mail."""

    gateway: HostPort | None
    hostname: str

    def send(self, mailbox: str, now: datetime) -> str | None:
        """Hand in one message; return what went wrong, or ``None``."""
        if self.gateway is None:
            return "the gateway listens on no SMTP port, so no fresh message can be sent (gateway.listen)"
        message = compose("heartbeat", self.hostname, mailbox, _WORDS, now)
        try:
            with smtplib.SMTP(self.gateway.host, self.gateway.port, self.hostname, SECONDS) as client:
                client.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            return f"the gateway did not take the heartbeat mail: {error}"
        return None


def beats(connection: Connection) -> bool:
    """Say whether a connection reads mail, and so has to make heartbeats."""
    return connection.roles is None or bool(READS_MAIL & set(connection.roles))


def mailbox_of(connection: Connection, state: State, config: Config) -> str:
    """Return the mailbox that heartbeats read: the configured local part in the tenant's first domain.

    Raises:
        Refused: If we know no domain of the tenant.
    """
    domains = state.tenants.one(connection.tenant).domains
    if not domains:
        raise Refused(
            f"{connection.tenant} has no domain, so nobody knows which mailbox heartbeats may read",
            f"add one: counterfoil tenant domain {connection.tenant} DOMAIN --next-hop HOST",
        )
    return f"{config.evidence.heartbeat_mailbox}@{domains[0].domain}"


def beat(
    books: Books,
    connection: Connection,
    mailbox: str,
    standings: Standings,
    send: Callable[[str, datetime], str | None],
) -> Standing:
    """Make one heartbeat: a new token, and a message that was not read before, sent by us if need be."""
    now = books.means.clock()
    job = books.new_job(HEARTBEAT, connection.tenant)
    read = dict.fromkeys(standings.of(connection).read)
    seen = set(read)
    try:
        current = books.connections.current(connection)
        books.connections.begin_use(job.id, current, now)
        # New tokens: a kept one would leave no sign-in in this hour.
        mail = Mail(Door(Tokens(connection, current, books.through.for_use, books.means)))
        found = mail.heartbeat(mailbox, job, seen)
        problem = None
        if found is None:
            problem = send(mailbox, now)
            for _ in range(0 if problem else LOOKS):
                books.means.pause(PAUSE)
                found = mail.heartbeat(mailbox, job, seen)
                if found is not None:
                    break
    except CounterfoilError as error:
        standing = failure(error, now)
    else:
        before = standings.of(connection).duties.get(HEARTBEAT)
        overdue = before is not None and before.state in {WAITING, OVERDUE}
        standing = standing_of(now, problem, beaten=found is not None, overdue=overdue)
    finally:
        books.connections.end_use(job.id)
    fresh = tuple(read) + tuple(seen - set(read))
    standings.note(connection, HEARTBEAT, standing, fresh)
    return standing


def standing_of(now: datetime, problem: str | None, *, beaten: bool, overdue: bool) -> Standing:
    """Say what came of a heartbeat: read; not sent, with the problem; sent; or sent before and still not there."""
    if beaten:
        return Standing(GOOD, "a fresh token and a fresh message", now, now)
    if problem is not None:
        return Standing(NOT_POSSIBLE, problem, now)
    if overdue:
        return Standing(OVERDUE, "what was sent before has not arrived: counterfoil track finds where it is", now)
    return Standing(WAITING, "a fresh message is under way; it is read by the next heartbeat", now)
