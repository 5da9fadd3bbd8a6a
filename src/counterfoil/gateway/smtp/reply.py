"""What a server answers (RFC 5321 section 4.2), with enhanced status codes (RFC 2034, RFC 3463)."""

import re
from dataclasses import dataclass

_LINE = 480  # RFC 5321 section 4.5.3.1.5 allows 512 octets with codes and CRLF
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply code, an enhanced status code (``""`` for none) and text of one or more lines.

    The text may come from another server: control characters are replaced when it is written.
    """

    code: int
    enhanced: str
    text: str

    @property
    def positive(self) -> bool:
        """Whether the command was done (2yz) or may go on (3yz)."""
        return self.code < 400

    @property
    def permanent(self) -> bool:
        """Whether the same command will never do (5yz)."""
        return self.code >= 500

    def __str__(self) -> str:
        return " ".join(word for word in (str(self.code), self.enhanced, " / ".join(self._lines())) if word)

    def encode(self) -> bytes:
        """Return the octets of the reply, every line ended by CRLF."""
        lines = self._lines()
        prefix = f"{self.enhanced} " if self.enhanced else ""
        written = [f"{self.code}-{prefix}{line}" for line in lines[:-1]] + [f"{self.code} {prefix}{lines[-1]}"]
        return "".join(f"{line}\r\n" for line in written).encode()

    def _lines(self) -> list[str]:
        lines = [_printable(line)[:_LINE] for line in self.text.split("\n")]
        return lines[:20] or [""]


def from_peer(code: int, text: str) -> Reply:
    """Read another server's reply; its enhanced code is used where it is of the same class as the code."""
    lines = [line.strip() for line in text.split("\n")]
    found = _ENHANCED.match(lines[0]) if lines else None
    enhanced = found.group(1) if found and found.group(1)[0] == str(code)[0] else ""
    if enhanced:
        lines = [line.removeprefix(enhanced).strip() for line in lines]
    if not 200 <= code <= 599:
        return Reply(451, "4.3.0", f"the next hop answered {code}, which is no reply code")
    return Reply(code, enhanced, "\n".join(lines))


def _printable(line: str) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in line)
