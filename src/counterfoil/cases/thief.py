"""The thieves: what each does in a tenant, and the truth about it.

A thief's acts go into the tenant's books like anybody's; what he really did goes into a ``Theft``, which
is what a reconciliation is scored against.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from counterfoil.cases.acts import Act, Actor, Token
from counterfoil.cases.cast import Setting, Tenant
from counterfoil.cases.chance import Chance
from counterfoil.cases.rows import EXCHANGE, GRAPH, THIEF, Books, Key
from counterfoil.cases.spell import instant, uti

AGENT = "python-requests/2.31"
WRONG_KEY = 700027


@dataclass(slots=True)
class Theft:
    """What a thief did.

    ``kinds`` are discrepancies that must be found; ``touched`` says whether he got in; ``has_stubs``
    that our own stubs name his messages, so that no store id stays without a Message-ID.
    """

    touched: bool = True
    kinds: set[str] = field(default_factory=set)
    read: list[Act] = field(default_factory=list)
    changed: list[Act] = field(default_factory=list)
    whole_folders: list[tuple[str, str]] = field(default_factory=list)
    has_stubs: bool = False


@dataclass(frozen=True, slots=True)
class Raid:
    """A thief at work in one tenant, from the moment he begins."""

    tenant: Tenant
    books: Books
    start: datetime
    actor: Actor
    theft: Theft

    @property
    def audience(self) -> str:
        """The resource that the tenant's mail is reached through."""
        return EXCHANGE if self.tenant.style == "ews" else GRAPH

    def read_mail(self, token: Token, moment: datetime, count: int) -> None:
        """Read so many messages of the first two mailboxes."""
        for number in range(count):
            mailbox = self.tenant.mailboxes[number % 2]
            self.theft.read.append(self.actor.read(token, moment + timedelta(seconds=10 + number), mailbox))


def stolen_key(raid: Raid) -> None:
    """Sign in with a copy of the key, and read."""
    token, _ = raid.actor.sign_in(raid.start, raid.tenant.key, raid.audience)
    raid.read_mail(token, raid.start, 6)
    raid.theft.kinds.add("stolen-certificate")


def vandal(raid: Raid) -> None:
    """Sign in with a copy of the key, read, destroy two messages and leave a forwarding rule."""
    stolen_key(raid)
    token = Token(raid.books.sign_ins[-1].request, raid.start)
    mailbox = raid.tenant.mailboxes[0]
    for number in range(2):
        raid.theft.changed.append(raid.actor.destroy(token, raid.start + timedelta(minutes=2 + number), mailbox))
    raid.theft.changed.append(raid.actor.make_rule(token, raid.start + timedelta(minutes=5), mailbox, "x@evil.example"))


def collector(raid: Raid) -> None:
    """Sign in with a copy of the key and take a folder as a whole."""
    token, _ = raid.actor.sign_in(raid.start, raid.tenant.key, EXCHANGE)
    mailbox = raid.tenant.mailboxes[0]
    raid.actor.synchronise(token, raid.start + timedelta(seconds=5), mailbox, "\\Inbox")
    raid.theft.whole_folders.append((mailbox, "\\Inbox"))
    raid.theft.kinds.add("stolen-certificate")


def neighbour(raid: Raid) -> None:
    """Like a stolen key, but from the very address that we use."""
    actor = Actor(THIEF, raid.tenant, raid.tenant.address, AGENT, raid.books, raid.actor.chance)
    stolen_key(Raid(raid.tenant, raid.books, raid.start, actor, raid.theft))


def replay(raid: Raid) -> None:
    """Use a token that was issued to us: no sign-in of his own, calls that we did not make."""
    raid.read_mail(_our_token(raid), raid.start, 5)
    raid.theft.kinds.add("replayed-token")


def copied_request_id(raid: Raid) -> None:
    """Use our token and copy the client-request-id of a call that we made."""
    token = _our_token(raid)
    ours = next(row for row in raid.books.graph if row.token == token.request)
    mailbox = raid.tenant.mailboxes[1]
    raid.theft.read.append(raid.actor.read(token, raid.start, mailbox, ours.client_request))
    raid.theft.kinds.add("replayed-token")


def own_key(raid: Raid) -> None:
    """Add a key of his own with a copy of ours, then use his."""
    token, _ = raid.actor.sign_in(raid.start, raid.tenant.key, GRAPH)
    chance = raid.actor.chance
    key = Key(chance.guid(), chance.hex(20), chance.hex(32), "CN=backup")
    raid.actor.add_key(token, raid.start + timedelta(seconds=20), key)
    second, _ = raid.actor.sign_in(raid.start + timedelta(minutes=3), key, raid.audience)
    raid.read_mail(second, raid.start + timedelta(minutes=3), 4)
    raid.theft.kinds |= {"stolen-certificate", "foreign-credential"}


def only_failures(raid: Raid) -> None:
    """Try and be refused: nobody is touched, and anyone with the public certificate can do it."""
    for number in range(3):
        raid.actor.sign_in(raid.start + timedelta(seconds=30 * number), raid.tenant.key, raid.audience, WRONG_KEY)
    raid.theft.touched = False
    raid.theft.kinds.add("attempted")


def inside(raid: Raid) -> None:
    """Sit in our own house: his acts have stubs, but no job asked for them."""
    token, correlation = raid.actor.sign_in(raid.start, raid.tenant.key, raid.audience)
    tenant = raid.tenant
    who = {"tenant": str(tenant.tenant), "app": str(tenant.app)}
    print_ = {"thumbprint_sha1": tenant.key.sha1, "thumbprint_sha256": tenant.key.sha256}
    raid.books.stubs.append(
        {"kind": "token", "time": instant(raid.start), **who, **print_, "key_id": str(tenant.key.key_id)}
        | {"audience": raid.audience, "jti": str(raid.actor.chance.guid()), "correlation_id": str(correlation)}
        | {"request_id": None, "uti": uti(token.request), "job": None, "outcome": "issued", "error": None}
    )
    raid.read_mail(token, raid.start, 3)
    for number, act in enumerate(raid.theft.read):
        moment = instant(raid.start + timedelta(seconds=10 + number))
        raid.books.stubs.append(
            {"kind": "call", "time": moment, **who, "uti": uti(token.request), "method": act.method}
            | {"client_request_id": str(act.client_request), "resource": act.uri, "mailbox": act.mailbox}
            | {"message_ids": [act.item.message_id], "effect": "read", "job": None, "status": 200}
        )
    raid.theft.kinds.add("inside-use")
    raid.theft.has_stubs = True


THIEVES: dict[str, Callable[[Raid], None]] = {
    "stolen-key": stolen_key,
    "vandal": vandal,
    "collector": collector,
    "neighbour": neighbour,
    "replay": replay,
    "copied-request-id": copied_request_id,
    "own-key": own_key,
    "only-failures": only_failures,
    "inside": inside,
}
"""Every behaviour by name; a case gives each thief one tenant at least."""

NEEDS_GRAPH = frozenset({"vandal", "copied-request-id", "own-key"})
"""Behaviours that only a connection over Graph allows, or whose calls only Graph's log tells apart."""


def raid(tenant: Tenant, setting: Setting, books: Books) -> Theft | None:
    """Let the tenant's thief in, if it has one; return what he did."""
    if tenant.thief is None:
        return None
    chance = Chance(setting.seed, "thief", tenant.name)
    hour = chance.between(setting.hours // 2, setting.hours - 1)
    start = chance.within(setting.start + timedelta(hours=hour, minutes=15), 1_200)
    actor = Actor(THIEF, tenant, f"203.0.113.{chance.between(1, 250)}", AGENT, books, chance)
    theft = Theft()
    THIEVES[tenant.thief](Raid(tenant, books, start, actor, theft))
    return theft


def _our_token(raid: Raid) -> Token:
    """Return the newest token for the tenant's mail that was issued to us before the thief came."""
    mine = [row for row in raid.books.sign_ins if row.audience == raid.audience and row.time < raid.start]
    newest = max(mine, key=lambda row: row.time)
    return Token(newest.request, newest.time)
