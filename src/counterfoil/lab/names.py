"""Names that Microsoft gave: resources, application permissions and their GUIDs.

Source: the permissions reference of Microsoft Graph (August 2026) and the manifests of Exchange
Online and the Management APIs.
"""

from dataclasses import dataclass

GRAPH = "00000003-0000-0000-c000-000000000000"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
MANAGEMENT = "c5393580-f805-4401-95e8-94b7a6ef2fc2"
DIRECTORY = "00000002-0000-0000-c000-000000000000"
"""Azure AD Graph: no resource of ours, but the audience of every key proof."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A Microsoft API that tokens are asked for."""

    app: str
    name: str
    audience: str


RESOURCES = (
    Resource(GRAPH, "Microsoft Graph", "https://graph.microsoft.com"),
    Resource(EXCHANGE, "Office 365 Exchange Online", "https://outlook.office365.com"),
    Resource(MANAGEMENT, "Office 365 Management APIs", "https://manage.office.com"),
)


def resource_of(asked: str) -> Resource | None:
    """Find a resource by its URL (a trailing slash is allowed) or its application id."""
    asked = asked.rstrip("/").lower()
    for resource in RESOURCES:
        if asked in (resource.audience, resource.app, f"{resource.audience}:443"):
            return resource
    return None


_GRAPH_ROLES = {
    "Mail.Read": "810c84a8-4a9e-49e6-bf7d-12d183f40d01",
    "Mail.ReadBasic": "6be147d2-ea4f-4b5a-a3fa-3eab6f3c140a",
    "Mail.ReadBasic.All": "693c5e45-0940-467d-9b8a-1022fb9d42ef",
    "Mail.ReadWrite": "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
    "Mail.Send": "b633e1c5-b582-4048-a93e-9f11b44c7e96",
    "MailboxSettings.Read": "40f97065-369a-49f4-947c-6a255697ae91",
    "MailboxSettings.ReadWrite": "6931bccd-447a-43d1-b442-00a195474933",
    "MailboxItem.Read.All": "7d9f353d-a7bd-4fbb-822a-26d5dd39a3ce",
    "MailboxItem.ImportExport.All": "76577085-e73d-4f1d-b26a-85fb33892327",
    "MailboxFolder.Read.All": "99280d24-a782-4793-93cc-0888549957f6",
    "MailboxFolder.ReadWrite.All": "fef87b92-8391-4589-9da7-eb93dab7dc8a",
    "Calendars.Read": "798ee544-9d2d-430c-a058-570e29e34338",
    "Contacts.Read": "089fe4d0-434a-44c5-8827-41ba8a0b17f5",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
    "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
    "Domain.Read.All": "dbb9058a-0e50-45d7-ae91-66909b5d4664",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "Application.ReadWrite.OwnedBy": "18a4783c-866b-4cc7-a460-3d5e5662c884",
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
    "DelegatedPermissionGrant.ReadWrite.All": "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
    "RoleManagement.Read.Directory": "483bed4a-2ad3-4361-a73b-c83ccdbdc53c",
    "RoleManagement.ReadWrite.Directory": "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
    "RoleManagement.Read.Exchange": "c769435f-f061-4d0b-8ff1-3d39870e5f85",
    "RoleManagement.ReadWrite.Exchange": "025d3225-3f02-4882-b4c0-cd5b541a4e80",
    "RoleManagement.Read.All": "c7fbd983-d9aa-4fa7-84b8-17382c103bc4",
    "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
    "Policy.ReadWrite.ApplicationConfiguration": "be74164b-cff1-491c-8741-e671cb536e13",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "AuditLogsQuery.Read.All": "5e1e9171-754d-478c-812c-f1755a9a4c2d",
    "AuditLogsQuery-Exchange.Read.All": "6b0d2622-d34e-4470-935b-b96550e5ca8d",
    "AuditLogsQuery-Entra.Read.All": "7276d950-48fc-4269-8348-f22f2bb296d0",
    "ThreatHunting.Read.All": "dd98c7f5-2d42-42d3-a0e4-633161547251",
    "SecurityAlert.Read.All": "472e4a4d-bb4a-4026-98d1-0b0d74cb74a5",
    "SecurityAnalyzedMessage.Read.All": "b48f7ac2-044d-4281-b02f-75db744d6f5f",
    "SecurityAnalyzedMessage.ReadWrite.All": "04c55753-2244-4c25-87fc-704ab82a4f69",
    "IdentityRiskyServicePrincipal.Read.All": "607c7344-0eed-41e5-823a-9695ebe1b7b0",
}

_EXCHANGE_ROLES = {
    "full_access_as_app": "dc890d15-9560-4a4c-9b7f-a736ec74ec40",
    "Exchange.ManageAsApp": "dc50a0fb-09a3-484d-be87-e023b12c6440",
    "IMAP.AccessAsApp": "5e5addcd-3e8d-4e90-baf5-964efab2b20a",
}

_MANAGEMENT_ROLES = {
    "ActivityFeed.Read": "594c1fb6-4f81-4475-ae41-0c394909246c",
    "ActivityFeed.ReadDlp": "4807a72c-ad38-4250-94c9-4eabfe26cd55",
}

ROLES: dict[str, dict[str, str]] = {GRAPH: _GRAPH_ROLES, EXCHANGE: _EXCHANGE_ROLES, MANAGEMENT: _MANAGEMENT_ROLES}
"""Application permissions by resource: name to app role id."""


def find_role(name_or_id: str) -> tuple[str, str, str] | None:
    """Find an application permission; returns (resource app id, role id, role name)."""
    for resource, roles in ROLES.items():
        for name, guid in roles.items():
            if name_or_id in (name, guid):
                return resource, guid, name
    return None
