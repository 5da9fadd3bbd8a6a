"""What a thief did, and a thief at work: the words that his behaviours are written in."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from counterfoil.cases.acts import Act, Actor, Token
from counterfoil.cases.cast import Setting, Tenant
from counterfoil.cases.rows import EXCHANGE, GRAPH, Books, Key

STOLEN, REPLAYED, FOREIGN = "stolen-certificate", "replayed-token", "foreign-credential"
INSIDE, ATTEMPTED = "inside-use", "attempted"
"""The kinds of discrepancy that a complete log must show."""


@dataclass(slots=True)
class Theft:
    """What a thief did.

    ``kinds`` are discrepancies that must be found; ``touched`` says whether he got in; ``left`` is what
    outlives the theft, as the words by which a log names it; ``in_stubs`` says that our own stubs tell of
    him, so that no loss of rows hides him; ``named`` that our stubs name his messages, so that no store id
    stays without a Message-ID.
    """

    touched: bool = True
    kinds: set[str] = field(default_factory=set)
    read: list[Act] = field(default_factory=list)
    changed: list[Act] = field(default_factory=list)
    whole_folders: list[tuple[str, str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    in_stubs: bool = False
    named: bool = False


@dataclass(frozen=True, slots=True)
class Raid:
    """A thief at work in one tenant, from the moment he begins."""

    tenant: Tenant
    setting: Setting
    books: Books
    start: datetime
    actor: Actor
    theft: Theft

    @property
    def audience(self) -> str:
        """The resource that the tenant's mail is reached through."""
        return EXCHANGE if self.tenant.style == "ews" else GRAPH

    def after(self, seconds: float) -> datetime:
        """Return the moment so many seconds after he began."""
        return self.start + timedelta(seconds=seconds)

    def sign_in(self, key: Key, audience: str | None = None, seconds: float = 0) -> Token:
        """Ask for a token with a key and get it."""
        return self.actor.sign_in(self.after(seconds), key, audience or self.audience)[0]

    def read_mail(self, token: Token, count: int, seconds: float = 10) -> None:
        """Read so many messages of the first two mailboxes."""
        for number in range(count):
            mailbox = self.tenant.mailboxes[number % 2]
            self.theft.read.append(self.actor.read(token, self.after(seconds + number), mailbox))

    def enter(self, count: int = 2) -> Token:
        """Sign in with a copy of our key and read a little."""
        token = self.sign_in(self.tenant.key)
        self.read_mail(token, count)
        self.theft.kinds.add(STOLEN)
        return token

    def our_token(self) -> Token:
        """Return the newest token for the tenant's mail that was issued to us before he came."""
        mine = [row for row in self.books.sign_ins if row.audience == self.audience and row.time < self.start]
        newest = max(mine, key=lambda row: row.time)
        return Token(newest.request, newest.time)
