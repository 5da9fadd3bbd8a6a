"""Before the dot: who may send to whom, and over which next hop. After it, ``flows.mail`` takes over.

The listener that a client came to decides the direction. Inbound: the next hop is known at the first RCPT,
so MAIL is answered by us and said to the next hop then; outbound goes to one configured relay, so MAIL goes
there at once. From then on every reply is the next hop's.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from counterfoil.flows.mail import Directory, MailFlow, Taken
from counterfoil.gateway import admission, authors, headers
from counterfoil.gateway.headers import Dressed
from counterfoil.gateway.hop import Hop, Hops, Sent
from counterfoil.gateway.received import Received
from counterfoil.gateway.routing import Account, Client, NextHop
from counterfoil.gateway.smtp.events import Content, Mail, Recipient, Spoilt
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.model.errors import Unavailable
from counterfoil.model.mail import Direction, Envelope, Json
from counterfoil.scan.recipient_policy import for_recipient

log = logging.getLogger(__name__)

MOST_HOPS = 50
MOST_OWN_HOPS = 5  # out from one tenant and in to another is two; more than a few is a loop

_SENDER_OK = Reply(250, "2.1.0", "ok")
_ANOTHERS = Reply(550, "5.7.1", "the From is in a domain of somebody else here")
_NOT_OURS = Reply(550, "5.7.1", "no domain of a tenant here; we relay for nobody else")
_APART = Reply(452, "4.5.3", "this recipient's mail goes another way; send it apart")
_NO_POSTMASTER = Reply(550, "5.1.1", "nobody is named here as the postmaster of this gateway")
_NO_RELAY = Reply(451, "4.3.5", "no relay for outbound mail is configured")
_LOOP = Reply(554, "5.4.6", "this message goes round in a loop")
_TOO_MUCH = Reply(554, "5.6.0", f"the header has more than {headers.MOST_LINES} lines")
_NEEDS_8BIT = Reply(554, "5.6.3", "the next hop does not take 8-bit content")
_NEEDS_UTF8 = Reply(554, "5.6.7", "the next hop does not take header fields in UTF-8")
_UTF8_ADDRESS = Reply(553, "5.6.7", "the next hop does not take addresses in UTF-8")


@dataclass(slots=True)
class _Open:
    """A transaction: what was agreed so far."""

    client: Client
    mail: Mail
    host: Account | None = None
    tenant: str | None = None
    next_hop: NextHop | None = None
    said: Reply | None = None  # the next hop's answer to MAIL, said once for all recipients
    recipients: list[str] = field(default_factory=list)
    policies: list[Mapping[str, Json]] = field(default_factory=list)


class Transactions:
    """One client's transactions, one after the other (``gateway.conversation.Conversation``).

    Args:
        flow: What takes a message after its dot.
        directory: Tenants.
        hops: Gives connections to next hops.
        outbound: The one relay for outbound mail; ``None`` where there is none.
        via: ``"smtp"`` or ``"milter"``.
        new_id: Gives each message an id.
    """

    def __init__(
        self,
        flow: MailFlow,
        directory: Directory,
        hops: Hops,
        *,
        outbound: NextHop | None,
        via: str,
        new_id: Callable[[], str],
    ) -> None:
        self._flow = flow
        self._directory = directory
        self._hops = hops
        self._outbound = outbound
        self._via = via
        self._new_id = new_id
        self._open: _Open | None = None
        self._hop: Hop | None = None
        self._next_hop: NextHop | None = None
        self._unheard: Received | None = None

    async def mail(self, client: Client, mail: Mail) -> Reply:
        """Begin a transaction."""
        await self.reset()
        opened = _Open(client, mail)
        if client.direction is Direction.OUTBOUND:
            opened.host = await self._directory.host(admission.own_names(client))
            if refusal := await self._may_begin(opened):
                return refusal
            reply = _NO_RELAY if self._outbound is None else await self._say_mail(opened, self._outbound)
            if not reply.positive:
                return reply
            opened.said = reply
        self._open = opened
        return opened.said or _SENDER_OK

    async def recipient(self, recipient: Recipient) -> Reply:
        """Add a recipient, if the next hop takes it; where it does not, the log says why."""
        reply = await self._recipient(recipient)
        if not reply.positive:
            opened = self._opened()
            facts = {"tenant": opened.tenant, "recipient": recipient.address, "reply": str(reply)}
            log.info("recipient not taken", extra={"facts": facts | {"next_hop": str(opened.next_hop or "")}})
        return reply

    async def _recipient(self, recipient: Recipient) -> Reply:
        opened = self._opened()
        address = self._flow.names.mailbox_of(recipient.address)
        if address is None:
            return _NO_POSTMASTER
        policy: Mapping[str, Json] | None = None
        if opened.client.direction is Direction.INBOUND:
            route = await self._directory.route(address)
            if route is None or admission.routed(address):
                return _NOT_OURS
            other = (opened.tenant, opened.next_hop) != (route.tenant, route.next_hop)
            if opened.recipients and other:
                return _APART
            if opened.said is None or other:
                opened.tenant, opened.next_hop = route.tenant, route.next_hop
                opened.said = await self._say_mail(opened, route.next_hop)
            policy = for_recipient(route.policy, address)
        assert opened.said is not None
        assert self._hop is not None or not opened.said.positive
        if self._hop is None or not opened.said.positive:
            return opened.said
        if not address.isascii() and not self._hop.utf8:
            return _UTF8_ADDRESS
        reply = await self._hop.recipient(address)
        if reply.positive:
            opened.recipients.append(address)
            if policy is not None and policy not in opened.policies:
                opened.policies.append(policy)
        return reply

    async def content(self, content: Content) -> Reply:
        """Take the message through the flow; nothing of it is left at the next hop unless it was handed on."""
        opened = self._opened()
        hop = self._hop
        assert hop is not None
        fields = headers.split(content.raw)[0] if headers.is_measured(content.raw) else None
        refusal: Reply | None = _TOO_MUCH
        if fields is not None:
            account, refusal = await self._account(opened, fields)
            if account is not None:
                opened.tenant, opened.policies = account.tenant, [account.policy]
            refusal = refusal or self._cannot_go(opened, content, fields, hop)
        received = self._received(opened, len(content.raw), hashlib.sha256(content.raw).hexdigest())
        taken = Taken(received, content, opened.client, tuple(opened.policies), refusal)
        handed = False

        async def hand_on(dressed: Dressed, seconds: float) -> Sent:
            nonlocal handed
            handed = True
            return await hop.data(dressed, seconds)

        try:
            reply = await self._flow.take(taken, hand_on)
            self._unheard = taken.received if reply.positive else None
            return reply
        finally:
            self._open = None
            if not handed:
                await hop.reset()

    async def spoilt(self, spoilt: Spoilt) -> None:
        """Write down a message that was refused inside its content; nothing of it is left at the next hop."""
        opened, self._open = self._open, None
        if opened is not None:
            received = self._received(opened, spoilt.size, "")
            await self._flow.refuse(received, spoilt.reply)
        if self._hop is not None:
            await self._hop.reset()

    def answered(self, *, heard: bool) -> None:
        """Say how the reply to the last message went; only a 250 that was not heard leads to a second copy."""
        received, self._unheard = self._unheard, None
        if received is not None:
            self._flow.answered(received, heard=heard)

    async def reset(self) -> None:
        """Forget the open transaction, here and at the next hop."""
        opened, self._open = self._open, None
        if opened is not None and opened.said is not None and self._hop is not None:
            await self._hop.reset()

    async def close(self) -> None:
        """The client is gone; so are we, at the next hop."""
        self._open = None
        await self._close_hop()

    def _opened(self) -> _Open:
        assert self._open is not None, "the session lets RCPT and DATA through after MAIL only"
        return self._open

    async def _may_begin(self, opened: _Open) -> Reply | None:
        """Refuse early what can never be proven: a sender in nobody's domain, or not in that of the host's tenant."""
        sender = opened.mail.sender
        if not sender:
            return None
        if opened.host is not None:
            refused = admission.sender_of(None, opened.host, sender)
            return refused if isinstance(refused, Reply) else None
        return None if await self._directory.route(sender) else _NOT_OURS

    async def _account(self, opened: _Open, fields: list[bytes]) -> tuple[Account | None, Reply | None]:
        """Say on whose behalf outbound mail is sent; inbound has no account."""
        if opened.client.direction is Direction.INBOUND:
            return None, None
        value = admission.one_value(headers.values(fields, self._flow.names.secret))
        wanted = admission.digest(value) if value is not None else None
        named = await self._directory.secret(wanted) if wanted is not None else None
        proven = named if wanted is not None and admission.proves(named, wanted) else None
        account = admission.sender_of(proven, opened.host, opened.mail.sender)
        if isinstance(account, Reply):
            return None, account
        return account, None if await self._writes_as_itself(account, fields) else _ANOTHERS

    async def _writes_as_itself(self, account: Account, fields: list[bytes]) -> bool:
        """Say whether no author is another tenant's: the relay behind us may sign for whoever stands in From."""
        found = authors.domains(fields)
        if len(found) > authors.MOST:
            return False
        owners = [await self._owner(domain) for domain in found - account.domains]
        return all(owner in {None, account.tenant} for owner in owners)

    async def _owner(self, domain: str) -> str | None:
        """Return the tenant that a domain, or the nearest one above it, belongs to."""
        for name in authors.upwards(domain):
            if route := await self._directory.route(f"postmaster@{name}"):
                return route.tenant
        return None

    def _cannot_go(self, opened: _Open, content: Content, fields: list[bytes], hop: Hop) -> Reply | None:
        all_hops, own_hops = headers.hops(fields, self._flow.names.hostname)
        if all_hops > MOST_HOPS or own_hops >= MOST_OWN_HOPS:
            return _LOOP
        if not hop.eight_bit and not content.raw.isascii():
            return _NEEDS_8BIT
        if opened.mail.utf8 and not hop.utf8 and not all(header.isascii() for header in fields):
            return _NEEDS_UTF8
        return None

    def _received(self, opened: _Open, size: int, sha256: str) -> Received:
        client = opened.client
        return Received(
            id=self._new_id(),
            time=self._flow.now(),
            envelope=Envelope(
                opened.mail.sender,
                tuple(opened.recipients),
                client.address,
                client.helo,
                opened.tenant,
                client.direction,
            ),
            sha256=sha256,
            size=size,
            via=self._via,
            next_hop=self._next_hop if self._via == "smtp" else None,
            utf8=opened.mail.utf8,
        )

    async def _say_mail(self, opened: _Open, next_hop: NextHop) -> Reply:
        """Say MAIL to a next hop, over the connection that is open to it or a new one."""
        if self._hop is not None and self._next_hop == next_hop:
            await self._hop.reset()
            if self._hop.alive:
                reply = await self._mail_over(self._hop, opened.mail)
                if self._hop.alive:
                    return reply
        # A connection that was idle may have been ended by the other side: one try over a new one.
        await self._close_hop()
        try:
            self._hop = await self._hops.connect(next_hop)
        except Unavailable as error:
            return Reply(451, "4.4.1", error.message)
        self._next_hop = next_hop
        return await self._mail_over(self._hop, opened.mail)

    async def _mail_over(self, hop: Hop, mail: Mail) -> Reply:
        if not mail.sender.isascii() and not hop.utf8:
            return _UTF8_ADDRESS
        return await hop.mail(mail)

    async def _close_hop(self) -> None:
        hop, self._hop, self._next_hop = self._hop, None, None
        if hop is not None:
            await hop.close()
