"""What the pages ask the database. Reads only; the scope is in every WHERE clause (law 11)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from counterfoil.credential.registry import credentials
from counterfoil.gateway.store.tables import dispositions, domains, held, messages, senders, sortable, tenants
from counterfoil.incident.store import entries as incident_entries
from counterfoil.incident.store import incidents, scopes
from counterfoil.ledger import rows
from counterfoil.ledger.rows import entries, instant
from counterfoil.ledger.stubs import read
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json, Outcome
from counterfoil.model.trust import CredentialState
from counterfoil.operators.roles import Scope
from counterfoil.tenant.registry import connections

TAIL = 20_000
"""Newest entries of the ledger in which recent deeds and alarms are looked for: a page must not read all of it."""

Row = dict[str, Json]


class Books:
    """Questions to the one database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def mail(self, scope: Scope, since: datetime) -> list[Row]:
        """Count messages received since a time by verdict and outcome: verdict, outcome, messages, octets."""
        count, octets = sa.func.count().label("messages"), sa.func.sum(messages.c.size).label("octets")
        query = sa.select(messages.c.verdict, messages.c.outcome, count, octets)
        query = query.where(_within(messages.c.tenant, scope), messages.c.time >= sortable(since))
        return self._all(query.group_by(messages.c.verdict, messages.c.outcome).order_by(count.desc()))

    def outcomes(self, scope: Scope) -> list[Row]:
        """Count all messages there ever were: outcome, messages, unheard.

        ``outcome`` is where a message is now; ``unheard`` counts those that have a home there and whose senders
        may not have heard of it (a disposition ``unknown`` after ``handed-on`` or ``held``).
        """
        inside = _within(messages.c.tenant, scope)
        query = sa.select(messages.c.outcome, sa.func.count().label("messages")).where(inside)
        earlier = dispositions.alias("earlier")
        home = (earlier.c.message == dispositions.c.message) & (earlier.c.number < dispositions.c.number)
        home &= earlier.c.outcome.in_([Outcome.HANDED_ON.value, Outcome.HELD.value])
        doubt = sa.select(messages.c.outcome, sa.func.count().label("messages"))
        doubt = doubt.select_from(dispositions.join(messages)).where(inside, sa.exists().where(home))
        doubt = doubt.where(dispositions.c.outcome == Outcome.UNKNOWN.value).group_by(messages.c.outcome)
        unheard = {row["outcome"]: row["messages"] for row in self._all(doubt)}
        counted = self._all(query.group_by(messages.c.outcome))
        return [{**row, "unheard": unheard.get(row["outcome"], 0)} for row in counted]

    def waiting(self, scope: Scope) -> Row:
        """Say of held mail how much there is, how much of it is wanted, and what expires first."""
        query = sa.select(
            sa.func.count().label("held"),
            sa.func.count(held.c.wanted_by).label("wanted"),
            sa.func.min(held.c.expires).label("expires"),
        ).select_from(held.join(messages))
        return self._all(query.where(_within(messages.c.tenant, scope)))[0]

    def tenants(self, scope: Scope) -> list[Row]:
        """Return tenants with what counts about them: name, display, added, domains, senders, own_policy."""

        def count(table: sa.Table) -> sa.Label[int]:
            of = sa.select(sa.func.count()).where(table.c.tenant == tenants.c.name).scalar_subquery()
            return of.label(table.name)

        own = (tenants.c.policy != "{}").label("own_policy")
        query = sa.select(tenants.c.name, tenants.c.display, tenants.c.added, count(domains), count(senders), own)
        return self._all(query.where(_within(tenants.c.name, scope)).order_by(tenants.c.name))

    def stems(self, scope: Scope) -> dict[str, str]:
        """Return ``tenant id/app``, as the signer and campaigns name a connection, with our name of its tenant."""
        query = sa.select(_STEM.label("stem"), connections.c.tenant).where(_within(connections.c.tenant, scope))
        return {str(row["stem"]): str(row["tenant"]) for row in self._all(query)}

    def credentials(self, scope: Scope) -> list[Row]:
        """Return every connection with each of its credentials; those on no connection in the scope of all only.

        ``shared`` says that the certificate is on another connection too, and never on whose.
        """
        mine = (credentials.c.tenant == connections.c.tenant_id) & (credentials.c.app == connections.c.app)
        joined = connections.outerjoin(credentials, mine)
        query = sa.select(connections.c.tenant, connections.c.tenant_id, connections.c.app, connections.c.roles)
        query = query.add_columns(connections.c.current, *_CREDENTIAL).select_from(joined)
        query = query.where(_within(connections.c.tenant, scope))
        found = self._all(query.order_by(connections.c.tenant, connections.c.app, credentials.c.generation.desc()))
        if scope.everything:
            alone = sa.select(credentials.c.tenant.label("tenant_id"), credentials.c.app, *_CREDENTIAL)
            found += self._all(alone.where(~sa.exists().where(mine)).order_by(credentials.c.tenant, credentials.c.app))
        common = set(self._shared())
        for row in found:
            row["shared"] = row["thumbprint_sha256"] in common
            for key in ("not_before", "not_after"):
                row[key] = None if row[key] is None else rfc3339(instant(int(str(row[key]))))
        return found

    def _shared(self) -> list[str]:
        places = sa.func.count(sa.distinct(credentials.c.tenant + "/" + credentials.c.app))
        query = sa.select(credentials.c.thumbprint_sha256).where(credentials.c.state != CredentialState.DEAD.value)
        query = query.group_by(credentials.c.thumbprint_sha256).having(places > 1)
        return [str(row["thumbprint_sha256"]) for row in self._all(query)]

    def deeds(self, scope: Scope, limit: int, *, alarms: bool = False) -> list[Row]:
        """Return the newest deeds in the ledger (time, actor, action, subject, tenant, index), or the alarms alone.

        Tenant ids stand as our names where the scope has one for them, in ``tenant`` and at the head of ``subject``.
        """
        names = self.tenant_ids(scope)
        with self._engine.connect() as connection:
            newest = rows.size(connection)
            query = sa.select(entries.c.leaf_index, entries.c.stub).where(
                entries.c.leaf_index >= newest - TAIL,
                entries.c.kind == "action",
                entries.c.stub.is_not(None),
                _within(entries.c.tenant, scope),
            )
            found: list[Row] = []
            for row in connection.execute(query.order_by(entries.c.leaf_index.desc())):
                stub = read(row.stub)
                if not alarms or str(stub.body["action"]).startswith("alarm"):
                    deed: Row = {key: stub.body.get(key) for key in ("actor", "action")}
                    deed |= {"time": rfc3339(stub.time), "tenant_id": stub.tenant, "index": row.leaf_index}
                    deed["tenant"] = names.get(stub.tenant or "", stub.tenant)
                    found.append(deed | {"subject": _named(stub.body.get("subject"), names)})
                if len(found) == limit:
                    break
        return found

    def tenant_ids(self, scope: Scope) -> dict[str, str]:
        """Return tenant ids with our names for them; one that another tenant outside the scope has too is left out."""
        other = connections.alias("other")
        shared = (other.c.tenant_id == connections.c.tenant_id) & ~_within(other.c.tenant, scope)
        query = sa.select(connections.c.tenant_id, connections.c.tenant).order_by(connections.c.tenant)
        query = query.where(_within(connections.c.tenant, scope))
        if not scope.everything:
            query = query.where(~sa.exists().where(shared))
        return {str(row["tenant_id"]): str(row["tenant"]) for row in self._all(query)}

    def incidents(self, scope: Scope) -> list[Row]:
        """Return reference and time of opening of every incident, or of those that concern the scope's tenants."""
        query = sa.select(incidents.c.reference, incidents.c.opened).order_by(incidents.c.opened.desc())
        if not scope.everything:
            ids = sorted(self.tenant_ids(scope))
            found = sa.select(scopes.c.incident).where(scopes.c.tenant.in_(ids))
            told = sa.select(incident_entries.c.incident).where(incident_entries.c.tenant.in_(ids))
            query = query.where(incidents.c.name.in_(found.union(told)))
        return self._all(query)

    def findings(self, scope: Scope, reference: str | None = None) -> list[Row]:
        """Return what incidents found of the scope's tenants: reference, tenant, tenant_id, state, document."""
        names = self.tenant_ids(scope)
        query = sa.select(incidents.c.reference, scopes.c.tenant.label("tenant_id"), scopes.c.state, scopes.c.document)
        query = query.select_from(scopes.join(incidents)).order_by(incidents.c.opened.desc(), scopes.c.tenant)
        if not scope.everything:
            query = query.where(scopes.c.tenant.in_(sorted(names)))
        if reference is not None:
            query = query.where(incidents.c.reference == reference)
        return [{**row, "tenant": names.get(str(row["tenant_id"]))} for row in self._all(query)]

    def incident_entries(self, scope: Scope, reference: str) -> list[Row]:
        """Return the timeline of an incident, or the entries of it that concern a tenant of the scope alone."""
        names = self.tenant_ids(scope)
        columns = ("time", "actor", "kind", "words", "tenant")
        query = sa.select(*(incident_entries.c[name] for name in columns)).select_from(incident_entries.join(incidents))
        query = query.where(incidents.c.reference == reference).order_by(incident_entries.c.number)
        if not scope.everything:
            query = query.where(incident_entries.c.tenant.in_(sorted(names)))
        return [{**row, "tenant": names.get(str(row["tenant"]), row["tenant"])} for row in self._all(query)]

    def _all(self, query: sa.Executable) -> list[Row]:
        with self._engine.connect() as connection:
            return [_plain(row) for row in connection.execute(query).mappings()]


_STEM = connections.c.tenant_id + "/" + connections.c.app
_CREDENTIAL = tuple(
    credentials.c[name]
    for name in (
        "generation",
        "state",
        "not_before",
        "not_after",
        "thumbprint_sha1",
        "thumbprint_sha256",
        "key_id",
    )
)


def _named(subject: Json, names: Mapping[str, str]) -> Json:
    """Spell a credential or a connection with our name for its tenant instead of the tenant id."""
    head, slash, rest = str(subject or "").partition("/")
    return f"{names[head]}{slash}{rest}" if head in names else subject


def _plain(row: Mapping[Any, Any]) -> Row:
    return {str(key): value for key, value in row.items()}


def _within(column: sa.Column[str], scope: Scope) -> sa.ColumnElement[bool]:
    """Keep a query to a scope; an empty one finds nothing."""
    return sa.true() if scope.tenants is None else column.in_(sorted(scope.tenants))
