"""What the signer knows of each credential, folded from its journal, and what it may be used for. Pure.

A credential is named ``tenant/app/generation``. States only move along ``MOVES``: a tainted credential
never becomes usable again (law 7), and only a retired or tainted one is put to the death test.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.certificate import Thumbprints
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.instant import from_rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import CredentialState, Stub

_S = CredentialState

MOVES: Final[Mapping[CredentialState, frozenset[CredentialState]]] = {
    _S.STAGED: frozenset({_S.PUBLISHED, _S.STANDBY, _S.RETIRED, _S.TAINTED}),
    _S.PUBLISHED: frozenset({_S.CURRENT, _S.STANDBY, _S.RETIRED, _S.TAINTED}),
    _S.STANDBY: frozenset({_S.PUBLISHED, _S.CURRENT, _S.RETIRED, _S.TAINTED}),
    _S.CURRENT: frozenset({_S.PUBLISHED, _S.RETIRED, _S.TAINTED}),
    _S.RETIRED: frozenset({_S.TAINTED, _S.DEAD}),
    _S.TAINTED: frozenset({_S.DEAD}),
    _S.DEAD: frozenset(),
}
"""From each state, the states that may follow; current to published is the way back of a rotation."""

USABLE: Final = frozenset({_S.STAGED, _S.PUBLISHED, _S.CURRENT, _S.STANDBY})
TESTABLE: Final = frozenset({_S.RETIRED, _S.TAINTED, _S.DEAD})
_FOR_A_NEW_KEY = frozenset({"verify", "rotate", "drill"})
_FOR_A_STANDBY = frozenset({"verify", "rotate", "contain", "drill"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One credential of the signer; ``key`` is the provider reference, ``place`` which provider keeps it.

    ``tested`` says that it was put to the death test, ``destroyed`` that its private key is gone for good.
    """

    credential: str
    tenant: str
    app: str
    generation: int
    state: CredentialState
    key: str
    place: str
    certificate: bytes
    marks: Thumbprints
    not_before: datetime
    not_after: datetime
    tested: bool = False
    destroyed: bool = False

    @property
    def body(self) -> dict[str, Json]:
        """What every stub about this credential says of it."""
        return {"app": self.app, "thumbprint_sha1": self.marks.sha1, "thumbprint_sha256": self.marks.sha256}


@dataclass(frozen=True, slots=True)
class Use:
    """Which credential is to be used, and why: ``job`` is an id, ``reason`` one of ``stubs.REASONS``."""

    tenant: str
    app: str
    credential: str
    job: str
    reason: str
    algorithm: Algorithm = Algorithm.PS256


def credential_name(tenant: str, app: str, generation: int) -> str:
    """Name a credential."""
    return f"{tenant}/{app}/{generation}"


def fold(stubs: Iterable[Stub]) -> dict[str, Entry]:
    """Build the book from the journal."""
    book: dict[str, Entry] = {}
    for stub in stubs:
        apply(book, stub)
    return book


def apply(book: dict[str, Entry], stub: Stub) -> None:
    """Take one stub of the journal into the book; kinds that change nothing are passed over."""
    name = str(stub.body["credential"])
    if stub.kind == "certificate":
        book[name] = _entry(name, stub)
    elif stub.kind == "mark":
        gone = book[name].destroyed or stub.body.get("destroyed") is True
        book[name] = replace(book[name], state=CredentialState(str(stub.body["state"])), destroyed=gone)
    elif stub.kind == "death-test":
        book[name] = replace(book[name], tested=True)


def _entry(name: str, stub: Stub) -> Entry:
    body = {key: str(value) for key, value in stub.body.items()}
    return Entry(
        credential=name,
        tenant=str(stub.tenant),
        app=body["app"],
        generation=int(body["generation"]),
        state=CredentialState(body["state"]),
        key=body["key"],
        place=body["place"],
        certificate=base64.b64decode(body["certificate"]),
        marks=Thumbprints(body["thumbprint_sha1"], body["thumbprint_sha256"]),
        not_before=from_rfc3339(body["not_before"]),
        not_after=from_rfc3339(body["not_after"]),
    )


def find(book: Mapping[str, Entry], tenant: str, app: str, credential: str) -> Entry:
    """Return the entry that all three name.

    Raises:
        Refused: If there is none, or it belongs to another tenant or app; the answer does not tell which.
    """
    entry = book.get(credential)
    if entry is None or (entry.tenant, entry.app) != (tenant, app):
        raise Refused(f"tenant {tenant} has no credential {credential}", "list them: counterfoil credential list")
    return entry


def may_use(entry: Entry, reason: str, now: datetime) -> None:
    """Allow an assertion or a proof.

    Raises:
        Refused: If the state of the credential forbids it for this reason.
        Misconfigured: If its certificate is not valid now.
    """
    if entry.state not in USABLE:
        raise Refused(
            f"the credential {entry.credential} is {entry.state}: it signs nothing but a death test",
            "use the tenant's current credential, or create one: counterfoil credential create",
        )
    if entry.state is _S.STAGED and reason not in _FOR_A_NEW_KEY:
        raise Refused(f"the credential {entry.credential} is not published yet: only verify or rotate may use it")
    if entry.state is _S.STANDBY and reason not in _FOR_A_STANDBY:
        raise Refused(f"the credential {entry.credential} is a standby: a job for {reason} may not use it")
    if not entry.not_before <= now < entry.not_after:
        raise Misconfigured(
            f"the certificate of {entry.credential} is valid from {entry.not_before} to {entry.not_after}, not now",
            "see that the clock is right; if it is, rotate to a new certificate",
        )


def may_test(entry: Entry, reason: str) -> None:
    """Allow a death test.

    Raises:
        Refused: Unless the credential is out of use and the job is to prove it dead.
    """
    if reason != "prove-dead":
        raise Refused(f"a death test needs a job for prove-dead, not for {reason}")
    if entry.destroyed:
        raise Refused(f"the private key of {entry.credential} was destroyed: there is nothing left to test")
    if entry.state not in TESTABLE:
        raise Refused(f"the credential {entry.credential} is {entry.state}: only a retired or tainted one is tested")


def may_destroy(book: Mapping[str, Entry], entry: Entry) -> bool:
    """Say whether the private key may be destroyed: not while another credential that is not dead shares it.

    Raises:
        Refused: If the credential itself is not dead.
    """
    if entry.state is not _S.DEAD:
        raise Refused(f"the credential {entry.credential} is {entry.state}: only a dead one's key is destroyed")
    same = [one for one in book.values() if (one.place, one.key) == (entry.place, entry.key)]
    return all(one.state is _S.DEAD for one in same)


def is_destroyed(book: Mapping[str, Entry], entry: Entry) -> bool:
    """Say whether the private key of a credential, which others may share, was destroyed."""
    return any(one.destroyed for one in book.values() if (one.place, one.key) == (entry.place, entry.key))


def may_move(entry: Entry, state: CredentialState) -> None:
    """Allow a change of state.

    Raises:
        Refused: If no way leads from the one to the other, or it would be called dead and was never tried.
    """
    if state is _S.DEAD and not entry.tested:
        raise Refused(
            f"the credential {entry.credential} was never put to the death test: nobody knows that it is dead",
            "let a rotation retire it; it tries the old key and says when it is refused",
        )
    if state not in MOVES[entry.state]:
        ways = ", ".join(sorted(MOVES[entry.state])) or "nothing"
        raise Refused(f"the credential {entry.credential} is {entry.state} and cannot become {state}, only {ways}")
