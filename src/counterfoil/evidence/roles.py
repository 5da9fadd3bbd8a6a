"""What a connection may do: which logs have to be there, and what its credential could have done.

Names and ids: Microsoft Graph permissions reference; Exchange Online and Management API app roles.
"""

from typing import Final

from counterfoil.evidence.uses import GRAPH, MAILBOX, SIGN_INS

EXCHANGE: Final = frozenset(
    {
        "full_access_as_app",
        "exchange.manageasapp",
        "imap.accessasapp",
        "pop.accessasapp",
        "smtp.sendasapp",
        "ews.accessasapp",
    }
)
MANAGEMENT: Final = frozenset({"activityfeed.read", "activityfeed.readdlp", "serviceHealth.read".lower()})
_MAIL = ("mail.", "mailboxsettings.", "mailboxitem.", "mailboxfolder.", "securityanalyzedmessage.", "group.")
_WORDS: Final = (
    "accessreview agreement application approleassignment auditlog auditlogsquery calendars channel channelmember"
    " channelmessage chat chatmember chatmessage contacts delegatedpermissiongrant device directory domain"
    " entitlementmanagement externalconnection externalitem files identityprovider identityriskevent"
    " identityriskyserviceprincipal identityriskyuser informationprotectionpolicy notes onlinemeetings organization"
    " orgcontact people place policy presence reports rolemanagement securityactions securityalert securityevents"
    " securityincident sites tasks team teammember teamsactivity teamsapp teamsettings teamwork threathunting"
    " threatindicators user userauthenticationmethod"
)
_ELSEWHERE: Final = frozenset(_WORDS.split())
"""What permissions of Microsoft Graph that reach no message begin with."""
_ESCALATES: Final = frozenset(
    {
        "approleassignment.readwrite.all",
        "application.readwrite.all",
        "rolemanagement.readwrite.directory",
        "rolemanagement.readwrite.exchange",
    }
)
IDS: Final = {
    "810c84a8-4a9e-49e6-bf7d-12d183f40d01": "Mail.Read",
    "6be147d2-ea4f-4b5a-a3fa-3eab6f3c140a": "Mail.ReadBasic",
    "693c5e45-0940-467d-9b8a-1022fb9d42ef": "Mail.ReadBasic.All",
    "e2a3a72e-5f79-4c64-b1b1-878b674786c9": "Mail.ReadWrite",
    "b633e1c5-b582-4048-a93e-9f11b44c7e96": "Mail.Send",
    "40f97065-369a-49f4-947c-6a255697ae91": "MailboxSettings.Read",
    "6931bccd-447a-43d1-b442-00a195474933": "MailboxSettings.ReadWrite",
    "7d9f353d-a7bd-4fbb-822a-26d5dd39a3ce": "MailboxItem.Read.All",
    "76577085-e73d-4f1d-b26a-85fb33892327": "MailboxItem.ImportExport.All",
    "df021288-bdef-4463-88db-98f22de89214": "User.Read.All",
    "7ab1d382-f21e-4acd-a863-ba3e13f7da61": "Directory.Read.All",
    "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30": "Application.Read.All",
    "b0afded3-3588-46d8-8b3d-9842eff778da": "AuditLog.Read.All",
    "dc890d15-9560-4a4c-9b7f-a736ec74ec40": "full_access_as_app",
    "dc50a0fb-09a3-484d-be87-e023b12c6440": "Exchange.ManageAsApp",
    "5e5addcd-3e8d-4e90-baf5-964efab2b20a": "IMAP.AccessAsApp",
    "18a4783c-866b-4cc7-a460-3d5e5662c884": "Application.ReadWrite.OwnedBy",
    "594c1fb6-4f81-4475-ae41-0c394909246c": "ActivityFeed.Read",
}
COULD: Final = {
    "mail.read": "read every message in every mailbox",
    "mail.readbasic": "read the headers of every message",
    "mail.readbasic.all": "read the headers of every message",
    "mail.readwrite": "read, change, move and delete every message in every mailbox; not send",
    "mail.send": "send as anybody",
    "mailboxsettings.read": "read rules, forwarding and automatic replies of every mailbox",
    "mailboxsettings.readwrite": "make inbox rules that forward or hide mail, and automatic replies",
    "mailboxfolder.read.all": "list the folders of every mailbox",
    "mailboxfolder.readwrite.all": "make, rename and delete folders of every mailbox",
    "mailboxitem.read.all": "read every item in every mailbox, calendars and contacts too",
    "mailboxitem.importexport.all": "export and import whole mailboxes",
    "full_access_as_app": "do everything in every mailbox over Exchange Web Services",
    "ews.accessasapp": "do everything in every mailbox over Exchange Web Services",
    "imap.accessasapp": "read, change and delete the mail of the mailboxes that were opened to it, over IMAP",
    "pop.accessasapp": "read and delete the mail of the mailboxes that were opened to it, over POP",
    "smtp.sendasapp": "send from the mailboxes that were opened to it",
    "exchange.manageasapp": "administer Exchange as far as its directory role goes",
    "calendars.read": "read every calendar",
    "calendars.readwrite": "read and change every calendar",
    "contacts.read": "read everybody's contacts",
    "files.read.all": "read every file in SharePoint and OneDrive",
    "files.readwrite.all": "read, change and delete every file in SharePoint and OneDrive",
    "sites.read.all": "read every SharePoint site",
    "sites.fullcontrol.all": "do everything in every SharePoint site",
    "chat.read.all": "read every chat in Teams",
    "securityanalyzedmessage.read.all": "read what Defender found in mail, and the mail's headers",
    "securityanalyzedmessage.readwrite.all": "move and delete mail through Defender's actions",
    "user.read.all": "read every user's profile",
    "group.read.all": "read every group, its mail and its members",
    "group.readwrite.all": "change groups and their members, and read their mail",
    "directory.read.all": "read the whole directory",
    "directory.readwrite.all": "change most directory objects",
    "application.read.all": "read every application and which credentials it has; not the keys",
    "application.readwrite.ownedby": "add credentials to the applications that it owns, and so act as them",
    "application.readwrite.all": "add credentials to any application, and so act as any",
    "approleassignment.readwrite.all": "grant itself any role",
    "rolemanagement.readwrite.directory": "make anybody Global Administrator",
    "rolemanagement.readwrite.exchange": "give itself any role in Exchange",
    "auditlog.read.all": "read sign-ins and the directory audit",
    "activityfeed.read": "read mailbox and directory audit records",
    "activityfeed.readdlp": "read audit records with what data loss prevention found, which quotes content",
    "servicehealth.read": "read the state of Microsoft's services",
}
UNKNOWN: Final = "not in our table: look it up in the permissions reference"


def spelled(role: str) -> str:
    """Bring a role to its bare name in lower case, from an id or a ``https://resource/`` spelling."""
    return named(role).lower()


def required_sources(roles: tuple[str, ...] | None) -> tuple[str, ...]:
    """Name the logs without which nobody may say "clean" (unknown roles: all three)."""
    if roles is None:
        return (SIGN_INS, GRAPH, MAILBOX)
    names = {spelled(role) for role in roles}
    # A role that is still an id is one we do not know, and so is a slip of the pen: it could be anything.
    unknown = not all(map(_known, names))
    graph = unknown or bool(names - EXCHANGE - MANAGEMENT)
    mail = unknown or any(name in EXCHANGE or name in _ESCALATES or name.startswith(_MAIL) for name in names)
    return (SIGN_INS, *((GRAPH,) if graph else ()), *((MAILBOX,) if mail else ()))


def _known(name: str) -> bool:
    first, dot, _ = name.partition(".")
    return name in COULD or name in EXCHANGE or name.startswith(_MAIL) or (bool(dot) and first in _ELSEWHERE)


def could(roles: tuple[str, ...] | None) -> list[dict[str, str]]:
    """Say in words what these roles allow whoever holds the credential; unknown roles allow anything.

    Returns:
        One entry a role: ``role`` by its name where it is known, and what it ``allows``.
    """
    if roles is None:
        return [{"role": "not known", "allows": "anything: nobody told which roles this connection has"}]
    if not roles:
        return [{"role": "none", "allows": "nothing of Microsoft Graph; roles in Exchange show in no token"}]
    return [{"role": named(role), "allows": COULD.get(spelled(role), UNKNOWN)} for role in roles]


def named(role: str) -> str:
    """Return a role's name as Microsoft writes it, or the id where we do not know the name."""
    bare = role.strip().rstrip("/").rsplit("/", 1)[-1]
    return IDS.get(bare.lower(), bare)
