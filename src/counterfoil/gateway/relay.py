"""Towards the next hop: aiosmtplib's connection, told what to say one command at a time.

Addresses were checked when they came in, and aiosmtplib refuses control characters once more. Content with a
bare CR, LF or NUL is never sent, so what is sent needs no change but dot-stuffing.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiosmtplib
from aiosmtplib import errors

from counterfoil.gateway.headers import Dressed
from counterfoil.gateway.hop import Sent
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.smtp.content import BARE, is_strict
from counterfoil.gateway.smtp.events import Mail
from counterfoil.gateway.smtp.reply import Reply, from_peer
from counterfoil.model.errors import Unavailable
from counterfoil.model.mail import Outcome

_BROKEN = Reply(451, "4.4.2", "the connection to the next hop broke")
_UNKNOWN = Reply(451, "4.4.2", "the next hop did not say whether it took the message; send it again")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait: for each step of connecting, and for the reply to a command.

    Together they stay below the 300 s that a client waits for the reply to its RCPT (RFC 5321 section
    4.5.3.2.3), at which the next hop is connected to and told MAIL and RCPT.
    """

    connect: float = 30.0
    command: float = 60.0


class SmtpHop:
    """A connection to a next hop (``gateway.hop.Hop``)."""

    def __init__(self, client: aiosmtplib.SMTP, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._open = False

    @property
    def alive(self) -> bool:
        """Whether another command is worth a try."""
        return self._client.is_connected

    @property
    def eight_bit(self) -> bool:
        """Whether it takes 8BITMIME."""
        return self._client.supports_extension("8bitmime")

    @property
    def utf8(self) -> bool:
        """Whether it takes SMTPUTF8."""
        return self._client.supports_extension("smtputf8")

    async def mail(self, mail: Mail) -> Reply:
        """Say MAIL, with every parameter that the next hop knows."""
        words = [f"FROM:<{mail.sender}>"]
        if self._client.supports_extension("size") and mail.size:
            words.append(f"SIZE={mail.size + 4096}")  # room for our own header fields
        if self.eight_bit:
            words.append("BODY=8BITMIME")
        if self.utf8 and mail.utf8:
            words.append("SMTPUTF8")
        self._open = True
        return await self._command("MAIL", *words)

    async def recipient(self, address: str) -> Reply:
        """Say RCPT."""
        return await self._command("RCPT", f"TO:<{address}>")

    async def data(self, dressed: Dressed, seconds: float) -> Sent:
        """Say DATA and hand the content over; once the dot is out, silence means unknown."""
        octets = dressed.octets()
        if not is_strict(octets):  # whatever it came from: we never smuggle
            await self.reset()
            return Sent(Outcome.REFUSED, Reply(554, BARE.enhanced, BARE.text))
        self._open = False
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        reply = await self._command("DATA", seconds=min(seconds, self._seconds))
        protocol = self._client.protocol
        if reply.code != 354 or protocol is None:
            return _sent(_BROKEN if reply.positive else reply)
        content = (b"\r\n" + octets).replace(b"\r\n.", b"\r\n..")[2:]
        try:
            protocol.write(content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"))
            code, text = await protocol.read_response(timeout=max(end - clock(), 0.0))
        except errors.SMTPException:
            self._client.close()
            return Sent(Outcome.UNKNOWN, _UNKNOWN)
        if not 200 <= code < 600 or 300 <= code < 400:
            self._client.close()
            return Sent(Outcome.UNKNOWN, _UNKNOWN)
        return _sent(self._read("DATA", code, text))

    async def reset(self) -> None:
        """Say RSET; where it is refused, the connection is of no more use."""
        if self._open and self.alive:
            self._open = False
            if not (await self._command("RSET")).positive:
                self._client.close()

    async def close(self) -> None:
        """Say QUIT, if anybody listens, and hang up."""
        if self.alive:
            await self._command("QUIT", seconds=5.0)
        self._client.close()

    async def _command(self, verb: str, *words: str, seconds: float | None = None) -> Reply:
        octets = [verb.encode(), *(word.encode() for word in words)]
        try:
            code, text = await self._client.execute_command(*octets, timeout=seconds or self._seconds)
        except (errors.SMTPException, ValueError):
            self._client.close()
            return _BROKEN
        return self._read(verb, code, text)

    def _read(self, verb: str, code: int, text: str) -> Reply:
        """Read a reply. 421 ends this connection and not the client's; 3yz says nothing except to DATA."""
        if code == 421 or (300 <= code < 400 and verb != "DATA"):
            self._client.close()
            return Reply(451, "4.4.2", f"the next hop went away: {code} {text}")
        return from_peer(code, text)


@dataclass(frozen=True, slots=True)
class Relay:
    """Connects to next hops (``gateway.hop.Hops``).

    Args:
        hostname: What we call ourselves.
        contexts: How TLS is spoken, for each way that is asked for; our client certificate is in them.
        patience: How long to wait.
    """

    hostname: str
    contexts: Mapping[Tls, ssl.SSLContext]
    patience: Patience = field(default_factory=Patience)

    async def connect(self, next_hop: NextHop) -> SmtpHop:
        """Connect, say EHLO, and speak TLS as the next hop's route asks for.

        Raises:
            Unavailable: If it does not answer as an SMTP server, or not with the TLS that is asked for.
        """
        try:
            return await self._connect(next_hop, next_hop.tls)
        except (errors.SMTPException, OSError) as error:
            if next_hop.tls is not Tls.OPPORTUNISTIC or isinstance(error, errors.SMTPConnectError):
                raise _unavailable(next_hop, error) from error
        # TLS that was offered and failed is no worse than none, where none would do (RFC 7435).
        try:
            return await self._connect(next_hop, Tls.NONE)
        except (errors.SMTPException, OSError) as error:
            raise _unavailable(next_hop, error) from error

    async def _connect(self, next_hop: NextHop, tls: Tls) -> SmtpHop:
        client = aiosmtplib.SMTP(
            hostname=next_hop.host,
            port=next_hop.port,
            local_hostname=self.hostname,
            timeout=self.patience.connect,
            start_tls=False,
        )
        await client.connect()
        try:
            await _hello(client)
            if tls is not Tls.NONE and (tls is not Tls.OPPORTUNISTIC or client.supports_extension("starttls")):
                await client.starttls(tls_context=self.contexts[tls])
                await _hello(client)
        except BaseException:
            client.close()
            raise
        return SmtpHop(client, self.patience.command)


async def _hello(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except errors.SMTPHeloError:
        await client.helo()


def _sent(reply: Reply) -> Sent:
    if reply.permanent:
        return Sent(Outcome.REFUSED, reply)
    return Sent(Outcome.DEFERRED if reply.code >= 400 else Outcome.HANDED_ON, reply)


def _unavailable(next_hop: NextHop, error: Exception) -> Unavailable:
    words = f"the next hop does not answer{_how(error)}"
    if "STARTTLS" in str(error):
        words = "the next hop offers no STARTTLS, which its route asks for"
    elif isinstance(error, ssl.SSLCertVerificationError) or isinstance(error.__cause__, ssl.SSLCertVerificationError):
        words = "the next hop shows a certificate that is not believed"
    return Unavailable(
        words,
        f"see whether {next_hop} listens and speaks the TLS that its route asks for: {error}",
    )


def _how(error: Exception) -> str:
    """Say in words what aiosmtplib says by its classes, most of which are an ``OSError`` too."""
    if isinstance(error, errors.SMTPResponseException):
        return f" as it should, but {error.code}"
    if isinstance(error, TimeoutError):
        return " in time"
    return ": it took no connection, or ended it"
