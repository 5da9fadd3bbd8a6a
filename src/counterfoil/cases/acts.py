"""What an application can do in a tenant, and the rows that each act leaves, whoever does it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from counterfoil.cases.cast import Tenant
from counterfoil.cases.chance import Chance
from counterfoil.cases.rows import (
    EXCHANGE,
    GRAPH,
    Books,
    Change,
    DirectoryEvent,
    GraphCall,
    Item,
    Key,
    MailboxEvent,
    SignIn,
)

EWS_PATH = f"{EXCHANGE}/EWS/Exchange.asmx"


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its request id, and when it was issued."""

    request: UUID
    issued: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """What one act looked like from outside: enough to write a stub for it, or the truth about it."""

    method: str
    uri: str
    mailbox: str
    item: Item
    client_request: UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts in a tenant from one address; every act is written into the tenant's books."""

    origin: str
    tenant: Tenant
    address: str
    agent: str
    books: Books
    chance: Chance

    def sign_in(self, moment: datetime, key: Key, audience: str, error: int = 0) -> tuple[Token, UUID]:
        """Ask for a token; return it and the correlation id."""
        request, correlation = self.chance.request(), self.chance.guid()
        row = SignIn(self.origin, moment, request, correlation, key, audience, self.address, error)
        self.books.sign_ins.append(row)
        return Token(request, moment), correlation

    def fresh_item(self, mailbox: str, folder: str = "\\Inbox") -> Item:
        """Invent a message of a mailbox that nobody has touched yet."""
        domain = mailbox.partition("@")[2]
        message_id = f"<{self.chance.hex(8).lower()}@{domain}>"
        return Item(f"AAMkAG{self.chance.hex(24)}=", message_id, folder, self.chance.between(2_000, 90_000))

    def read(
        self,
        token: Token,
        moment: datetime,
        mailbox: str,
        *,
        client_request: UUID | None = None,
        again: Item | None = None,
    ) -> Act:
        """Read one message, a fresh one if it is not said which: over Graph, or over EWS, which leaves no Graph row."""
        item = again or self.fresh_item(mailbox)
        verb = ("POST", EWS_PATH) if self.tenant.style == "ews" else ("GET", _uri(mailbox, item, "$value"))
        act = Act(*verb, mailbox, item, client_request or self.chance.guid())
        self._graph_row(token, moment, act, 200)
        self._mailbox_row(token, moment, act, "MailItemsAccessed", access="Bind")
        return act

    def synchronise(self, token: Token, moment: datetime, mailbox: str, folder: str) -> Act:
        """Read a folder as a whole; the record names the folder and no message."""
        act = Act("POST", EWS_PATH, mailbox, Item("", "", folder, 0), self.chance.guid())
        self._mailbox_row(token, moment, act, "MailItemsAccessed", access="Sync")
        return act

    def move(self, token: Token, moment: datetime, mailbox: str) -> Act:
        """Move one message to the deleted items."""
        item = self.fresh_item(mailbox)
        act = Act("POST", _uri(mailbox, item, "move"), mailbox, item, self.chance.guid())
        self._graph_row(token, moment, act, 201)
        self._mailbox_row(token, moment, act, "MoveToDeletedItems")
        return act

    def destroy(self, token: Token, moment: datetime, mailbox: str) -> Act:
        """Delete one message so that its owner cannot bring it back."""
        item = self.fresh_item(mailbox)
        act = Act("POST", _uri(mailbox, item, "permanentDelete"), mailbox, item, self.chance.guid())
        self._graph_row(token, moment, act, 204)
        self._mailbox_row(token, moment, act, "HardDelete")
        return act

    def call(self, token: Token, moment: datetime, method: str, path: str, mailbox: str = "") -> Act:
        """Ask something of Graph that is no message; ``path`` is the one below the version."""
        act = Act(method, f"{GRAPH}/v1.0/{path}", mailbox, Item("", "", "", 0), self.chance.guid())
        self._graph_row(token, moment, act, 201 if method == "POST" else 200)
        return act

    def cmdlet(self, mailbox: str) -> Act:
        """Run a cmdlet of Exchange on a mailbox; it leaves no Graph row."""
        return Act("POST", f"{EXCHANGE}/adminapi/beta/InvokeCommand", mailbox, Item("", "", "", 0), self.chance.guid())

    def settle(self, token: Token, moment: datetime, act: Act, operation: str, **detail: str) -> None:
        """Leave the row that a change of settings leaves in mailbox audit."""
        self._mailbox_row(token, moment, act, operation, detail=tuple(detail.items()))

    def administer(self, moment: datetime, activity: str, target: str, *changes: Change) -> None:
        """Leave the row that a change of our application or service principal leaves in the directory audit."""
        event = DirectoryEvent(self.origin, moment, self.chance.guid(), activity, "", target, changes)
        self.books.directory.append(event)

    def _graph_row(self, token: Token, moment: datetime, act: Act, status: int) -> None:
        if not act.uri.startswith(GRAPH):
            return
        row = GraphCall(
            self.origin,
            moment + timedelta(milliseconds=60),
            token.request,
            token.issued,
            self.chance.guid(),
            act.client_request,
            act.method,
            act.uri,
            status,
            self.address,
            self.agent,
        )
        self.books.graph.append(row)

    def _mailbox_row(
        self,
        token: Token,
        moment: datetime,
        act: Act,
        operation: str,
        *,
        access: str = "",
        detail: tuple[tuple[str, str], ...] = (),
    ) -> None:
        row = MailboxEvent(
            self.origin,
            moment + timedelta(seconds=1),
            self.chance.guid(),
            operation,
            act.mailbox,
            token.request,
            token.issued,
            self.address,
            (act.item,) if act.item.folder else (),
            access,
            client_request=act.client_request,
            detail=detail,
        )
        self.books.mailbox.append(row)


def _uri(mailbox: str, item: Item, verb: str) -> str:
    return f"{GRAPH}/v1.0/users/{mailbox}/messages/{item.id}/{verb}"
