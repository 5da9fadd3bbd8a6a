"""The SMTP server's side of a session (RFC 5321); which verb may come when is in ``table``.

The edge feeds octets with ``receive``, asks for events with ``next_event``, answers those that are
questions with ``answer``, and sends whatever ``output`` gives. While a question is open, nothing that
was received behind it is looked at, so replies are always in order.
"""

from collections.abc import Callable, Mapping

from counterfoil.gateway.smtp import command
from counterfoil.gateway.smtp.command import BadCommand, Command
from counterfoil.gateway.smtp.content import ContentReader
from counterfoil.gateway.smtp.events import (
    Closed,
    Content,
    Event,
    Hello,
    Mail,
    Question,
    Recipient,
    Reset,
    Spoilt,
    StartTls,
)
from counterfoil.gateway.smtp.limits import Limits
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.gateway.smtp.table import FOREIGN, IDLE, LAST_OF_GROUP, TABLE, State

_OK = Reply(250, "2.0.0", "ok")


class Session:
    """One SMTP session.

    Args:
        hostname: Our name in the greeting and in the answer to EHLO.
        limits: How much the client may ask of us.
        tls: Whether STARTTLS is offered.
    """

    def __init__(self, hostname: str, limits: Limits, *, tls: bool) -> None:
        self.state = State.NEW
        self._hostname = hostname
        self._limits = limits
        self._tls_offered = tls
        self._buffer = bytearray()
        self._output = bytearray()
        self._question: Question | None = None
        self._reader: ContentReader | None = None
        self._extended = False
        self._utf8 = False
        self._recipients = 0
        self._errors = 0
        self._idle = 0
        self._closing: str | None = None
        self._steps: Mapping[str, Callable[[Command], Event | None]] = {
            "hello": self._hello,
            "starttls": self._starttls,
            "mail": self._mail,
            "rcpt": self._rcpt,
            "data": self._data,
            "rset": self._rset,
            "noop": self._noop,
            "quit": self._quit,
        }

    @property
    def buffered(self) -> int:
        """Octets received and not yet looked at; the edge stops reading when they grow."""
        return len(self._buffer)

    def greet(self) -> None:
        """Put the greeting into the output."""
        self._reply(Reply(220, "", f"{self._hostname} ESMTP"))

    def receive(self, data: bytes) -> None:
        """Take octets from the client."""
        if self.state is not State.CLOSED:
            self._buffer += data

    def output(self) -> bytes:
        """Return what is to be sent, once."""
        output = bytes(self._output)
        self._output.clear()
        return output

    def next_event(self) -> Event | None:
        """Return what the client asks for next, or ``None`` if that is not known yet or a question is open."""
        if self._question is not None or self.state is State.CLOSED:
            return None
        while self._closing is None:
            if self._reader is not None:
                event = self._content(self._reader)
                if event is None:
                    break
            else:
                line = self._line()
                if line is None:
                    break
                event = self._command(line)
            if event is not None:
                self._question = event if isinstance(event, Question) else None
                return event
        return None if self._closing is None else self._closed(self._closing)

    def answer(self, reply: Reply) -> None:
        """Answer the open question; 421 also ends the session.

        Raises:
            RuntimeError: If no question is open.
        """
        question, self._question = self._question, None
        match question:
            case None:
                raise RuntimeError("there is no question to answer")
            case Content():
                self.state = State.GREETED
                self._idle = 0
            case Mail():
                self.state = State.SENDER if reply.positive else State.GREETED
                self._recipients = 0
                self._utf8 = question.utf8
            case Recipient():
                if reply.positive:
                    self.state = State.RECIPIENTS
                    self._recipients += 1
        self._say(reply)
        if reply.code == 421:
            self._closing = self._closing or str(reply)

    def secured(self) -> None:
        """Start again: from here on all comes through TLS, and nothing of before counts (RFC 3207 section 4.2)."""
        self._buffer.clear()
        self.state = State.NEW
        self._extended = False
        self._tls_offered = False

    def close(self, reply: Reply) -> None:
        """Say goodbye on our own account: shutting down, or the client took too long."""
        if self.state is not State.CLOSED and self._closing is None:
            self._question = None
            self._drop(reply)

    def _content(self, reader: ContentReader) -> Event | None:
        data = bytes(self._buffer)
        self._buffer.clear()
        rest = reader.receive(data)
        if reader.fatal and reader.fault:
            self._drop(reader.fault)
            self._reader = None
            return Spoilt(reader.fault, reader.size)
        if rest is None:
            return None
        self._reader = None
        self._buffer += rest
        self.state = State.GREETED
        if reader.fault:
            self._say(reader.fault)
            return Spoilt(reader.fault, reader.size - len(rest))
        return Content(reader.content(), reader.long_line)

    def _line(self) -> bytes | None:
        """Take one command line out of the buffer, without its CRLF."""
        end = self._buffer.find(b"\n", 0, self._limits.command)
        line = bytes(self._buffer[: end - 1]) if end > 0 else b""
        if end >= 0 and self._buffer[end - 1 : end] != b"\r":
            self._drop(Reply(521, "5.5.2", "a bare LF; command lines end in CRLF"))
        elif b"\r" in (line if end > 0 else self._buffer[: self._limits.command][:-1]):
            self._drop(Reply(521, "5.5.2", "a bare CR; command lines end in CRLF"))
        elif end >= 0:
            del self._buffer[: end + 1]
            return line
        elif len(self._buffer) >= self._limits.command:
            self._drop(Reply(521, "5.5.2", f"a command line has at most {self._limits.command} octets"))
        return None

    def _command(self, line: bytes) -> Event | None:
        try:
            return self._step(command.parse(line))
        except BadCommand as error:
            self._say(error.reply)
            return None

    def _step(self, parsed: Command) -> Event | None:
        if parsed.verb in FOREIGN:
            self._drop(Reply(521, "5.5.1", "this is SMTP"))
            return None
        if self._buffer and parsed.verb != "QUIT" and (not self._extended or parsed.verb in LAST_OF_GROUP):
            self._drop(Reply(521, "5.5.0", "a command was sent before the reply it must wait for"))
            return None
        row = TABLE.get(parsed.verb)
        if row is None:
            raise BadCommand(Reply(500, "5.5.1", "no such command"))
        step = row[self.state]
        if isinstance(step, Reply):
            raise BadCommand(step)
        if parsed.verb in IDLE and self._is_idle():
            return None
        return self._steps[step](parsed)

    def _hello(self, parsed: Command) -> Event | None:
        name = command.helo_name(parsed.argument)
        self._extended = parsed.verb == "EHLO"
        self.state = State.GREETED
        if self._extended:
            offers = ["PIPELINING", f"SIZE {self._limits.message}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
            if self._tls_offered:
                offers.append("STARTTLS")
            self._reply(Reply(250, "", "\n".join([self._hostname, *offers])))
        else:
            self._reply(Reply(250, "", self._hostname))
        return Hello(name, extended=self._extended)

    def _starttls(self, parsed: Command) -> Event | None:
        if not self._tls_offered:
            raise BadCommand(Reply(502, "5.5.1", "TLS is not offered here, or is spoken already"))
        if parsed.argument:
            raise BadCommand(Reply(501, "5.5.4", "STARTTLS takes no argument"))
        self._reply(Reply(220, "2.0.0", "go ahead"))
        return StartTls()

    def _mail(self, parsed: Command) -> Event | None:
        asked = command.mail(parsed.argument)
        if asked.size > self._limits.message:
            raise BadCommand(Reply(552, "5.3.4", f"a message has at most {self._limits.message} octets here"))
        return asked

    def _rcpt(self, parsed: Command) -> Event | None:
        asked = command.recipient(parsed.argument, utf8=self._utf8)
        if self._recipients >= self._limits.recipients:
            raise BadCommand(Reply(452, "4.5.3", "too many recipients; send the others apart"))
        return asked

    def _data(self, parsed: Command) -> Event | None:
        if parsed.argument:
            raise BadCommand(Reply(501, "5.5.4", "DATA takes no argument"))
        self._reply(Reply(354, "", "end with CRLF.CRLF"))
        self._reader = ContentReader(self._limits)
        self.state = State.CONTENT
        return None

    def _rset(self, _parsed: Command) -> Event | None:
        if self.state is not State.NEW:
            self.state = State.GREETED
        self._reply(_OK)
        return Reset()

    def _noop(self, _parsed: Command) -> Event | None:
        self._reply(_OK)
        return None

    def _quit(self, _parsed: Command) -> Event | None:
        self._reply(Reply(221, "2.0.0", "bye"))
        self._closing = ""
        return None

    def _is_idle(self) -> bool:
        self._idle += 1
        if self._idle > self._limits.idle:
            self._drop(Reply(421, "4.7.0", "too many commands without mail"))
            return True
        return False

    def _say(self, reply: Reply) -> None:
        """Send a reply and count it if it is an error of the client's."""
        self._reply(reply)
        if reply.permanent:
            self._errors += 1
            if self._errors >= self._limits.errors and self._closing is None:
                self._drop(Reply(421, "4.7.0", "too many errors"))

    def _drop(self, reply: Reply) -> None:
        self._reply(reply)
        self._closing = str(reply)

    def _closed(self, reason: str) -> Closed:
        self.state = State.CLOSED
        self._reader = None
        self._buffer.clear()
        return Closed(reason)

    def _reply(self, reply: Reply) -> None:
        self._output += reply.encode()
