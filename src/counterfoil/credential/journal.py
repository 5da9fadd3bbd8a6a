"""The signer's own journal: every stub it signed, one a line, durable before any signature leaves.

It is written in segments: a full one is summed up and closed (``segments``), so that a start reads one of them.

Each stub has a ``sequence`` over all and a ``counter`` of its credential, both from 1 without a gap, so
that whoever collects them sees when one is missing. Who can change the file gains nothing: stubs are
signed; who can shorten it makes numbers come twice, which the ledger refuses.
"""

import errno
import json
import os
import re
import threading
from array import array
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from counterfoil.credential import segments
from counterfoil.ledger import durable
from counterfoil.ledger.note import VerifierKey
from counterfoil.ledger.signed import sign_stub, verify_stub
from counterfoil.ledger.stubs import canonical, check, read
from counterfoil.model.errors import Misconfigured, Refused, Unavailable
from counterfoil.model.mail import Json
from counterfoil.model.trust import Stub

_VERIFIED_AT_START = 1000
_TELLING = re.compile(rb'"kind":"(?:certificate|mark|death-test)"')
"""A line that says how credentials stand; text inside a JSON string would have its quotes escaped."""


class Journal:
    """An append-only file of canonical stubs.

    Args:
        path: The file of the open segment; made if it is not there.
        name: Name of the stub key.
        key: The stub key.
        per_segment: Stubs after which a segment is closed.
    """

    def __init__(self, path: Path, name: str, key: Ed25519PrivateKey, per_segment: int = 50_000) -> None:
        self._path, self._name, self._key, self._per_segment = path, name, key, per_segment
        self.verifier = VerifierKey(name, key.public_key().public_bytes_raw())
        self._lock = threading.Lock()
        self._broken = False
        self._starts = array("Q")
        self._counters: Counter[str] = Counter()
        self._telling: segments.Telling = {}
        self._closed: list[int] = []
        self._aside: tuple[int, array[int]] | None = None
        durable.make_directory(path.parent)
        self._take_up()
        self._file = self._open()
        self._replay()
        self.replayed = [read(line) for line in segments.ordered(self._telling)]

    def _open(self) -> int:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        durable.sync_directory(self._path.parent)
        return descriptor

    def _take_up(self) -> None:
        """Begin with what the newest summary says; finish closing its segment if a crash came between."""
        self._closed = segments.closed(self._path)
        if not self._closed:
            return
        last = self._closed[-1]
        try:
            summary = segments.read_summary(self._path, last, self._key)
        except (OSError, ValueError, KeyError) as error:
            raise self._damaged(last) from error
        self._counters, self._telling = summary.counters, summary.telling
        if not segments.segment(self._path, last).exists():
            # Died between summing up and closing: nothing was written in between, so the open one ends with ``last``.
            if not self._path.exists():
                raise self._damaged(last)
            self._path.replace(segments.segment(self._path, last))
            durable.sync_directory(self._path.parent)

    @property
    def _base(self) -> int:
        return self._closed[-1] if self._closed else 0

    @property
    def sequence(self) -> int:
        """The sequence number of the newest stub; 0 for none."""
        return self._base + len(self._starts)

    def _replay(self) -> None:
        """Number every line of the open segment, and verify the stubs that say how credentials stand."""
        newest: deque[tuple[int, bytes]] = deque(maxlen=_VERIFIED_AT_START)
        at, end = 0, self._path.stat().st_size
        with self._path.open("rb") as file:
            for number, line in enumerate(file, self._base + 1):
                last = at + len(line) == end
                if not self._count(line, number, last=last):
                    break
                if _TELLING.search(line):
                    self._remember(self._verified(line, number), line)
                newest.append((number, line))
                self._starts.append(at)
                at += len(line)
        if at < end:
            # What was cut here was never acknowledged: the process died while writing it.
            os.ftruncate(self._file, at)
            os.fsync(self._file)
        for number, line in newest:
            self._verified(line, number)

    def _remember(self, stub: Stub, line: bytes) -> None:
        place = segments.tells(stub)
        if place is not None:
            self._telling[place] = line.removesuffix(b"\n")

    def _count(self, line: bytes, number: int, *, last: bool) -> bool:
        """Take a line into the counters; ``False`` for a last one that was torn while it was written."""
        try:
            found = json.loads(line)
            credential, numbers = str(found["credential"]), (found["sequence"], found["counter"])
        except (ValueError, KeyError, TypeError) as error:
            # A power cut can keep the newline and lose octets before it.
            if last:
                return False
            raise self._damaged(number) from error
        if last and not line.endswith(b"\n"):
            return False
        self._counters[credential] += 1
        if numbers != (number, self._counters[credential]):
            raise self._damaged(number)
        return True

    def _verified(self, line: bytes, number: int) -> Stub:
        try:
            stub = read(line.removesuffix(b"\n"))
            check(stub)
            signer = verify_stub(stub)
        except (ValueError, KeyError, Refused) as error:
            raise self._damaged(number) from error
        if signer != self.verifier:
            raise self._damaged(number)
        return stub

    def _damaged(self, number: int) -> Misconfigured:
        return Misconfigured(
            f"the signer's journal {self._path} is damaged at line {number}",
            "keep the file, it is evidence; restore it from a backup and compare it with the ledger's own copy",
        )

    def write(self, kind: str, time: datetime, tenant: str, credential: str, body: dict[str, Json]) -> Stub:
        """Number, sign and write a stub; it is durable when this returns.

        Raises:
            Unavailable: If it could not be made durable. After that the journal takes nothing more until the
                signer is started anew: a failed fsync must not be tried again.
        """
        with self._lock:
            if self._broken:
                raise Unavailable("the signer's journal failed", "repair the disk and start the signer again")
            if len(self._starts) >= self._per_segment:
                self._close_segment()
            numbers: dict[str, Json] = {"sequence": self.sequence + 1, "counter": self._counters[credential] + 1}
            stub = Stub(kind, time, tenant, {**body, "credential": credential, **numbers})
            stub = sign_stub(stub, self._name, self._key)
            check(stub)
            line = canonical(stub) + b"\n"
            try:
                start = os.lseek(self._file, 0, os.SEEK_END)
                _write_all(self._file, line)
                # If we die here, the stub may or may not be there, and no signature has left.
                os.fsync(self._file)
            except OSError as error:
                self._broken = True
                raise Unavailable(
                    f"the signer's journal could not be written: {error}",
                    "free or repair the disk and start the signer again; no signature left the signer",
                ) from error
            # If we die here, there is a stub for a signature that never left: counted, harmless.
            self._starts.append(start)
            self._counters[credential] += 1
            self._remember(stub, line)
            return stub

    def _close_segment(self) -> None:
        """Sum the open segment up, close it, open the next.

        Raises:
            Unavailable: If that cannot be done; no stub was written then.
        """
        last = self.sequence
        try:
            segments.write_summary(self._path, segments.Summary(last, self._counters, self._telling), self._key)
            # If we die here, the next start closes the segment that was summed up.
            self._path.replace(segments.segment(self._path, last))
            # If we die here, the next start opens a new one.
            os.close(self._file)
            self._file = self._open()
        except OSError as error:
            self._broken = True
            raise Unavailable(
                f"the signer's journal could not be closed: {error}",
                "free or repair the disk and start the signer again; no signature left the signer",
            ) from error
        self._closed.append(last)
        self._starts = array("Q")

    def since(self, sequence: int, most: int = 500) -> Iterator[Stub]:
        """Yield the stubs after a sequence number, at most ``most``."""
        with self._lock:
            first = max(0, sequence)
            at = bisect_right(self._closed, first)
            before = self._closed[at - 1] if at else 0
            if at < len(self._closed):
                page = self._page_of_closed(self._closed[at], first - before, most)
            else:
                page = _page(self._file, self._starts, first - before, most)
        for line in page:
            yield read(line)

    def _page_of_closed(self, last: int, first: int, most: int) -> list[bytes]:
        """Read from a closed segment; where its lines begin is found once and kept while it is being read."""
        descriptor = os.open(segments.segment(self._path, last), os.O_RDONLY | os.O_CLOEXEC)
        try:
            if self._aside is None or self._aside[0] != last:
                starts, place = array("Q"), 0
                with os.fdopen(os.dup(descriptor), "rb") as file:
                    for line in file:
                        starts.append(place)
                        place += len(line)
                self._aside = (last, starts)
            return _page(descriptor, self._aside[1], first, most)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _page(descriptor: int, starts: "array[int]", first: int, most: int) -> list[bytes]:
    """Read the lines from number ``first`` of a file, at most ``most``."""
    last = min(len(starts), first + most)
    if first >= last:
        return []
    end = starts[last] if last < len(starts) else os.fstat(descriptor).st_size
    return os.pread(descriptor, end - starts[first], starts[first]).split(b"\n")[: last - first]


def _write_all(descriptor: int, octets: bytes) -> None:
    written = os.write(descriptor, octets)
    if written != len(octets):
        raise OSError(errno.ENOSPC, f"only {written} of {len(octets)} octets were written")
