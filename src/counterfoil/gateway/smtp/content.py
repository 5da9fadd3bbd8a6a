"""The content of a message on the wire: where it ends, and what it must not hold (RFC 5321 section 4.5.2).

Only CRLF ``.`` CRLF ends it. A CR or LF that stands alone, or a NUL, is how one message is made to look
like two (SMTP smuggling, VU#302671), so it ends the session; nothing after it is read as a command.
All of it is counting and searching in C: there is no loop over lines.
"""

from counterfoil.gateway.smtp.limits import Limits
from counterfoil.gateway.smtp.reply import Reply

_END = b"\r\n.\r\n"
_LONG = 1000  # 998 octets and CRLF (RFC 5322 section 2.1.1)

BARE = Reply(521, "5.5.2", "a bare CR, LF or NUL in the content; lines end in CRLF")


def is_strict(octets: bytes | bytearray, begin: int = 0, end: int | None = None) -> bool:
    """Whether every CR and LF there is part of a CRLF, and there is no NUL."""
    limit = len(octets) if end is None else end
    pairs = octets.count(b"\r\n", begin, limit)
    return (
        octets.count(b"\n", begin, limit) == pairs
        and octets.count(b"\r", begin, limit) == pairs
        and octets.find(b"\0", begin, limit) < 0
    )


class ContentReader:
    """Takes octets until the end of data.

    Attributes:
        size: Octets seen so far, as they are on the wire.
        long_line: The longest line over 998 octets, or 0.
        fault: The answer to the message if it cannot be taken: at its end, or at once if ``fatal``.
        fatal: Whether the session is over.
    """

    def __init__(self, limits: Limits) -> None:
        self.size = 0
        self.long_line = 0
        self.fault: Reply | None = None
        self.fatal = False
        self._limits = limits
        # The CRLF of the DATA command counts as the one before a dot that comes first.
        self._buffer = bytearray(b"\r\n")
        self._checked = 2
        self._line = 2
        self._content = b""

    def receive(self, data: bytes) -> bytes | None:
        """Take octets; return ``None`` while there is more to come, else what follows the end of data."""
        self.size += len(data)
        buffer = self._buffer
        start = max(len(buffer) - len(_END) + 1, 0)
        buffer += data
        end = buffer.find(_END, start)
        # A CR that came last waits for its LF.
        limit = end + len(_END) if end >= 0 else len(buffer) - buffer.endswith(b"\r")
        self._inspect(limit)
        if self.fatal:
            return None
        if end >= 0:
            return self._finish(end)
        if len(buffer) > self._limits.message * 4 // 3 + len(_END):  # more than dot-stuffing can add
            self.fault = self.fault or self._too_big()
        if self.fault:
            self._forget()
        return None

    def content(self) -> bytes:
        """Return the content, dot-unstuffed; call it once, after the end and without a fault."""
        content, self._content = self._content, b""
        return content

    def _inspect(self, limit: int) -> None:
        buffer, begin = self._buffer, self._checked
        if limit <= begin:
            return
        if not is_strict(buffer, begin, limit):
            self.fault, self.fatal = BARE, True
            return
        self._checked = limit
        if self.fault is None:
            self._measure(limit)

    def _measure(self, limit: int) -> None:
        """Find the longest line by jumps of up to 1000 octets, from line end to line end."""
        buffer, line = self._buffer, self._line
        while limit - line > _LONG:
            newline = buffer.rfind(b"\n", line, line + _LONG)
            if newline < 0:
                newline = buffer.find(b"\n", line + _LONG, limit)
                length = newline - 1 - line if newline >= 0 else limit - line
                self.long_line = max(self.long_line, length)
                if length > self._limits.line:
                    self.fault = Reply(554, "5.6.0", f"a line of more than {self._limits.line} octets")
                if newline < 0:
                    break
            line = newline + 1
        self._line = line

    def _finish(self, end: int) -> bytes:
        rest = bytes(self._buffer[end + len(_END) :])
        if self.fault is None:
            del self._buffer[end + 2 :]
            self._content = bytes(self._buffer).replace(b"\r\n.", b"\r\n")[2:]
            if len(self._content) > self._limits.message:
                self.fault = self._too_big()
        self._buffer = bytearray()
        return rest

    def _forget(self) -> None:
        """Drop what is read of a message that is refused anyway; the end of data is still looked for."""
        spare = len(self._buffer) - len(_END) + 1
        if spare > 0:
            del self._buffer[:spare]
            self._checked = max(self._checked - spare, 0)

    def _too_big(self) -> Reply:
        return Reply(552, "5.3.4", f"a message has at most {self._limits.message} octets here")
