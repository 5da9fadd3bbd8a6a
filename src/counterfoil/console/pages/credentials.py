"""Connections and their credentials: generation, age, expiry, state; shared and expiring ones stand out."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from counterfoil.console.page import Column, Page, Row, Table
from counterfoil.model.instant import from_rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import CredentialState

SOON = timedelta(days=21)
"""Credentials that end sooner stand out: a routine rotation takes days."""

COLUMNS = (
    Column("tenant", "Tenant", "text", "/tenants/{tenant}"),
    Column("state", "State", "mark"),
    Column("current", "In use", "flag"),
    Column("shared", "Shared", "alarm"),
    Column("not_after", "Expires", "time"),
    Column("expiry", "Left", "mark"),
    Column("age_days", "Age in days", "number"),
    Column("generation", "Generation", "number"),
    Column("app", "Application", "code"),
    Column("thumbprint_sha1", "SHA-1 thumbprint", "code"),
    Column("key_id", "Key id", "code"),
    Column("roles", "May"),
    Column("tenant_id", "Tenant id", "data"),
    Column("thumbprint_sha256", "SHA-256 thumbprint", "data"),
)
DUTIES = (
    Column("tenant", "Tenant", "text", "/tenants/{tenant}"),
    Column("duty", "Duty"),
    Column("state", "State", "mark"),
    Column("at", "Last tried", "time"),
    Column("until", "Pulled until", "time"),
    Column("words", "Words"),
    Column("app", "Application", "data"),
)
EMPTY = (
    "No connection yet. See what a tenant's administrator must consent to: counterfoil connection plan. "
    "Then enter it: counterfoil connection import"
)
_OUT_OF_USE = {CredentialState.RETIRED.value, CredentialState.DEAD.value}


def table(found: Sequence[Row], now: datetime) -> Table:
    """Return the table, ages and expiry worked out."""
    return Table("credentials", "Connections and credentials", COLUMNS, [_row(row, now) for row in found], EMPTY)


def page(found: Sequence[Row], duties: Sequence[Row], now: datetime) -> Page:
    """Return the page; ``duties`` tell how far each connection's logs were pulled, and its heartbeats."""
    shared = [row for row in found if row.get("shared")]
    empty = "No heartbeat and no log was pulled yet: counterfoil serve does it where a signer runs."
    tables = (table(found, now), Table("duties", "Heartbeats and logs", DUTIES, duties, empty))
    return Page("Connections and credentials", "credentials.html", tables, more={"shared": len(shared)})


def _row(row: Row, now: datetime) -> Row:
    roles = row.get("roles")
    made: dict[str, Json] = {**row, "roles": json.loads(str(roles)) if roles else None}
    if row.get("not_after") is None:
        return made | {"state": "no credential yet", "current": False, "age_days": None, "expiry": None}
    made["current"] = row.get("current") is not None and row.get("current") == row.get("generation")
    made["age_days"] = (now - from_rfc3339(str(row["not_before"]))).days
    made["expiry"] = _expiry(row, from_rfc3339(str(row["not_after"])) - now)
    return made


def _expiry(row: Row, left: timedelta) -> str | None:
    if row["state"] in _OUT_OF_USE:
        return None
    if left <= timedelta(0):
        return "expired"
    return f"{left.days} days left" if left < SOON else None
