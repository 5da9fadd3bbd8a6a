"""What a rotation asks of the world, answered by the signer, the registers and one tenant's door.

Credentials of the application are listed and written by a control-plane identity of the same tenant
(``Application.ReadWrite.OwnedBy``), so that the connection that reads mail may write no credentials: a
stolen token of it cannot undo an eviction.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from counterfoil.app.graveyard import CONTROLS_FROM, Graveyard, is_negative_control
from counterfoil.app.leftovers import Leftovers
from counterfoil.credential import registry
from counterfoil.credential.campaign import Pace, Place
from counterfoil.credential.collect import collect, take_in
from counterfoil.credential.custodian import Custodian
from counterfoil.credential.rotation import Kind
from counterfoil.flows.rotate import Listed, Try
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json
from counterfoil.model.trust import Connection, Credential, CredentialState, Job
from counterfoil.tenant.door import Ask, Door
from counterfoil.tenant.endpoints import GRAPH, MANAGEMENT
from counterfoil.tenant.permissions import PERMISSIONS
from counterfoil.tenant.registration import Listed as Entry
from counterfoil.tenant.registration import Registration, key_ids
from counterfoil.tenant.registry import Connections
from counterfoil.tenant.token import Means, ThroughSigner, TokenRefused, Tokens

DAYS = 90
HARMLESS = {GRAPH: "/v1.0/organization", MANAGEMENT: "/api/v1.0/{tenant}/activity/feed/subscriptions/list"}
"""For each audience a call that reads no mail and changes nothing."""


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger, the signer and the register that the house works with."""

    ledger: Ledger
    custodian: Custodian
    connections: Connections
    through: ThroughSigner
    means: Means
    new_job: Callable[[str, str], Job]

    @contextmanager
    def at_work(self, connection: Connection, reason: str, now: datetime) -> Iterator[tuple[Tokens, Job]]:
        """Work with the credential in use, for one job; a rotation waits for its end.

        Raises:
            Refused: If the connection has no current credential.
        """
        job, current = self.new_job(reason, connection.tenant), self.connections.current(connection)
        self.connections.begin_use(job.id, current, now)
        try:
            yield Tokens(connection, current, self.through.for_use, self.means), job
        finally:
            self.connections.end_use(job.id)


class TenantHouse:
    """The house of one tenant: implements ``flows.rotate.House``."""

    def __init__(
        self,
        connection: Connection,
        control: Door,
        books: Books,
        gate: Callable[[Place], bool],
        pace: Pace | None = None,
    ) -> None:
        self._connection = connection
        self._pace = pace or Pace()
        self._registration = Registration(control, connection)
        self._books = books
        self._gate = gate
        self._graveyard = Graveyard(connection, books.ledger, books.custodian, books.through, books.means)

    def ensure_key(self, place: Place) -> str | None:
        """Make the key under the name that the campaign gave it, or find it; it works if it signs."""
        credential = self._ensure(place.label)
        # The signer checks each signature against the certificate before it lets it out.
        self._books.through.for_use(credential, self._endpoint(), self._job("verify", place))
        return credential.thumbprint_sha256

    def _ensure(self, name: str) -> Credential:
        try:
            return registry.find(self._books.ledger.engine, name)
        except Refused:
            # The signer may have made it and died, or we did, before the ledger knew.
            collect(self._books.ledger, self._books.custodian, self._now())
        try:
            return registry.find(self._books.ledger.engine, name)
        except Refused:
            generation = int(name.rpartition("/")[2])
            made = self._books.custodian.certificate(self._connection.tenant_id, self._connection.app, generation, DAYS)
            take_in(self._books.ledger, made)
            return registry.find(self._books.ledger.engine, name)

    def listing(self, place: Place) -> tuple[Listed, ...]:
        """Read all credentials of the application and its service principal."""
        found = self._registration.credentials(self._job("inspect", place))
        registry.note_key_ids(self._books.ledger, self._credentials(), key_ids(found), self._now())
        return tuple(Listed(entry.key_id, entry.thumbprint_sha256, entry.where) for entry in found)

    def publish(self, place: Place) -> None:
        """Add the new certificate by one write; in a compromise the same write keeps only what we know."""
        job = self._job("rotate", place)
        known = {*place.old, *self.standby(place)}
        here = [entry for entry in self._registration.credentials(job) if entry.where == "application"]
        keep = [
            entry
            for entry in here
            if entry.kind == "certificate" and (place.kind is Kind.ROUTINE or entry.thumbprint_sha256 in known)
        ]
        self._registration.replace_certificates(self._with_new(place, keep), job)
        self._graveyard.mark(place.label, CredentialState.PUBLISHED)

    def evict(self, place: Place, keep: frozenset[str]) -> None:
        """Remove what may not stay: certificates by one write, secrets and federated credentials one by one."""
        current = self._books.connections.current(self._connection)
        if current.thumbprint_sha256 != place.new:
            # An emergency, or another campaign, has moved on meanwhile: what we would keep is not what is in use.
            raise Refused(f"another credential is in use now: {current.name}", "nothing was removed")
        job = self._job("rotate", place)
        if place.kind is Kind.ROUTINE:
            for credential in self._olds(place):
                if credential.state is not CredentialState.TAINTED:
                    self._graveyard.mark(credential.name, CredentialState.RETIRED)
        here = self._registration.credentials(job)
        ours = [e for e in here if e.where == "application" and e.thumbprint_sha256 in keep]
        # The new one is written in any case: whoever took it away since we looked would leave the list empty.
        self._registration.replace_certificates(self._with_new(place, ours), job)
        if any(entry.where == "service-principal" and entry.kind == "certificate" for entry in here):
            # We never put one there: whatever is there is somebody else's, or a way back for a thief.
            self._registration.replace_certificates([], job, "service-principal")
        for entry in here:
            if entry.kind == "secret":
                self._registration.remove_secret(entry.key_id, job, entry.where)
            elif entry.kind == "federated":
                self._registration.remove_federated(entry.key_id, job)

    def _with_new(self, place: Place, entries: list[Entry]) -> list[dict[str, Json]]:
        """Spell the whole list, the new certificate in it whether it was there or not."""
        kept = [entry.raw for entry in entries]
        if all(entry.thumbprint_sha256 != place.new for entry in entries):
            certificate = registry.certificate_of(self._books.ledger.engine, place.label)
            kept.append(key_credential(certificate, place.label))
        return kept

    def standby(self, place: Place) -> frozenset[str]:  # noqa: ARG002 - a house is of one place
        """Return the standby certificates of this connection."""
        return frozenset(c.thumbprint_sha256 for c in self._credentials() if c.state is CredentialState.STANDBY)

    def try_new(self, place: Place) -> Try:
        """Ask for a token with an isolated client, then make one harmless call."""
        return self._try(registry.find(self._books.ledger.engine, place.label), self._job("verify", place))

    def try_unpublished(self, place: Place) -> Try:
        """Try a key of ours that was never published."""
        return self._try(self._ensure(_control_of(place.label)), self._job("verify", place))

    def _try(self, credential: Credential, job: Job) -> Try:
        """Try a credential with a client of its own: a token of each audience, then a harmless call with each."""
        tokens = Tokens(self._connection, credential, self._books.through.for_use, self._books.means)
        try:
            won = {audience: tokens.token(audience, job) for audience in self._audiences()}
        except TokenRefused as error:
            return Try(error.code)
        roles = tuple(role for token in won.values() for role in token.roles)
        ours = (self._connection.tenant_id, self._connection.app)
        strange = [token for token in won.values() if (token.tenant, token.app) != ours]
        if strange:
            return Try(None, roles, f"a token of another tenant or application: {strange[0].tenant}/{strange[0].app}")
        for audience, token in won.items():
            path = HARMLESS[audience].format(tenant=self._connection.tenant_id)
            # Whether the connection may read this is not the question: the token must be believed.
            answer = Door(tokens).attempt(Ask("GET", path, "none", audience=audience), job, token)
            if answer.status == 401:
                return Try("401", roles)
        return Try(None, roles)

    def _audiences(self) -> list[str]:
        """Return the resources that this connection uses: Graph always, others by its roles."""
        known = (PERMISSIONS.get(role) for role in self._connection.roles or ())
        return sorted({GRAPH} | {permission.resource for permission in known if permission is not None})

    def try_old(self, place: Place, thumbprint: str) -> Try:
        """Have the signer try the old key; whatever it wins is thrown away and is an alarm."""
        old = next(c for c in self._olds(place) if c.thumbprint_sha256 == thumbprint)
        return self._graveyard.knock(old, self._job("prove-dead", place))

    def gate_open(self, place: Place) -> bool:
        """Ask whether this tenant's wave has begun."""
        return self._gate(place)

    def make_current(self, place: Place, thumbprint: str) -> bool:
        """Swap the pointer under the lease's number, and let the signer know."""
        chosen = next(c for c in self._credentials() if c.thumbprint_sha256 == thumbprint)
        if chosen.state is CredentialState.TAINTED:
            raise Refused(f"the credential {chosen.name} is tainted", "a compromise goes forward only")
        if not self._books.connections.make_current(chosen, place.fence, self._now(), "rotation"):
            return False
        # If we died between publishing and saying so, the signer still has it as staged.
        if registry.find(self._books.ledger.engine, chosen.name).state is CredentialState.STAGED:
            self._graveyard.mark(chosen.name, CredentialState.PUBLISHED)
        self._graveyard.mark(chosen.name, CredentialState.CURRENT)
        return True

    def in_use(self, place: Place) -> int:
        """Count the jobs that still work with the old credentials."""
        return sum(self._books.connections.in_use(old, self._now()) for old in self._olds(place))

    def leftovers(self, place: Place) -> tuple[str, ...]:
        """Name what may deliver or change this connection's mail without a key of ours."""
        new = registry.find(self._books.ledger.engine, place.label)
        tokens = Tokens(self._connection, new, self._books.through.for_use, self._books.means)
        looks = Leftovers(self._connection, tokens, self._pace)
        return looks.named(place, self._job("inspect", place), self._now())

    def destroy_old(self, place: Place) -> bool:
        """Mark the old credentials dead, and destroy their private keys unless another tenant still uses one."""
        for credential in self._olds(place):
            self._graveyard.destroy(credential)
        return True

    def forget(self, place: Place) -> None:
        """Destroy this campaign's negative control, and what others left of theirs."""
        own = _control_of(place.label)
        for credential in self._credentials():
            left = is_negative_control(credential) and credential.state is not CredentialState.DEAD
            if left or credential.name == own:
                self._graveyard.bury(credential, self._job("prove-dead", place))

    def withdraw(self, place: Place) -> None:
        """Take the new certificate away again."""
        job = self._job("rotate", place)
        here = self._registration.credentials(job)
        keep = [e.raw for e in here if e.kind == "certificate" and e.thumbprint_sha256 != place.new]
        self._registration.replace_certificates(keep, job)
        self._graveyard.mark(place.label, CredentialState.RETIRED)

    def _credentials(self) -> list[Credential]:
        listed = registry.listed(self._books.ledger.engine, self._connection.tenant_id)
        return [credential for credential in listed if credential.app == self._connection.app]

    def _olds(self, place: Place) -> list[Credential]:
        return [credential for credential in self._credentials() if credential.thumbprint_sha256 in place.old]

    def _job(self, reason: str, place: Place) -> Job:
        return self._books.new_job(reason, place.campaign)

    def _endpoint(self) -> str:
        return f"{self._books.means.endpoints.login}/{self._connection.tenant_id}/oauth2/v2.0/token"

    def _now(self) -> datetime:
        return self._books.means.clock()


def _control_of(label: str) -> str:
    """Name the negative control that belongs to a new key."""
    stem, _, generation = label.rpartition("/")
    return f"{stem}/{CONTROLS_FROM + int(generation)}"


def key_credential(certificate: bytes, name: str) -> dict[str, Json]:
    """Spell a certificate (DER) as Graph takes it."""
    key = base64.b64encode(certificate).decode()
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "displayName": f"counterfoil {name}", "key": key}
