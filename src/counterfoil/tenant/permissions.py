"""Application permissions: what each lets us read and change, and which each of our products needs. Data.

Names and ids of Microsoft Graph's and the management API's app roles (Microsoft Graph permissions reference).
"""

from dataclasses import dataclass

from counterfoil.tenant.endpoints import GRAPH, MANAGEMENT

RESOURCE_APPS = {
    GRAPH: "00000003-0000-0000-c000-000000000000",
    MANAGEMENT: "c5393580-f805-4401-95e8-94b7a6ef2fc2",
}
"""Application id of each resource; consent is given on the resource's service principal."""


@dataclass(frozen=True, slots=True)
class Permission:
    """An app role. ``reads`` and ``changes`` say in words what it opens; ``""`` is nothing."""

    name: str
    id: str
    resource: str
    reads: str
    changes: str


PERMISSIONS = {
    permission.name: permission
    for permission in (
        Permission("Mail.Read", "810c84a8-4a9e-49e6-bf7d-12d183f40d01", GRAPH, "all mail of all mailboxes", ""),
        Permission(
            "Mail.ReadWrite",
            "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
            GRAPH,
            "all mail of all mailboxes",
            "creates, moves and deletes mail; cannot send",
        ),
        Permission(
            "AuditLog.Read.All", "b0afded3-3588-46d8-8b3d-9842eff778da", GRAPH, "sign-ins and directory audit", ""
        ),
        Permission(
            "Application.Read.All",
            "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
            GRAPH,
            "applications and which credentials they have",
            "",
        ),
        Permission(
            "Application.ReadWrite.OwnedBy",
            "18a4783c-866b-4cc7-a460-3d5e5662c884",
            GRAPH,
            "",
            "the applications that it owns, their credentials included",
        ),
        Permission(
            "ActivityFeed.Read", "594c1fb6-4f81-4475-ae41-0c394909246c", MANAGEMENT, "mailbox and directory audit", ""
        ),
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
