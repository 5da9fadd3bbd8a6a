"""The signer's own journal: every stub it signed, one a line, durable before any signature leaves.

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
from collections import Counter, deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
        path: The file; made if it is not there.
        name: Name of the stub key.
        key: The stub key.
    """

    def __init__(self, path: Path, name: str, key: Ed25519PrivateKey) -> None:
        self._path, self._name, self._key = path, name, key
        self.verifier = VerifierKey(name, key.public_key().public_bytes_raw())
        self._lock = threading.Lock()
        self._broken = False
        self._starts = array("Q")
        self._counters: Counter[str] = Counter()
        durable.make_directory(path.parent)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        durable.sync_directory(path.parent)
        self.replayed = self._replay()

    @property
    def sequence(self) -> int:
        """The sequence number of the newest stub; 0 for none."""
        return len(self._starts)

    def _replay(self) -> list[Stub]:
        """Number every line, and return the verified stubs that say what credentials there are and how they stand."""
        telling: list[Stub] = []
        newest: deque[tuple[int, bytes]] = deque(maxlen=_VERIFIED_AT_START)
        at, end = 0, self._path.stat().st_size
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                last = at + len(line) == end
                if not self._count(line, number, last=last):
                    break
                if _TELLING.search(line):
                    telling.append(self._verified(line, number))
                newest.append((number, line))
                self._starts.append(at)
                at += len(line)
        if at < end:
            # What was cut here was never acknowledged: the process died while writing it.
            os.ftruncate(self._file, at)
            os.fsync(self._file)
        for number, line in newest:
            self._verified(line, number)
        return telling

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
            return stub

    def since(self, sequence: int, most: int = 500) -> Iterator[Stub]:
        """Yield the stubs after a sequence number, at most ``most``."""
        first, last = max(0, sequence), min(self.sequence, max(0, sequence) + most)
        if first >= last:
            return
        end = self._starts[last] if last < self.sequence else os.fstat(self._file).st_size
        octets = os.pread(self._file, end - self._starts[first], self._starts[first])
        for line in octets.split(b"\n")[: last - first]:
            yield read(line)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _write_all(descriptor: int, octets: bytes) -> None:
    written = os.write(descriptor, octets)
    if written != len(octets):
        raise OSError(errno.ENOSPC, f"only {written} of {len(octets)} octets were written")
