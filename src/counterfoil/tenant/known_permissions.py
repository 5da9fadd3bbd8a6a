"""Application permissions that touch mail, logs, the directory or credentials: what each reads and changes. Data.

Names and ids of app roles: Microsoft Graph permissions reference; manifests of Exchange Online and of the
Office 365 Management APIs.
"""

from dataclasses import dataclass

from counterfoil.tenant.endpoints import EXCHANGE, GRAPH, MANAGEMENT


@dataclass(frozen=True, slots=True)
class Permission:
    """An app role. ``reads`` and ``changes`` say in words what it opens; ``""`` is nothing."""

    name: str
    id: str
    resource: str
    reads: str
    changes: str

    @property
    def words(self) -> str:
        """Say what it opens in half a sentence."""
        return f"reads: {self.reads or 'nothing'}; changes: {self.changes or 'nothing'}"


_GRAPH = (
    ("Mail.Read", "810c84a8-4a9e-49e6-bf7d-12d183f40d01", "all mail of all mailboxes", ""),
    ("Mail.ReadBasic", "6be147d2-ea4f-4b5a-a3fa-3eab6f3c140a", "headers of all mail", ""),
    ("Mail.ReadBasic.All", "693c5e45-0940-467d-9b8a-1022fb9d42ef", "headers of all mail", ""),
    (
        "Mail.ReadWrite",
        "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
        "all mail of all mailboxes",
        "creates, moves and deletes mail; cannot send",
    ),
    ("Mail.Send", "b633e1c5-b582-4048-a93e-9f11b44c7e96", "", "sends as anybody"),
    ("MailboxSettings.Read", "40f97065-369a-49f4-947c-6a255697ae91", "settings and rules of all mailboxes", ""),
    (
        "MailboxSettings.ReadWrite",
        "6931bccd-447a-43d1-b442-00a195474933",
        "settings and rules of all mailboxes",
        "inbox rules, which can forward mail, and automatic replies",
    ),
    ("MailboxItem.Read.All", "7d9f353d-a7bd-4fbb-822a-26d5dd39a3ce", "all items of all mailboxes", ""),
    (
        "MailboxItem.ImportExport.All",
        "76577085-e73d-4f1d-b26a-85fb33892327",
        "whole items of all mailboxes",
        "puts items into all mailboxes",
    ),
    ("MailboxFolder.Read.All", "99280d24-a782-4793-93cc-0888549957f6", "folders of all mailboxes", ""),
    (
        "MailboxFolder.ReadWrite.All",
        "fef87b92-8391-4589-9da7-eb93dab7dc8a",
        "folders of all mailboxes",
        "folders of all mailboxes",
    ),
    ("Calendars.Read", "798ee544-9d2d-430c-a058-570e29e34338", "all calendars", ""),
    ("Contacts.Read", "089fe4d0-434a-44c5-8827-41ba8a0b17f5", "all contacts", ""),
    ("User.Read.All", "df021288-bdef-4463-88db-98f22de89214", "all users", ""),
    ("User.ReadWrite.All", "741f803b-c850-494e-b5df-cde7c675a1ca", "all users", "all users"),
    ("Group.Read.All", "5b567255-7703-4780-807c-7be8301ae99b", "all groups, and the mail of groups", ""),
    ("Domain.Read.All", "dbb9058a-0e50-45d7-ae91-66909b5d4664", "domains", ""),
    ("Organization.Read.All", "498476ce-e0fe-48b0-b801-37ba7e2685c6", "the organization's properties", ""),
    ("Directory.Read.All", "7ab1d382-f21e-4acd-a863-ba3e13f7da61", "the whole directory", ""),
    (
        "Directory.ReadWrite.All",
        "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
        "the whole directory",
        "most objects of the directory",
    ),
    (
        "Application.Read.All",
        "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
        "applications and which credentials they have",
        "",
    ),
    (
        "Application.ReadWrite.OwnedBy",
        "18a4783c-866b-4cc7-a460-3d5e5662c884",
        "",
        "the applications that it owns, their credentials included",
    ),
    (
        "Application.ReadWrite.All",
        "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
        "all applications",
        "credentials of any application, and so takes over what that one may do",
    ),
    (
        "AppRoleAssignment.ReadWrite.All",
        "06b708a9-e830-4db3-a914-8e69da51d44f",
        "",
        "grants any application any permission, itself included",
    ),
    ("DelegatedPermissionGrant.ReadWrite.All", "8e8e4742-1d95-4f68-9d56-6ee75648c72a", "", "delegated grants"),
    ("RoleManagement.Read.Directory", "483bed4a-2ad3-4361-a73b-c83ccdbdc53c", "roles of the directory", ""),
    (
        "RoleManagement.ReadWrite.Directory",
        "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
        "roles of the directory",
        "makes anybody a global administrator",
    ),
    ("RoleManagement.Read.Exchange", "c769435f-f061-4d0b-8ff1-3d39870e5f85", "roles in Exchange", ""),
    (
        "RoleManagement.ReadWrite.Exchange",
        "025d3225-3f02-4882-b4c0-cd5b541a4e80",
        "roles in Exchange",
        "roles in Exchange, its own included",
    ),
    ("RoleManagement.Read.All", "c7fbd983-d9aa-4fa7-84b8-17382c103bc4", "all roles", ""),
    ("Policy.Read.All", "246dd0d5-5bd0-4def-940b-0421030a5b68", "policies", ""),
    (
        "Policy.ReadWrite.ApplicationConfiguration",
        "be74164b-cff1-491c-8741-e671cb536e13",
        "",
        "policies on applications and their credentials",
    ),
    ("AuditLog.Read.All", "b0afded3-3588-46d8-8b3d-9842eff778da", "sign-ins and directory audit", ""),
    ("AuditLogsQuery.Read.All", "5e1e9171-754d-478c-812c-f1755a9a4c2d", "the unified audit log", ""),
    (
        "AuditLogsQuery-Exchange.Read.All",
        "6b0d2622-d34e-4470-935b-b96550e5ca8d",
        "the unified audit log of Exchange",
        "",
    ),
    ("AuditLogsQuery-Entra.Read.All", "7276d950-48fc-4269-8348-f22f2bb296d0", "the unified audit log of Entra", ""),
    ("ThreatHunting.Read.All", "dd98c7f5-2d42-42d3-a0e4-633161547251", "what Defender keeps for hunting", ""),
    ("SecurityAlert.Read.All", "472e4a4d-bb4a-4026-98d1-0b0d74cb74a5", "alerts", ""),
    ("SecurityAnalyzedMessage.Read.All", "b48f7ac2-044d-4281-b02f-75db744d6f5f", "mail that Defender analysed", ""),
    (
        "SecurityAnalyzedMessage.ReadWrite.All",
        "04c55753-2244-4c25-87fc-704ab82a4f69",
        "mail that Defender analysed",
        "moves and deletes mail through Defender",
    ),
    (
        "IdentityRiskyServicePrincipal.Read.All",
        "607c7344-0eed-41e5-823a-9695ebe1b7b0",
        "which service principals are at risk",
        "",
    ),
)
_EXCHANGE = (
    (
        "full_access_as_app",
        "dc890d15-9560-4a4c-9b7f-a736ec74ec40",
        "everything in every mailbox, over EWS",
        "everything in every mailbox, over EWS: sends and deletes too",
    ),
    (
        "Exchange.ManageAsApp",
        "dc50a0fb-09a3-484d-be87-e023b12c6440",
        "what its role in the directory or in Exchange lets it",
        "what its role in the directory or in Exchange lets it",
    ),
    (
        "IMAP.AccessAsApp",
        "5e5addcd-3e8d-4e90-baf5-964efab2b20a",
        "mailboxes that were opened to it, over IMAP",
        "mailboxes that were opened to it, over IMAP",
    ),
)
_MANAGEMENT = (
    ("ActivityFeed.Read", "594c1fb6-4f81-4475-ae41-0c394909246c", "mailbox and directory audit", ""),
    (
        "ActivityFeed.ReadDlp",
        "4807a72c-ad38-4250-94c9-4eabfe26cd55",
        "audit of data loss prevention, which quotes content",
        "",
    ),
)

KNOWN = {
    name: Permission(name, guid, resource, reads, changes)
    for resource, rows in ((GRAPH, _GRAPH), (EXCHANGE, _EXCHANGE), (MANAGEMENT, _MANAGEMENT))
    for name, guid, reads, changes in rows
}
"""Permissions by name."""

_BY_ID = {permission.id: permission for permission in KNOWN.values()}


def name_of(role_id: str) -> str:
    """Return the name of an app role, or its id where we do not know it."""
    known = _BY_ID.get(role_id.lower())
    return role_id if known is None else known.name


def opens(name: str) -> dict[str, str]:
    """Say what a permission reads and changes; one that we do not know may be anything.

    Returns:
        ``reads`` and ``changes``, each ``""`` for nothing.
    """
    known = KNOWN.get(name)
    if known is None:
        return {"reads": UNKNOWN, "changes": UNKNOWN}
    return {"reads": known.reads, "changes": known.changes}


def described(name: str) -> str:
    """Return a permission with what it reads and changes, for people."""
    known = KNOWN.get(name)
    return f"{name} ({known.words if known else UNKNOWN})"


UNKNOWN = "not in our table: see the permissions reference"
