"""Find messages, held or not, and tell each one's whole story. Reads only.

Law 11: where a tenant is named, every query has it in its WHERE clause; nothing is filtered afterwards.
"""

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from counterfoil.gateway.store.dispositions import not_held
from counterfoil.gateway.store.tables import dispositions, held, messages, recipients, sortable, tenants
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json, Outcome


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; all that is given must hold. Texts are found anywhere in the field, in any case of letters.

    ``since`` is inclusive, ``until`` exclusive, both on the time of receipt; ``id`` is ours, ``message_id``
    is RFC 5322's, with or without its angle brackets. ``tenants`` are all that may be seen; ``None`` is everything.
    """

    tenant: str | None = None
    tenants: frozenset[str] | None = None
    id: str | None = None
    message_id: str | None = None
    sender: str | None = None
    recipient: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    verdict: str | None = None
    outcome: str | None = None
    sha256: str | None = None


class Stories:
    """What the database says about messages."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def see_tenant(self, name: str | None) -> None:
        """See that a tenant is known: in the register, or by messages of one that was removed.

        Raises:
            Refused: If it is not.
        """
        statement = sa.select(sa.exists().where(tenants.c.name == name) | sa.exists().where(messages.c.tenant == name))
        with self._engine.connect() as connection:
            if name is not None and not connection.execute(statement).scalar():
                raise Refused(f"there is no tenant {name}", "see: counterfoil tenant list")

    def find(self, query: Query, *, held_only: bool, limit: int) -> list[dict[str, Json]]:
        """Return the newest messages that match, as ``story`` has them but without ``report``'s fields.

        Shape: id, time, tenant, direction, sender, recipients, subject, message_id, verdict, action, outcome,
        size; of held ones also expires, wanted_by, tries, next_try, last_words.
        """
        source = messages.outerjoin(held)
        statement = sa.select(messages, *_HELD).select_from(source).where(*_conditions(query))
        if held_only:
            statement = statement.where(held.c.message.is_not(None))
        statement = statement.order_by(messages.c.time.desc(), messages.c.id).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(statement).all()
            found = [_summary(row) for row in rows]
            for message in found:
                message["recipients"] = list(_recipients(connection, str(message["id"])))
        return found

    def story(self, message: str, tenant: str | None, *, held_only: bool = False) -> dict[str, Json]:
        """Return everything that is known of one message.

        Raises:
            Refused: If there is none of that id, or it is another tenant's, which is not told apart.
        """
        statement = sa.select(messages, *_HELD).select_from(messages.outerjoin(held))
        statement = statement.where(*_conditions(Query(tenant=tenant, id=message)))
        with self._engine.connect() as connection:
            row = connection.execute(statement).first()
            if row is None and not held_only:
                raise Refused(f"there is no message {message}", "see: counterfoil track, counterfoil quarantine list")
            if row is None or (held_only and row.expires is None):
                raise not_held(connection, message, tenant)
            told = dispositions.c.message == message
            steps = connection.execute(sa.select(dispositions).where(told).order_by(dispositions.c.number)).all()
            report: dict[str, Json] = json.loads(row.report or "{}")
            story = _summary(row) | report
            story |= {key: getattr(row, key) for key in ("via", "client_address", "helo", "next_hop", "sha256")}
            story["recipients"] = list(_recipients(connection, message))
            story["released_to"] = list(_recipients(connection, message, released=True))
            story["dispositions"] = [
                {"time": step.time, "outcome": step.outcome, "words": step.words, "actor": step.actor} for step in steps
            ]
        return story


_HELD = (
    held.c.expires,
    held.c.wanted_by,
    held.c.tries,
    held.c.next_try,
    held.c.last_words,
    held.c.sha256.label("held_sha256"),
    held.c.size.label("held_size"),
)
_PLAIN = (
    "id",
    "time",
    "tenant",
    "direction",
    "sender",
    "subject",
    "message_id",
    "verdict",
    "action",
    "outcome",
    "size",
)


def _summary(row: sa.Row[tuple[object, ...]]) -> dict[str, Json]:
    summary: dict[str, Json] = {key: getattr(row, key) for key in _PLAIN}
    if row.expires is not None:
        summary |= {column.name: getattr(row, column.name) for column in _HELD}
    return summary


def _recipients(connection: sa.Connection, message: str, *, released: bool = False) -> sa.ScalarResult[str]:
    mine = sa.select(recipients.c.address).where(recipients.c.message == message)
    if released:
        mine = mine.where(recipients.c.released.is_not(None))
    return connection.execute(mine.order_by(recipients.c.position)).scalars()


def _conditions(query: Query) -> list[sa.ColumnElement[bool]]:
    exact = {
        messages.c.tenant: query.tenant,
        messages.c.id: query.id,
        messages.c.verdict: query.verdict,
        messages.c.sha256: query.sha256,
    }
    found: list[sa.ColumnElement[bool]] = [column == value for column, value in exact.items() if value is not None]
    if query.tenants is not None:
        found.append(messages.c.tenant.in_(sorted(query.tenants)))
    if query.outcome == Outcome.UNKNOWN:
        # Also a message with a home, of which its sender may not have heard.
        found.append(
            sa.exists().where((dispositions.c.message == messages.c.id) & (dispositions.c.outcome == "unknown"))
        )
    elif query.outcome is not None:
        found.append(messages.c.outcome == query.outcome)
    inside = {
        messages.c.sender: query.sender,
        messages.c.subject: query.subject,
        messages.c.message_id: query.message_id and query.message_id.strip("<> "),
    }
    found += [_contains(column, value) for column, value in inside.items() if value]
    if query.recipient:
        whose = (recipients.c.message == messages.c.id) & _contains(recipients.c.address, query.recipient)
        found.append(sa.exists().where(whose))
    if query.since:
        found.append(messages.c.time >= sortable(query.since))
    if query.until:
        found.append(messages.c.time < sortable(query.until))
    return found


def _contains(column: sa.Column[str], text: str) -> sa.ColumnElement[bool]:
    return sa.func.lower(column).contains(text.lower(), autoescape=True)
