"""The signer: the only code that can use a private key. It builds what it signs; it signs no octets it is handed.

Order of every use (law 1), with the crash story beside the steps in ``_use``:
(1) the request is checked, (2) the stub is durable in the journal, (3) the key signs, (4) the signature leaves.
"""

import base64
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.audience import check_audience
from counterfoil.credential.book import (
    Entry,
    Use,
    apply,
    credential_name,
    find,
    fold,
    is_destroyed,
    may_destroy,
    may_move,
    may_test,
    may_use,
)
from counterfoil.credential.certificate import make_certificate, read_certificate, read_key_and_certificate, thumbprints
from counterfoil.credential.journal import Journal
from counterfoil.credential.jws import LIFETIME, assertion_claims, compact, proof_claims, signing_input
from counterfoil.credential.providers.provider import Guarded, checked_label
from counterfoil.credential.rate import Rate
from counterfoil.ledger.stubs import REASONS
from counterfoil.model.errors import Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import CredentialState, Stub

LONGEST_LIFE = timedelta(days=397)


@dataclass(frozen=True, slots=True)
class Signed:
    """What leaves the signer: a compact JWS or a DER certificate, and the stub that was durable before it."""

    octets: bytes
    stub: Stub


class Signer:
    """The operations, without a socket.

    Args:
        journal: Where stubs become durable.
        providers: ``main`` and ``apart`` (standby keys), each guarded.
        clock: Returns the time.
        authorities: Hosts of token endpoints that an assertion may be made for.
        rate: How often a credential may sign.
    """

    def __init__(
        self,
        journal: Journal,
        providers: Mapping[str, Guarded],
        clock: Callable[[], datetime],
        authorities: frozenset[str],
        rate: Rate,
    ) -> None:
        self.journal = journal
        self._providers = providers
        self._clock = clock
        self._authorities = authorities
        self._rate = rate
        self._lock = threading.Lock()
        self._book = fold(journal.replayed)
        self._prefix = journal.verifier.key_id.hex()
        self.cleared = self._clear()
        self.kept = self._describe()

    def _clear(self) -> list[str]:
        """Remove keys that nobody may have: what a crash left, and destroyed ones that came back with a backup."""
        known = {(entry.place, entry.key) for entry in self._book.values() if not is_destroyed(self._book, entry)}
        cleared: list[str] = []
        for place, provider in self._providers.items():
            cleared += provider.clear_halves()
            for reference in provider.references():
                if f"{self._prefix}." in reference and (place, reference) not in known:
                    provider.destroy(reference)
                    cleared.append(reference)
        return cleared

    def entries(self) -> list[Entry]:
        """Return every credential."""
        with self._lock:
            return sorted(self._book.values(), key=lambda entry: (entry.tenant, entry.app, entry.generation))

    def assertion(self, use: Use, audience: str) -> Signed:
        """Make a client assertion for the tenant's token endpoint.

        Raises:
            Refused: If state, reason or audience forbid it.
            Unavailable: If the journal, the provider or the rate limit do.
        """
        with self._lock:
            now, entry = self._clock(), find(self._book, use.tenant, use.app, use.credential)
            may_use(entry, checked_reason(use.reason), now)
            return self._assert("assertion", use, entry, audience, now)

    def death_test(self, use: Use, audience: str) -> Signed:
        """Make an assertion with a credential that must be refused; a token that it wins is an alarm."""
        with self._lock:
            now, entry = self._clock(), find(self._book, use.tenant, use.app, use.credential)
            may_test(replace(entry, destroyed=is_destroyed(self._book, entry)), use.reason)
            signed = self._assert("death-test", use, entry, audience, now)
            apply(self._book, signed.stub)
            return signed

    def proof(self, use: Use, object_id: str) -> Signed:
        """Make a key proof for addKey or removeKey on an application or service principal."""
        with self._lock:
            now, entry = self._clock(), find(self._book, use.tenant, use.app, use.credential)
            may_use(entry, checked_reason(use.reason), now)
            said: dict[str, Json] = {"object": checked_id(object_id)}
            return self._use("proof", use, entry, proof_claims(object_id, now), said, now=now)

    def _assert(self, kind: str, use: Use, entry: Entry, audience: str, now: datetime) -> Signed:
        check_audience(audience, entry.tenant, self._authorities)
        jti = str(uuid.uuid4())
        said: dict[str, Json] = {"audience": audience, "jti": jti}
        return self._use(kind, use, entry, assertion_claims(entry.app, audience, jti, now), said, now=now)

    def _use(
        self, kind: str, use: Use, entry: Entry, claims: dict[str, Json], said: dict[str, Json], *, now: datetime
    ) -> Signed:
        if not use.job:
            raise Refused("a signature needs a job", "say why: pass the id of a job")
        self._rate.spend(entry.credential, now)
        message = signing_input(use.algorithm, entry.marks, claims)
        said = {**entry.body, **said, "job": use.job, "alg": use.algorithm.value, "expires": rfc3339(now + LIFETIME)}
        if entry.state is CredentialState.STANDBY:
            said["alarm"] = "standby-used"
        # If we die here, nothing was signed and nothing is said to have been.
        stub = self.journal.write(kind, now, entry.tenant, entry.credential, said)
        # If we die here, the stub stands for a signature that never was: the log shows no use of it.
        public = read_certificate(entry.certificate).public_key()
        signature = self._providers[entry.place].sign(entry.key, use.algorithm, message, public)  # type: ignore[arg-type]
        # If we die here, the signature never left.
        return Signed(compact(message, signature).encode(), stub)

    def certificate(self, tenant: str, app: str, generation: int, days: int, *, standby: bool) -> Signed:
        """Make a key pair and a self-signed certificate of its own for a connection; its state is ``staged``.

        Raises:
            Refused: If there is such a generation already, or the life is too long.
        """
        with self._lock:
            now = self._clock()
            self._see_free(tenant, app, generation)
            if not timedelta() < timedelta(days=days) <= LONGEST_LIFE:
                raise Refused(f"a certificate lives 1 to {LONGEST_LIFE.days} days, not {days}", "keep lives short")
            place = "apart" if standby else "main"
            provider = self._providers[place]
            key = provider.create(checked_label(f"{self._prefix}.{tenant}.{app}.{generation}"))
            # If we die between here and the stub, the key is without one and is removed at the next start.
            public = provider.public(key)
            start = now - timedelta(minutes=5)  # for clocks that are behind ours
            der = make_certificate(
                public,
                lambda message: provider.sign(key, Algorithm.RS256, message, public),
                name=f"counterfoil {app}"[:64],
                serial=secrets.randbits(159) | 1,
                not_before=start,
                not_after=now + timedelta(days=days),
            )
            return self._enter(tenant, app, generation, key, der, place=place, now=now)

    def adopt(self, tenant: str, app: str, generation: int, octets: bytes, passphrase: bytes | None) -> Signed:
        """Import a key and its certificate; the same certificate may be on many connections (doctor flags it)."""
        with self._lock:
            now = self._clock()
            self._see_free(tenant, app, generation)
            private, der = read_key_and_certificate(octets, passphrase)
            marks = thumbprints(der)
            known = next((entry for entry in self._book.values() if entry.marks == marks), None)
            if known is not None and is_destroyed(self._book, known):
                raise Refused("this key was proven dead and destroyed: it does not come back", "use a new one")
            key = (
                known.key
                if known
                else self._providers["main"].adopt(f"{self._prefix}.import.{marks.sha256[:32]}", private)
            )
            return self._enter(tenant, app, generation, key, der, place="main", now=now)

    def _see_free(self, tenant: str, app: str, generation: int) -> None:
        name = credential_name(checked_id(tenant), checked_id(app), generation)
        if generation < 1:
            raise Refused(f"generations are numbered from 1: {generation}")
        if name in self._book:
            raise Refused(f"there is a credential {name} already", "use the next generation")

    def _enter(
        self, tenant: str, app: str, generation: int, key: str, der: bytes, *, place: str, now: datetime
    ) -> Signed:
        certificate, marks = read_certificate(der), thumbprints(der)
        said: dict[str, Json] = {
            "app": app,
            "thumbprint_sha1": marks.sha1,
            "thumbprint_sha256": marks.sha256,
            "generation": generation,
            "state": CredentialState.STAGED.value,
            "key": key,
            "place": place,
            "certificate": base64.b64encode(der).decode(),
            "not_before": rfc3339(certificate.not_valid_before_utc),
            "not_after": rfc3339(certificate.not_valid_after_utc),
        }
        stub = self.journal.write("certificate", now, tenant, credential_name(tenant, app, generation), said)
        # If we die here, the credential is there and its stub too; the caller finds it with ``stubs``.
        apply(self._book, stub)
        return Signed(der, stub)

    def mark(self, tenant: str, app: str, credential: str, state: CredentialState) -> Stub:
        """Move a credential to another state; the signer holds every later use to it."""
        with self._lock:
            entry = find(self._book, tenant, app, credential)
            may_move(entry, state)
            stub = self.journal.write("mark", self._clock(), tenant, credential, {**entry.body, "state": state.value})
            apply(self._book, stub)
            return stub

    def destroy(self, tenant: str, app: str, credential: str) -> Stub | None:
        """Destroy the private key of a dead credential; again is no error.

        Returns:
            The stub that says so, or ``None`` where it was done before, or others that are not dead share the key.

        Raises:
            Refused: If the credential is not dead.
            Unavailable: If the provider does not answer; the key may then be there still.
        """
        with self._lock:
            entry = find(self._book, tenant, app, credential)
            if not may_destroy(self._book, entry) or entry.destroyed:
                return None
            self._providers[entry.place].destroy(entry.key)
            # If we die here, the key is gone and nothing says so: asked again, the provider finds none, and we go on.
            said: dict[str, Json] = {**entry.body, "state": entry.state.value, "destroyed": True}
            stub = self.journal.write("mark", self._clock(), tenant, credential, said)
            apply(self._book, stub)
            return stub

    def _describe(self) -> list[dict[str, Json]]:
        """Say how each provider keeps its keys."""
        return [{"place": place, **asdict(provider.describe())} for place, provider in self._providers.items()]


def checked_reason(reason: str) -> str:
    """Return the reason.

    Raises:
        Refused: If it is none that may use a credential in use.
    """
    if reason not in REASONS or reason == "prove-dead":
        raise Refused(f"{reason!r} is no reason for a signature", f"the reasons are {', '.join(sorted(REASONS))}")
    return reason


def checked_id(name: str) -> str:
    """Return an id as it may stand in names and labels.

    Raises:
        Refused: If it is no GUID or domain name by its letters.
    """
    if not 1 <= len(name) <= 64 or not all(c.isascii() and (c.isalnum() or c in "-._") for c in name):
        raise Refused(f"{name!r} is no id of a tenant, application or object")
    return name
