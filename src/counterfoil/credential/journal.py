"""The signer's own journal: every stub it signed, one a line, durable before any signature leaves.

Each stub has a ``sequence`` over all and a ``counter`` of its credential, both from 1 without a gap, so
that whoever collects them sees when one is missing. Who can change the file gains nothing: stubs are
signed; who can shorten it makes numbers come twice, which the ledger refuses.
"""

import errno
import os
import threading
from collections import Counter
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
        self._starts: list[int] = []
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
        octets = self._path.read_bytes()
        lines = octets.split(b"\n")
        # What follows the last newline was never acknowledged: the process died while writing it.
        torn = lines.pop()
        stubs: list[Stub] = []
        at = 0
        for number, line in enumerate(lines, 1):
            stub = self._read(line, number, last=number == len(lines))
            if stub is None:
                torn = line
                break
            stubs.append(stub)
            self._starts.append(at)
            self._counters[str(stub.body["credential"])] += 1
            at += len(line) + 1
        if torn or at < len(octets):
            os.ftruncate(self._file, at)
            os.fsync(self._file)
        for number, stub in list(enumerate(stubs, 1))[-_VERIFIED_AT_START:]:
            self._verify(stub, number)
        return stubs

    def _verify(self, stub: Stub, number: int) -> None:
        try:
            signer = verify_stub(stub)
        except Refused as error:
            raise self._damaged(number) from error
        if signer != self.verifier:
            raise self._damaged(number)

    def _read(self, line: bytes, number: int, *, last: bool) -> Stub | None:
        try:
            stub = read(line)
            check(stub)
        except (ValueError, KeyError, Refused) as error:
            if last:
                # A power cut can keep the newline and lose octets before it: not acknowledged either.
                return None
            raise self._damaged(number) from error
        counter = self._counters[str(stub.body["credential"])] + 1
        if (stub.body["sequence"], stub.body["counter"]) != (number, counter):
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
