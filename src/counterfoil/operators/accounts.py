"""Accounts on disk: every change is a stub and its rows in one commit; no password is ever in a stub.

Trust: whoever can change these tables can act as anybody in the console; the ledger shows what was granted by
us, so a grant without its stub is a forgery.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from counterfoil.database import metadata
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.operators import passwords
from counterfoil.operators.roles import Grant, Permission, Role, Scope, scope

accounts = sa.Table(
    "account",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("added", sa.Text, nullable=False),
    sa.Column("password", sa.Text, nullable=False, comment="scrypt with its own salt"),
    sa.Column("version", sa.Integer, nullable=False, comment="goes up with the password: sessions of an older one end"),
)

grants = sa.Table(
    "account_grant",
    metadata,
    sa.Column("account", sa.ForeignKey("account.name"), primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, primary_key=True, comment="a tenant's name; the empty text is all of them"),
)

_NAME = re.compile(r"[a-z0-9]([a-z0-9._@-]{0,62}[a-z0-9])?")
_ALL = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may log in; ``version`` changes with the password."""

    name: str
    added: str
    version: int
    grants: tuple[Grant, ...]

    def scope(self, permission: Permission) -> Scope:
        """Return for which tenants this account may do something."""
        return scope(self.grants, permission)

    @property
    def actor(self) -> str:
        """How stubs name this account."""
        return f"console:{self.name}"


class Accounts:
    """The register of accounts. Methods that change something raise ``Refused`` and then change nothing."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def all(self) -> list[Account]:
        """Return every account by name."""
        with self._ledger.engine.connect() as connection:
            rows = connection.execute(sa.select(accounts).order_by(accounts.c.name)).all()
            return [_account(connection, row) for row in rows]

    def find(self, name: str) -> Account | None:
        """Return an account, or ``None``."""
        with self._ledger.engine.connect() as connection:
            row = connection.execute(sa.select(accounts).where(accounts.c.name == name)).first()
            return None if row is None else _account(connection, row)

    def one(self, name: str) -> Account:
        """Return an account.

        Raises:
            Refused: If there is none of that name.
        """
        found = self.find(name)
        if found is None:
            raise Refused(f"there is no account {name}", "list them: counterfoil operator list")
        return found

    def log_in(self, name: str, password: str) -> Account | None:
        """Return the account if the password fits; that there is no such account takes as long to find out."""
        query = sa.select(accounts.c.password).where(accounts.c.name == name)
        with self._ledger.engine.connect() as connection:
            kept = connection.execute(query).scalar()
        right = passwords.fits(password, kept or passwords.NOBODY)
        return self.find(name) if right and kept is not None else None

    def add(self, name: str, password: str, first: Iterable[Grant], now: datetime, actor: str) -> None:
        """Add an account with its first roles."""
        if not _NAME.fullmatch(name):
            raise Refused(f"{name!r} is no account name", "lower-case letters, digits and . _ @ - inside, at most 64")
        passwords.check_strength(password, name)
        row = {"name": name, "added": rfc3339(now), "password": passwords.sealed(password), "version": 1}
        given = [_row(name, grant) for grant in first]

        def write(connection: sa.Connection) -> None:
            if connection.execute(sa.select(accounts.c.name).where(accounts.c.name == name)).first():
                raise Refused(f"there is an account {name} already", "see: counterfoil operator show")
            connection.execute(sa.insert(accounts).values(**row))
            if given:
                connection.execute(sa.insert(grants), given)

        self._do("account-added", name, now, actor, write, detail={"grants": [_said(row) for row in given]})

    def remove(self, name: str, now: datetime, actor: str) -> None:
        """Remove an account; its sessions end with it, what it did stays in the ledger."""

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.delete(grants).where(grants.c.account == name))
            if connection.execute(sa.delete(accounts).where(accounts.c.name == name)).rowcount != 1:
                raise Refused(f"there is no account {name}", "list them: counterfoil operator list")

        self._do("account-removed", name, now, actor, write, detail={})

    def set_password(self, name: str, password: str, now: datetime, actor: str) -> None:
        """Give an account another password; whoever is logged in with the old one no longer is."""
        passwords.check_strength(password, name)
        fresh = {"password": passwords.sealed(password), "version": accounts.c.version + 1}

        def write(connection: sa.Connection) -> None:
            if connection.execute(sa.update(accounts).where(accounts.c.name == name).values(fresh)).rowcount != 1:
                raise Refused(f"there is no account {name}", "list them: counterfoil operator list")

        self._do("account-password-set", name, now, actor, write, detail={})

    def give(self, name: str, grant: Grant, now: datetime, actor: str) -> None:
        """Give an account a role."""
        row = _row(name, grant)

        def write(connection: sa.Connection) -> None:
            if connection.execute(sa.select(accounts.c.name).where(accounts.c.name == name)).first() is None:
                raise Refused(f"there is no account {name}", "list them: counterfoil operator list")
            if connection.execute(sa.select(grants).where(_is(row))).first() is not None:
                raise Refused(f"{name} has that role already", f"see: counterfoil operator show {name}")
            connection.execute(sa.insert(grants).values(**row))

        self._do("role-given", name, now, actor, write, detail=_said(row))

    def take(self, name: str, grant: Grant, now: datetime, actor: str) -> None:
        """Take a role from an account; from the next page on it is gone."""
        row = _row(name, grant)

        def write(connection: sa.Connection) -> None:
            if connection.execute(sa.delete(grants).where(_is(row))).rowcount != 1:
                raise Refused(f"{name} has no such role", f"see: counterfoil operator show {name}")

        self._do("role-taken", name, now, actor, write, detail=_said(row))

    def forget_tenant(self, tenant: str, now: datetime, actor: str) -> None:
        """Take every role for a tenant that goes, so that a later tenant of the same name is not open to them."""
        mine = grants.c.tenant == tenant
        with self._ledger.engine.connect() as connection:
            names: list[Json] = list(connection.execute(sa.select(grants.c.account).where(mine)).scalars())
        if not names:
            return

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.delete(grants).where(mine))

        self._do("roles-taken", tenant, now, actor, write, detail={"tenant": tenant, "accounts": names})

    def note(
        self, action: str, account: str, now: datetime, *, subject: str, tenant: str | None = None, **detail: Json
    ) -> None:
        """Write down something that an account did and that changes no row: a log-in, a look into held mail."""
        said = {"actor": f"console:{account}", "action": action, "subject": subject}
        self._ledger.append(stub_at("action", now, tenant, **said, detail=detail))

    def refused(self, account: str, address: str, now: datetime) -> None:
        """Write down that somebody tried to log in as an account and did not get in."""
        said: dict[str, Json] = {"address": address}
        self._ledger.append(
            stub_at("action", now, actor="console", action="log-in-refused", subject=account, detail=said)
        )

    def _do(
        self,
        did: str,
        name: str,
        now: datetime,
        actor: str,
        also: Callable[[sa.Connection], None],
        *,
        detail: dict[str, Json],
    ) -> None:
        self._ledger.append(stub_at("action", now, actor=actor, action=did, subject=name, detail=detail), also=also)


def _row(account: str, grant: Grant) -> dict[str, Any]:
    return {"account": account, "role": grant.role.value, "tenant": grant.tenant or _ALL}


def _said(row: dict[str, Any]) -> dict[str, Json]:
    return {"role": row["role"], "tenant": row["tenant"] or "every tenant"}


def _is(row: dict[str, Any]) -> sa.ColumnElement[bool]:
    return sa.and_(*(grants.c[name] == value for name, value in row.items()))


def _account(connection: sa.Connection, row: sa.Row[tuple[Any, ...]]) -> Account:
    mine = sa.select(grants).where(grants.c.account == row.name).order_by(grants.c.tenant, grants.c.role)
    given = tuple(Grant(Role(g.role), g.tenant or None) for g in connection.execute(mine))
    return Account(row.name, row.added, row.version, given)
