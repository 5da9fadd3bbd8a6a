"""May this client hand in mail for this recipient? The connectors decide (Exchange Online, New-InboundConnector)."""

from collections.abc import Sequence

from counterfoil.lab.objects import Connector
from counterfoil.lab.world import World

NO_SUCH_MAILBOX = (550, "5.1.10", "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup")
NO_RELAY = (550, "5.7.54", "SMTP; Unable to relay recipient in non-accepted domain")
_ATTRIBUTION = (
    "TenantInboundAttribution; There is a partner connector configured that matched the message's recipient domain. "
    "The connector had either the RestrictDomainsToIPAddresses or RestrictDomainsToCertificate set"
)
WRONG_CLIENT = (550, "5.7.51", _ATTRIBUTION)


def refuses(world: World, sender: str, recipient: str, names: Sequence[str]) -> tuple[int, str, str] | None:
    """Return the reply that refuses a recipient, or ``None``.

    Args:
        world: The laboratory.
        sender: The reverse-path.
        recipient: The forward-path.
        names: DNS names of the client's verified certificate; none without TLS or certificate.
    """
    domain = recipient.rpartition("@")[2].lower()
    tenant = world.tenant_of_domain(domain)
    if tenant is None:
        return NO_RELAY
    matching = [
        connector
        for connector in world.every(Connector, tenant.id)
        if connector.enabled and _covers(connector.sender_domains, sender.rpartition("@")[2])
    ]
    if matching and not any(_shows(connector.certificate_name, names) for connector in matching):
        return WRONG_CLIENT
    return None if world.mailbox(tenant.id, recipient) else NO_SUCH_MAILBOX


def _covers(domains: Sequence[str], domain: str) -> bool:
    domain = domain.lower()
    return any(known == "*" or known.lower() == domain for known in domains)


def _shows(wanted: str, names: Sequence[str]) -> bool:
    """Match as TlsSenderCertificateName does: the exact name, or one label for the star."""
    wanted = wanted.lower()
    for name in names:
        name = name.lower()  # noqa: PLW2901 - the same name, spelled one way
        if name == wanted or (wanted.startswith("*.") and name.partition(".")[2] == wanted[2:]):
            return True
    return False
