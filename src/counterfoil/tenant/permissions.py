"""Which application permissions each of our products needs, and why. Data."""

from dataclasses import dataclass

from counterfoil.tenant.endpoints import EXCHANGE, GRAPH, MANAGEMENT
from counterfoil.tenant.known_permissions import KNOWN

RESOURCE_APPS = {
    GRAPH: "00000003-0000-0000-c000-000000000000",
    EXCHANGE: "00000002-0000-0ff1-ce00-000000000000",
    MANAGEMENT: "c5393580-f805-4401-95e8-94b7a6ef2fc2",
}
"""Application id of each resource; consent is given on the resource's service principal."""

PERMISSIONS = {
    name: KNOWN[name]
    for name in (
        "Mail.Read",
        "Mail.ReadWrite",
        "AuditLog.Read.All",
        "Application.Read.All",
        "Application.ReadWrite.OwnedBy",
        "ActivityFeed.Read",
    )
}
"""Every permission that a product of ours asks for."""


@dataclass(frozen=True, slots=True)
class Product:
    """Something that we do for a tenant, with the least it needs and why."""

    name: str
    what: str
    needs: tuple[tuple[str, str], ...]


PRODUCTS = {
    product.name: product
    for product in (
        Product(
            "remediate",
            "pull back mail that turned out bad after delivery",
            (("Mail.ReadWrite", "to move the message out of the mailbox, and to see that it is the right one"),),
        ),
        Product(
            "scan-internal",
            "scan mail that was sent inside the tenant and never passed the gateway",
            (("Mail.Read", "to read new messages"),),
        ),
        Product(
            "recover",
            "bring back deleted mail",
            (("Mail.ReadWrite", "to move messages out of the recoverable items"),),
        ),
        Product(
            "watch",
            "compare the tenant's own logs with our ledger, to find use of our credential that is not ours",
            (
                ("AuditLog.Read.All", "to read sign-ins of our application"),
                ("ActivityFeed.Read", "to read mailbox audit"),
                ("Application.Read.All", "to see credentials on our application that are not ours"),
            ),
        ),
        Product(
            "control",
            "replace and remove the credentials of our own application; a second application, used in rotations only",
            (("Application.ReadWrite.OwnedBy", "to write the credentials of the application that it owns"),),
        ),
    )
}
"""What may be bought; ``control`` is an application of its own, so that the one that reads mail cannot add keys."""


def needed(products: tuple[str, ...]) -> dict[str, list[str]]:
    """Return each permission that the products need, with the reasons; the narrower of two is left out."""
    wanted: dict[str, list[str]] = {}
    for name in products:
        for permission, why in PRODUCTS[name].needs:
            wanted.setdefault(permission, []).append(f"{why} ({name})")
    if "Mail.ReadWrite" in wanted:
        # It includes reading: asking for both would grant nothing more and explain nothing.
        wanted["Mail.ReadWrite"] += wanted.pop("Mail.Read", [])
    return wanted
