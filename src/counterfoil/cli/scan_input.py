"""Find what to scan: messages, mailboxes, folders and bare files, told apart by what they hold."""

import mmap
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from counterfoil.model.errors import Unavailable

MAX_SIZE = 256 * 1024 * 1024
"""Octets of one message or file; a mailbox may be of any size."""

MAILDIR = ("cur", "new", "tmp")
MESSAGE_SUFFIXES = frozenset({".eml", ".mht", ".mhtml"})

# RFC 4155: a line "From ", a sender, a timestamp with hours and minutes.
SEPARATOR = re.compile(rb"From [^\r\n]{0,990}\r?\n")
TIMESTAMP = re.compile(rb"[ 0-9][0-9]:[0-9][0-9]")

# One of these alone, or any two of the second set, make the start of a file a header section.
STRONG = frozenset(
    {"received", "return-path", "message-id", "mime-version", "from", "dkim-signature", "x-originating-ip"}
)
WEAK = frozenset({"to", "subject", "date", "cc", "reply-to", "sender", "content-type", "delivered-to", "status"})
FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to scan.

    ``index`` counts the items of a mailbox from 0. ``file_name`` is set for a bare file, which is
    scanned as an attachment of that name.
    """

    path: str
    raw: bytes
    index: int | None = None
    file_name: str | None = None


def files(path: Path, failed: Callable[[Path, OSError], None]) -> Iterator[tuple[Path, bool]]:
    """Yield what lies at or below a path in the order of its names, and whether each is of a Maildir.

    What lies in a Maildir's ``tmp`` is not delivered yet and left out. Links to folders below the path are
    not followed. What is neither a file nor a folder is yielded too: reading it says what it is.

    Args:
        path: A file or a folder.
        failed: Told of each place that is not there or cannot be listed; the others are yielded all the same.
    """
    try:
        entries = sorted(path.iterdir()) if stat.S_ISDIR(path.stat().st_mode) else None
    except OSError as error:
        failed(path, error)
        return
    if entries is None:
        yield path, _in_maildir(path)
        return
    maildir = all((path / name).is_dir() for name in MAILDIR)
    for entry in entries:
        if not entry.is_dir():
            yield entry, _in_maildir(entry)
        elif not entry.is_symlink() and not (maildir and entry.name == "tmp"):
            yield from files(entry, failed)


def _in_maildir(path: Path) -> bool:
    return path.parent.name in MAILDIR[:2] and all((path.parent.parent / name).is_dir() for name in MAILDIR)


def items(path: Path, *, message: bool = False) -> Iterator[Item]:
    """Yield what a file holds: itself as a message or as a bare file, or each message of an mbox.

    Args:
        path: A regular file.
        message: It is known to be a message (it lies in a Maildir).

    Raises:
        OSError: If it cannot be read.
        Unavailable: If it is no regular file, or one message is beyond all measure.
    """
    if not path.is_file():
        raise Unavailable(f"{path} is neither a file nor a folder", "give messages, mailboxes, folders or files")
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD)
        separator = None if message else _separator(head, 0)
        if separator and looks_like_message(head[separator:]):
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as box:
                yield from _mbox(str(path), box)
            return
        _measure(str(path), size)
        raw = head + file.read(MAX_SIZE + 1 - len(head))
    _measure(str(path), len(raw))
    is_message = message or path.suffix.lower() in MESSAGE_SUFFIXES or looks_like_message(head)
    yield Item(str(path), raw, file_name=None if is_message else path.name)


def looks_like_message(head: bytes) -> bool:
    """Say whether bytes begin with a header section that mail has, a byte order mark or empty lines before it."""
    names = set()
    for line in head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").splitlines():
        field = FIELD.match(line)
        if field:
            names.add(field[1].decode("ascii").lower())
        elif line[:1] not in {b" ", b"\t"} and not line.startswith((b"From ", b">From ")):
            break
    return bool(names & STRONG) or len(names & WEAK) > 1


def _mbox(path: str, box: mmap.mmap) -> Iterator[Item]:
    """Cut an mbox; lines quoted as ``>From`` stay as they are, for how they were quoted cannot be known."""
    start = _separator(box, 0) or 0
    index = 0
    place = box.find(b"\nFrom ", start)
    while place >= 0:
        # A separator stands after an empty line; the message ends with the line end before that.
        after = _separator(box, place + 1) if box[max(0, place - 2) : place].endswith((b"\n", b"\n\r")) else None
        if after is not None:
            yield _piece(path, box, start, place + 1, index)
            start, index = after, index + 1
        place = box.find(b"\nFrom ", after or place + 1)
    yield _piece(path, box, start, len(box), index)


def _separator(box: bytes | mmap.mmap, place: int) -> int | None:
    """Return where the separator line that begins at a place ends, or ``None`` where there is none."""
    line = SEPARATOR.match(box, place)
    return line.end() if line and TIMESTAMP.search(line[0]) else None


def _piece(path: str, box: mmap.mmap, start: int, end: int, index: int) -> Item:
    _measure(f"{path}, item {index}", end - start)
    return Item(path, box[start:end], index)


def _measure(what: str, size: int) -> None:
    if size > MAX_SIZE:
        raise Unavailable(f"{what} has {size} octets; at most {MAX_SIZE} are scanned", "take it apart first")
