"""The end of keys: a key is tried until it is refused, called dead, and destroyed; what it wins is an alarm.

Every step may be taken again after a crash: a state that is reached is not entered twice, and a key that is
gone is not destroyed twice.
"""

from dataclasses import dataclass

from counterfoil.credential import registry
from counterfoil.credential.collect import take_in
from counterfoil.credential.custodian import Custodian
from counterfoil.flows.rotate import Try
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.trust import Connection, Credential, CredentialState, Job
from counterfoil.tenant.endpoints import GRAPH
from counterfoil.tenant.token import Means, ThroughSigner, TokenRefused, Tokens

CONTROLS_FROM = 1_000_000
"""Generations from here on are never published: they are the negative controls."""


@dataclass(frozen=True, slots=True)
class Graveyard:
    """Where the keys of one connection end."""

    connection: Connection
    ledger: Ledger
    custodian: Custodian
    through: ThroughSigner
    means: Means

    def knock(self, credential: Credential, job: Job) -> Try:
        """Have the signer try a key that must be refused; a token that it wins is thrown away, and an alarm."""
        tokens = Tokens(self.connection, credential, self.through.for_death_test, self.means)
        try:
            roles = tokens.fresh(GRAPH, job).roles
        except TokenRefused as error:
            return Try(error.code)
        said = {"actor": "rotation", "action": "alarm-old-key-accepted", "subject": credential.name}
        self.ledger.append(stub_at("action", self.means.clock(), **said))
        return Try(None, roles)

    def bury(self, control: Credential, job: Job) -> None:
        """End a key that was never published: retired, refused once more, called dead, destroyed.

        Raises:
            Refused: If it is accepted: then no acceptance in this tenant proves anything.
        """
        if control.state is CredentialState.STAGED:
            self.mark(control.name, CredentialState.RETIRED)
        if control.state is not CredentialState.DEAD and self.knock(control, job).error is None:
            raise Refused(
                f"a key that was never published was accepted: {control.name}", "look at the tenant's sign-ins"
            )
        self.destroy(control)

    def destroy(self, credential: Credential) -> None:
        """Mark a key that was tried dead, and destroy its private half unless another connection needs it."""
        self.mark(credential.name, CredentialState.DEAD)
        # If we die here, the step is taken again: the mark is found and the key is destroyed.
        stub = self.custodian.destroy(self.connection.tenant_id, self.connection.app, credential.name)
        if stub is not None:
            take_in(self.ledger, stub)

    def mark(self, name: str, state: CredentialState) -> None:
        """Move a credential to another state, at the signer and in the ledger; where it is there, nothing is said."""
        if registry.find(self.ledger.engine, name).state is not state:
            take_in(self.ledger, self.custodian.mark(self.connection.tenant_id, self.connection.app, name, state))


def is_negative_control(credential: Credential) -> bool:
    """Say whether a key is there to be refused: where it is accepted, no acceptance proves anything."""
    return credential.generation >= CONTROLS_FROM
