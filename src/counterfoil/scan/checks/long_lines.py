"""Lines over 998 octets, which RFC 5322 section 2.1.1 forbids and RFC 5321 relays may cut or fold."""

from collections.abc import Iterator

from counterfoil.model.mail import Finding, Severity
from counterfoil.scan.features import Message

NAME = "long-lines"

LIMIT = 998


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding that counts the lines that are too long and says where the longest starts."""
    if not message.headers or not _has_long_run(message.raw):
        return  # a bare file, or one of ordinary lines
    count, longest, line_of_longest = 0, 0, 0
    for number, line in enumerate(message.raw.split(b"\n"), start=1):
        length = len(line.rstrip(b"\r"))
        if length > LIMIT:
            count += 1
            if length > longest:
                longest, line_of_longest = length, number
    if count:
        yield Finding(
            check=NAME,
            severity=Severity.INFO,
            summary=f"{count} line(s) over {LIMIT} octets",
            evidence={"lines": count, "longest": longest, "line": line_of_longest},
        )


def _has_long_run(raw: bytes) -> bool:
    """Tell whether a line may be too long, its CR included: one look behind each stretch, instead of at each line."""
    start = 0
    while start + LIMIT < len(raw):
        line_end = raw.rfind(b"\n", start, start + LIMIT + 1)
        if line_end < 0:
            return True
        start = line_end + 1
    return False
