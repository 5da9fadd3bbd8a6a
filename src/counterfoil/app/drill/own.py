"""The operator's own tenants as a cast: names, domains, policies and connections are read, and nothing is written.

No key is read, no call is made, and no real tenant is touched: what is read is only the plan's outline. The
database is opened read-only, and by the state of its schema as it is.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from counterfoil.app.campaigning import CONTROL
from counterfoil.app.drill.cast import ROLES, Opening, Part, Wanted, parts
from counterfoil.app.state import DATABASE
from counterfoil.config.settings import Config
from counterfoil.credential.registry import credentials
from counterfoil.gateway.store.tables import domains, tenants
from counterfoil.model.errors import Misconfigured
from counterfoil.model.mail import Json
from counterfoil.tenant.permissions import PERMISSIONS
from counterfoil.tenant.registry import connections

LENT = "drill.example"
"""A tenant without a domain gets one below this, so that it has a mailbox to be robbed."""


@dataclass(frozen=True, slots=True)
class Known:
    """A connection as the books have it; ``mark`` is the SHA-256 of its current certificate."""

    tenant: str
    roles: tuple[str, ...]
    mark: str | None


@dataclass(frozen=True, slots=True)
class Own:
    """The cast, and in words what of the operator's house is in the drill and what is not as it is there.

    ``shared`` counts the connections that have the certificate which the drill has stolen.
    """

    wanted: list[Wanted]
    thumbprint: str
    shared: int
    words: tuple[str, ...]


def of_operator(data: Path, config: Config, thumbprint: str | None) -> Own:
    """Read the operator's state, and cast it.

    Args:
        data: The operator's data folder.
        config: Says where the database is.
        thumbprint: The certificate to be stolen; the one on most connections where it is left out.

    Raises:
        Misconfigured: If nothing can be read, or no connection has such a certificate.
    """
    with _reading(data, config) as reading:
        try:
            known = list(_connections(reading))
            people = reading.execute(sa.select(tenants).order_by(tenants.c.name)).all()
            theirs = defaultdict(list)
            for row in reading.execute(sa.select(domains.c.tenant, domains.c.domain).order_by(domains.c.domain)):
                theirs[row.tenant].append(row.domain)
        except sa.exc.DatabaseError as error:
            raise Misconfigured(
                f"the database in {data} cannot be read: {error.orig}",
                "is it of this version? counterfoil tenant list --data DIR brings it up to date",
            ) from error
    mark = _chosen(known, thumbprint)
    listed = [(row.name, row.display, json.loads(row.policy or "{}")) for row in people]
    listed += [(name, name, {}) for name in sorted({one.tenant for one in known} - {row.name for row in people})]
    concerned = sorted({one.tenant for one in known if one.mark == mark})
    given = dict(zip(concerned, parts(len(concerned)), strict=True))
    cast = [
        _wanted(name, display, policy, theirs[name], known=known, mark=mark, part=given.get(name, Part.BYSTANDER))
        for name, display, policy in listed
    ]
    cast.sort(key=lambda one: (one.part is Part.BYSTANDER, one.name))
    return Own(cast, mark, sum(one.mark == mark for one in known), tuple(_words(cast, known, theirs)))


@contextmanager
def _reading(data: Path, config: Config) -> Iterator[sa.Connection]:
    """Open the operator's database so that nothing can be written to it."""
    if config.database.url:
        engine = sa.create_engine(config.database.url, execution_options={"postgresql_readonly": True})
    else:
        path = (data / DATABASE).resolve()
        if not path.is_file():
            raise Misconfigured(f"there is no data of yours in {data}", "say --from with the folder that serve uses")
        place = f"{path.as_uri()}?mode=ro"
        engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(place, uri=True, timeout=10))
    try:
        with engine.connect() as reading:
            yield reading
    finally:
        engine.dispose()


def _connections(reading: sa.Connection) -> Iterator[Known]:
    current = (
        (credentials.c.tenant == connections.c.tenant_id)
        & (credentials.c.app == connections.c.app)
        & (credentials.c.generation == connections.c.current)
    )
    query = sa.select(connections.c.tenant, connections.c.roles, credentials.c.thumbprint_sha256)
    query = query.select_from(connections.outerjoin(credentials, current))
    for row in reading.execute(query.order_by(connections.c.tenant, connections.c.app)):
        yield Known(row.tenant, tuple(json.loads(row.roles or "[]")), row.thumbprint_sha256)


def _chosen(known: Iterable[Known], thumbprint: str | None) -> str:
    """Choose what is stolen: never a control application's own key, which is on no other connection."""
    counts = Counter(one.mark for one in known if one.mark and CONTROL not in one.roles)
    if not counts:
        raise Misconfigured(
            "no connection of yours has a current certificate, so none can be stolen",
            "connect a tenant first (docs/connect.md), or leave --from out and practise with invented ones",
        )
    if thumbprint is None:
        return min(counts, key=lambda mark: (-counts[mark], mark))
    if thumbprint not in counts:
        raise Misconfigured(f"no connection has {thumbprint} as its current certificate", "counterfoil credential list")
    return thumbprint


def _wanted(
    name: str, display: str, policy: dict[str, Json], own: list[str], *, known: list[Known], mark: str, part: Part
) -> Wanted:
    mine = [one for one in known if one.tenant == name and CONTROL not in one.roles and one.mark]
    openings = [Opening(_roles(one), stolen=one.mark == mark) for one in mine]
    control = any(one.tenant == name and CONTROL in one.roles for one in known)
    return Wanted(
        name,
        display,
        tuple(own) or (f"{name}.{LENT}",),
        part,
        tuple(sorted(openings, key=lambda opening: not opening.stolen)),
        control,
        policy,
    )


def _roles(one: Known) -> tuple[str, ...]:
    """Keep the roles that the laboratory knows; where the certificate is stolen, those that the story needs too."""
    return tuple(dict.fromkeys((*(role for role in one.roles if role in PERMISSIONS), *ROLES)))


def _words(cast: list[Wanted], known: list[Known], theirs: dict[str, list[str]]) -> Iterator[str]:
    without = [one.name for one in cast if not theirs.get(one.name)]
    if without:
        yield f"no domain of yours is entered for {', '.join(without)}: they got one below {LENT}"
    idle = sorted({one.tenant for one in known if one.mark is None})
    if idle:
        yield f"a connection without a current certificate is left out, of {', '.join(idle)}"
    by_hand = [one.name for one in cast if not one.control and any(o.stolen for o in one.openings)]
    if by_hand:
        yield f"no control application: the administrator of {', '.join(by_hand)} has to act, and did so in the drill"
    if any(set(ROLES) - set(one.roles) for one in known if one.mark and CONTROL not in one.roles):
        yield f"every connection had {', '.join(ROLES)} besides its own roles, so that there is something to steal"
