"""Connect a tenant: enter the connection, have its key made, and see by real use what was granted.

1. ``enter``: the connection is in the register, its key in the signer; the certificate goes to the administrator.
2. The administrator uploads the certificate and consents.
3. ``test``: real tokens and calls say what was granted, what is missing, what is too much, and which
   credentials are there that we do not know; if it works, the credential becomes current.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from counterfoil import clock
from counterfoil.app.graveyard import CONTROLS_FROM
from counterfoil.app.house import Books
from counterfoil.app.scope import MAIL, NO_PROBES, Probes, Scope, scope_of
from counterfoil.config.settings import Config
from counterfoil.credential import registry
from counterfoil.credential.certificate import read_key_and_certificate
from counterfoil.credential.collect import SOCKET, collect, take_in
from counterfoil.credential.custodian import Custodian
from counterfoil.credential.signer_client import SignerClient
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.trust import Connection, Credential, CredentialState, Job
from counterfoil.tenant import grants
from counterfoil.tenant.door import CallRefused, Door
from counterfoil.tenant.endpoints import Endpoints
from counterfoil.tenant.registration import Registration, key_ids
from counterfoil.tenant.registry import Connections
from counterfoil.tenant.token import Means, ThroughSigner, TokenRefused, Tokens
from counterfoil.tenant.wire import Wire


@contextmanager
def opened_books(data: Path, config: Config, ledger: Ledger) -> Iterator[Books]:
    """Open what calls to Microsoft 365 need: the signer's socket, the register, the wire."""
    where = config.microsoft365
    endpoints = Endpoints(where.login, where.graph, where.management, str(where.ca) if where.ca else None)
    socket = data / SOCKET
    custodian = Custodian(socket)
    collect(ledger, custodian, clock.now())
    with Wire(endpoints) as wire:
        means = Means(ledger, wire, endpoints, clock.now, clock.sleep)
        through = ThroughSigner(SignerClient(socket), ledger)
        yield Books(ledger, custodian, Connections(ledger), through, means, partial(new_job, ledger))


def new_job(ledger: Ledger, reason: str, subject: str) -> Job:
    """Begin a job: its stub is durable before anything is done for it."""
    job = Job(str(uuid.uuid4()), reason, clock.now(), subject)
    ledger.append(stub_at("job", job.time, None, id=job.id, reason=job.reason, subject=job.subject))
    return job


Imported = tuple[bytes, str | None]
"""A key that exists (PKCS #12 or PEM), and its passphrase."""


def enter(books: Books, connection: Connection, actor: str, days: int, key: Imported | None) -> Credential:
    """Enter a connection and give it its first credential: a key of its own, or one that is imported.

    1. The key is in the signer, and its certificate in the ledger. If we die here there is no connection yet,
       and the next try goes on with this key; a credential without a connection is used by nobody.
    2. The connection is entered.

    Args:
        books: The open books.
        connection: What the administrator registered.
        actor: Who enters it.
        days: Life of a certificate that is made.
        key: A key to import; ``None`` has one made.

    Raises:
        Refused: If the application is entered already, the directory is another tenant's, or the certificate is over.
        Misconfigured: If the file holds no key and certificate that belong together.
    """
    books.connections.refuse_known(connection)
    credential = _first_credential(books, connection, days, key)
    books.connections.add(connection, clock.now(), actor)
    return credential


def _first_credential(books: Books, connection: Connection, days: int, key: Imported | None) -> Credential:
    listed = registry.listed(books.ledger.engine, connection.tenant_id)
    mine = sorted((c for c in listed if c.app == connection.app), key=lambda c: c.generation)
    if mine and key is None and mine[-1].state is CredentialState.STAGED:
        return mine[-1]  # an earlier try got this far
    if key is not None:
        _refuse_over(*key)
    generation = 1 + max((c.generation for c in mine if c.generation < CONTROLS_FROM), default=0)
    who = (connection.tenant_id, connection.app, generation)
    stub = books.custodian.certificate(*who, days) if key is None else books.custodian.adopt(*who, *key)
    take_in(books.ledger, stub)
    return registry.find(books.ledger.engine, f"{connection.tenant_id}/{connection.app}/{generation}")


def _refuse_over(octets: bytes, passphrase: str | None) -> None:
    """Refuse a key whose certificate is not valid now, before anything is made of it."""
    _, der = read_key_and_certificate(octets, None if passphrase is None else passphrase.encode())
    certificate = x509.load_der_x509_certificate(der)
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not since <= clock.now() < until:
        raise Refused(
            f"the certificate in the file is valid from {rfc3339(since)} to {rfc3339(until)}, not now",
            "see that the clock is right; leave out --key-file, and a new one is made",
        )


def leave(books: Books, connection: Connection, actor: str) -> int:
    """Take a connection out of the register and retire its credentials; return how many those were.

    The administrator removes the application: what we forget, the tenant has not forgotten.
    """
    retired = 0
    for credential in registry.listed(books.ledger.engine, connection.tenant_id):
        if credential.app == connection.app and credential.state in RETIRABLE:
            name = credential.name
            stub = books.custodian.mark(credential.tenant, credential.app, name, CredentialState.RETIRED)
            take_in(books.ledger, stub)
            retired += 1
    # If we die here its credentials sign no more, and it is listed still: the next try ends it.
    books.connections.remove(connection, clock.now(), actor)
    return retired


def as_pem(certificate: bytes) -> str:
    """Spell a certificate as PEM, for the administrator to upload."""
    return x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM).decode("ascii")


@dataclass(frozen=True, slots=True)
class Tested:
    """What real use showed. ``unknown`` are credentials on the application or its principal that are not ours.

    ``scope`` says which mailboxes it reaches: a value of ``counterfoil.app.scope.Scope``; ``clock_off`` that our clock
    is far from the token service's; ``hint`` what to do where it does not work.
    """

    works: bool
    words: str
    granted: tuple[str, ...]
    missing: tuple[str, ...]
    too_much: tuple[str, ...]
    unknown: tuple[str, ...] | None
    scope: Scope = Scope.UNKNOWN
    clock_off: bool = False
    hint: str | None = None


def test(
    books: Books,
    connection: Connection,
    wanted: tuple[str, ...],
    actor: str,
    probes: Probes = NO_PROBES,  # noqa: PT028 - this tests a connection
) -> Tested:
    """Ask for tokens with the newest credential, compare what was granted, and list the credentials.

    If it works and nothing was current before, the credential becomes current.
    """
    job = books.new_job("verify", connection.tenant)
    credential = _newest(books, connection)
    tokens = Tokens(connection, credential, books.through.for_use, books.means)
    try:
        granted = set(grants.by_use(tokens, job))  # a new client: nothing is kept from before
    except TokenRefused as error:
        return Tested(
            works=False, words=error.message, hint=error.hint, granted=(), missing=wanted, too_much=(), unknown=None
        )
    _settle(books, connection, credential, actor)
    door = Door(tokens)
    scope = scope_of(door, granted, probes, job)
    if scope is Scope.BY_ROLE:
        granted |= MAIL & set(wanted)  # granted in Exchange: it shows in no token
    unknown, consents = _listed(books, connection, door, job)
    books.connections.note_reach(connection, granted | consents, clock.now())
    return Tested(
        works=True,
        words=f"the token service knows the credential{_clock_words(tokens.off)}",
        granted=tuple(sorted(granted)),
        missing=tuple(sorted(set(wanted) - granted)),
        too_much=tuple(sorted((granted | consents) - set(wanted))),
        unknown=unknown,
        scope=scope,
        clock_off=abs(tokens.off) >= CLOCK,
    )


CLOCK = timedelta(minutes=2)
"""Beyond five minutes nothing is signed in; a clock that is behind keeps tokens too long before that."""


def _clock_words(off: timedelta) -> str:
    if abs(off) < CLOCK:
        return ""
    seconds = round(abs(off).total_seconds())
    return f"; but the clock of this machine is {seconds} s {'ahead' if off > timedelta() else 'behind'}: set it by NTP"


RETIRABLE = frozenset(
    {CredentialState.STAGED, CredentialState.PUBLISHED, CredentialState.CURRENT, CredentialState.STANDBY}
)
IN_USE = (CredentialState.STAGED, CredentialState.PUBLISHED, CredentialState.CURRENT)


def _newest(books: Books, connection: Connection) -> Credential:
    mine = [c for c in registry.listed(books.ledger.engine, connection.tenant_id) if c.app == connection.app]
    usable = [c for c in mine if c.state in IN_USE]
    if not usable:
        raise Refused(
            f"the connection of {connection.tenant} has no usable credential",
            "create one: counterfoil credential create",
        )
    return max(usable, key=lambda c: (c.state is CredentialState.CURRENT, -c.generation))


def _settle(books: Books, connection: Connection, credential: Credential, actor: str) -> None:
    """A first credential that works becomes current; later ones only by a rotation."""
    name = credential.name
    for state in (CredentialState.PUBLISHED, CredentialState.CURRENT):
        if registry.find(books.ledger.engine, name).state in (CredentialState.STAGED, CredentialState.PUBLISHED):
            take_in(books.ledger, books.custodian.mark(credential.tenant, credential.app, name, state))
    try:
        books.connections.current(connection)
    except Refused:
        books.connections.make_current(registry.find(books.ledger.engine, name), 0, clock.now(), actor)


def _listed(
    books: Books, connection: Connection, door: Door, job: Job
) -> tuple[tuple[str, ...] | None, frozenset[str]]:
    """List credentials that are not ours, and consents; ``None`` and none where this connection may not look."""
    try:
        unknown = unknown_credentials(books, connection, door, job)
        return unknown, grants.by_listing(Registration(door, connection), job)
    except CallRefused:
        return None, frozenset()


def unknown_credentials(books: Books, connection: Connection, door: Door, job: Job) -> tuple[str, ...]:
    """List credentials on the application and its principal that are not ours, and certificates that are not shown.

    Raises:
        CallRefused: If this connection may not look.
    """
    ours = registry.listed(books.ledger.engine, connection.tenant_id)
    listed = Registration(door, connection).credentials(job)
    mine = [one for one in ours if one.app == connection.app]
    registry.note_key_ids(books.ledger, mine, key_ids(listed), clock.now())
    known = {c.thumbprint_sha256 for c in ours}
    strange = [entry for entry in listed if entry.thumbprint_sha256 not in known]
    return tuple(f"{entry.kind} {entry.key_id} on the {entry.where}" for entry in strange)
