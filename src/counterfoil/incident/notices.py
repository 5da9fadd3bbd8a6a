"""Notices on disk, from draft to told; every change is a stub of the customer's tenant and a row in one commit."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from counterfoil.database import metadata
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident.notice import Notice, Paper, State, require_approved
from counterfoil.incident.record import Incident, Kind, Said
from counterfoil.incident.store import Incidents, action
from counterfoil.model.errors import Refused
from counterfoil.model.instant import from_rfc3339, rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.number import counted
from counterfoil.model.trust import Stub

notices = sa.Table(
    "incident_notice",
    metadata,
    sa.Column("incident", sa.ForeignKey("incident.name"), primary_key=True),
    sa.Column("tenant", sa.Text, primary_key=True, comment="tenant id"),
    sa.Column("paper", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("html", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("drafted_by", sa.Text, nullable=False),
    sa.Column("drafted", sa.Text, nullable=False),
    sa.Column("approved_by", sa.Text),
    sa.Column("sha256", sa.Text, nullable=False, comment="of subject, page and text"),
)


class Notices:
    """The notices of incidents."""

    def __init__(self, incidents: Incidents) -> None:
        self._incidents = incidents
        self._ledger = incidents.ledger

    def draft(self, name: str, made: Iterable[Notice], by: Operator) -> list[Notice]:
        """Keep drafts; one that says the same as before keeps its approval, unless it was withdrawn; others lose it."""
        known = {(n.tenant, n.paper): n.sha256 for n in self.all(name) if n.state is not State.WITHDRAWN}
        fresh = [notice for notice in made if known.get((notice.tenant, notice.paper)) != notice.sha256]

        def write(connection: sa.Connection) -> None:
            for notice in fresh:
                connection.execute(sa.delete(notices).where(_is(notice)))
                connection.execute(sa.insert(notices).values(**_row(notice)))

        if fresh:
            said = Said(Kind.NOTICES, f"{counted(len(fresh), 'notice')} drafted", detail={"drafted": len(fresh)})
            self._incidents.add(name, said, by, stubs=self._stubs(name, "notice-drafted", fresh, by), also=write)
        return fresh

    def approve(self, name: str, chosen: Iterable[Notice], by: Operator) -> list[Notice]:
        """Approve drafts as they were read; one that was changed meanwhile is not.

        Raises:
            Refused: If one is not as it was read.
        """
        drafts = [notice for notice in chosen if notice.state is State.DRAFT]

        def write(connection: sa.Connection) -> None:
            for notice in drafts:
                same = _is(notice) & (notices.c.sha256 == notice.sha256)
                change = sa.update(notices).where(same).values(state=State.APPROVED.value, approved_by=by.who)
                if connection.execute(change).rowcount != 1:
                    raise Refused(f"the notice for {notice.tenant} was drafted again meanwhile", "read it again")

        if drafts:
            said = Said(
                Kind.NOTICES, f"{counted(len(drafts), 'notice')} approved by {by.who}", detail={"approved": len(drafts)}
            )
            self._incidents.add(name, said, by, stubs=self._stubs(name, "notice-approved", drafts, by), also=write)
        return [replace(notice, state=State.APPROVED, approved_by=by.who) for notice in drafts]

    def told(self, notice: Notice, how: str, words: str, detail: dict[str, Json], by: Operator) -> None:
        """Write down that a customer was told, when, how and by whom; or that an attempt is about to be made."""
        self._handed(Kind.TOLD, notice, words, detail | {"how": how}, by)

    def exported(self, notice: Notice, words: str, by: Operator) -> None:
        """Write down that a notice left us as files: whether the customer has it, nobody knows yet."""
        self._handed(Kind.EXPORTED, notice, words, {"how": "export"}, by)

    def _handed(self, kind: Kind, notice: Notice, words: str, detail: dict[str, Json], by: Operator) -> None:
        if detail.get("result") in (None, "unknown"):  # what came of an attempt is written down in any case
            require_approved(_as_it_is(notice, self._incidents.one(notice.incident)))
        detail |= {"paper": notice.paper.value, "sha256": notice.sha256}
        self._incidents.add(notice.incident, Said(kind, words, notice.tenant, detail), by)

    def all(self, name: str, paper: Paper | None = None, tenant: str | None = None) -> list[Notice]:
        """Return the notices of an incident as they stand, by tenant."""
        incident = self._incidents.one(name)
        query = sa.select(notices).where(notices.c.incident == name).order_by(notices.c.tenant, notices.c.paper)
        if paper is not None:
            query = query.where(notices.c.paper == paper.value)
        if tenant is not None:
            query = query.where(notices.c.tenant == tenant)
        with self._ledger.engine.connect() as connection:
            return [_as_it_is(_notice(row), incident) for row in connection.execute(query).mappings()]

    def _stubs(self, name: str, word: str, some: Iterable[Notice], by: Operator) -> list[Stub]:
        reference = self._incidents.one(name).reference
        return [
            action(word, by, reference, notice.tenant, {"paper": notice.paper.value, "sha256": notice.sha256})
            for notice in some
        ]


def _as_it_is(notice: Notice, incident: Incident) -> Notice:
    """Withdraw facts that were drafted before the scope was corrected; what to do by hand does not depend on it."""
    late = incident.scoped is not None and notice.drafted < incident.scoped
    return replace(notice, state=State.WITHDRAWN) if late and notice.paper is Paper.FACTS else notice


def _is(notice: Notice) -> sa.ColumnElement[bool]:
    here = notices.c
    return (here.incident == notice.incident) & (here.tenant == notice.tenant) & (here.paper == notice.paper.value)


def _row(notice: Notice) -> dict[str, Any]:
    plain = ("incident", "tenant", "subject", "html", "text", "drafted_by", "approved_by", "sha256")
    row: dict[str, Any] = {name: getattr(notice, name) for name in plain}
    return row | {"paper": notice.paper.value, "state": notice.state.value, "drafted": rfc3339(notice.drafted)}


def _notice(row: sa.RowMapping) -> Notice:
    plain = ("incident", "tenant", "subject", "html", "text", "drafted_by", "approved_by")
    return Notice(
        **{name: row[name] for name in plain},
        paper=Paper(row["paper"]),
        state=State(row["state"]),
        drafted=from_rfc3339(row["drafted"]),
    )
