"""What the ledger refuses to write down (law 1): signer stubs without a true signature, tokens without an assertion.

A stub of the signer is taken once: the same sequence number again is either the same stub (then its
index is returned) or a lie. Stubs may come in any order; numbers that are missing below the newest are
the gap that ``missing`` reports until they are collected.
"""

import sqlalchemy as sa

from counterfoil.ledger import rows
from counterfoil.ledger.signed import verify_stub
from counterfoil.ledger.stubs import SIGNER_KINDS, read
from counterfoil.model.errors import Refused
from counterfoil.model.trust import Stub

_JOINS = ("app", "thumbprint_sha1", "thumbprint_sha256")

# Made once: making them anew for each stub took half of the time for which the others wait for the write lock.
_TRUSTED = sa.select(rows.signers.c.id).where(rows.signers.c.id == sa.bindparam("signer"))
_KNOWN = sa.select(rows.signed.c.leaf_index).where(
    rows.signed.c.signer == sa.bindparam("signer"), rows.signed.c.sequence == sa.bindparam("sequence")
)
_TAKE = sa.insert(rows.signed)
_AT = sa.select(rows.entries.c.stub).where(rows.entries.c.leaf_index == sa.bindparam("index"))
_ASSERTED = sa.select(rows.entries.c.stub).where(
    rows.entries.c.subject == sa.bindparam("jti"), rows.entries.c.kind.in_(("assertion", "death-test"))
)


class Admission:
    """Judges the stubs of one transaction; ``admit`` returns the index of a stub that is there already."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._fresh: dict[int, tuple[Stub, bytes]] = {}

    def concerns(self, stub: Stub) -> bool:
        """Say whether a stub of this kind is judged at all."""
        return stub.kind in SIGNER_KINDS or stub.kind == "token"

    def admit(self, stub: Stub, octets: bytes, index: int) -> int | None:
        """Judge a stub that would get ``index``.

        Raises:
            Refused: If it may not be written; the message says why.
        """
        if stub.kind == "token":
            self._token(stub)
        elif stub.kind in SIGNER_KINDS:
            known = self._signed(stub, octets, index)
            if known is not None:
                return known
            self._fresh[index] = (stub, octets)
        return None

    def forget(self, start: int) -> None:
        """Forget stubs from ``start`` on: their request was undone."""
        self._fresh = {index: kept for index, kept in self._fresh.items() if index < start}

    def _signed(self, stub: Stub, octets: bytes, index: int) -> int | None:
        key = str(verify_stub(stub))
        if self._connection.execute(_TRUSTED, {"signer": key}).first() is None:
            raise Refused(
                f"the signer {key} is not one that this ledger trusts",
                "if you have set up a new signer, tell the ledger: counterfoil ledger trust KEY",
            )
        known = self._connection.execute(_KNOWN, {"signer": key, "sequence": stub.body["sequence"]}).scalar()
        if known is not None:
            if self._octets_at(known) != octets:
                raise Refused(f"the signer wrote two different stubs with the sequence number {stub.body['sequence']}")
            return int(known)
        row = {name: stub.body[name] for name in ("sequence", "credential", "counter")}
        try:
            self._connection.execute(_TAKE, {"signer": key, "leaf_index": index, **row})
        except sa.exc.IntegrityError as error:
            raise Refused(f"the signer used the counter {row['counter']} of {row['credential']} twice") from error
        return None

    def _octets_at(self, index: int) -> bytes | None:
        if index in self._fresh:
            return self._fresh[index][1]
        return self._connection.execute(_AT, {"index": index}).scalar()

    def _token(self, stub: Stub) -> None:
        grounds = [*self._assertions(str(stub.body["jti"]))]
        if not grounds:
            raise Refused(f"no assertion with the jti {stub.body['jti']} was signed by our signer: no token stub")
        for ground in grounds:
            wrong = [name for name in _JOINS if _differ(ground.body.get(name), stub.body.get(name))]
            if ground.tenant == stub.tenant and not wrong:
                return
        raise Refused(f"the token stub does not fit the assertion {stub.body['jti']} that it names")

    def _assertions(self, jti: str) -> list[Stub]:
        fresh = [stub for stub, _ in self._fresh.values() if stub.body.get("jti") == jti]
        asserted = self._connection.execute(_ASSERTED, {"jti": jti}).scalars()
        return fresh + [read(octets) for octets in asserted if octets]


def _differ(ours: object, theirs: object) -> bool:
    return theirs is not None and ours is not None and ours != theirs


def missing(connection: sa.Connection) -> dict[str, list[tuple[int, int]]]:
    """Return for each signer the ranges (first, last) of sequence numbers below its newest that never came."""
    found: dict[str, list[tuple[int, int]]] = {}
    expected: dict[str, int] = {}
    query = sa.select(rows.signed.c.signer, rows.signed.c.sequence)
    for signer, sequence in connection.execute(query.order_by(rows.signed.c.signer, rows.signed.c.sequence)):
        first = expected.get(signer, 1)
        if first < sequence:
            found.setdefault(signer, []).append((first, sequence - 1))
        expected[signer] = sequence + 1
    return found
