"""The table of Graph's operations that the laboratory has: method, path, permissions, handler."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from counterfoil.lab.graph import (
    applications,
    federations,
    mail,
    mail_changes,
    principals,
    reports,
    rules,
    subscriptions,
    transfer,
)
from counterfoil.lab.graph.context import Context
from counterfoil.lab.wire import Pending, Reply

Handler = Callable[[Context], Reply | Pending]

_APP_WRITE = ("Application.ReadWrite.All", "Application.ReadWrite.OwnedBy", "Directory.ReadWrite.All")
_APP_READ = ("Application.Read.All", "Directory.Read.All", *_APP_WRITE)
_GRANT = ("AppRoleAssignment.ReadWrite.All",)
_ORGANIZATION = ("Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All", "User.Read.All")
_USERS = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
_BASIC = ("Mail.ReadBasic", "Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite")
_READ = ("Mail.Read", "Mail.ReadWrite")
_WRITE = ("Mail.ReadWrite",)
_SEND = ("Mail.Send",)
_RULES = ("MailboxSettings.Read", "MailboxSettings.ReadWrite")
_RULES_WRITE = ("MailboxSettings.ReadWrite",)
_TRANSFER = ("MailboxItem.ImportExport.All",)
_AUDIT = ("AuditLog.Read.All",)
_NONE: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One operation; any one of ``roles`` is enough, none are needed where it is empty."""

    method: str
    path: str
    roles: tuple[str, ...]
    handler: Handler
    mail: bool = False
    beta: bool = False

    def match(self, path: str) -> dict[str, str] | None:
        """Return what stands in the placeholders, or ``None`` if the path is another one."""
        found = _pattern(self.path).fullmatch(path)
        return None if found is None else found.groupdict()


_PATTERNS: dict[str, re.Pattern[str]] = {}


def _pattern(path: str) -> re.Pattern[str]:
    if path not in _PATTERNS:
        parts = re.split(r"\{(\w+)\}", path)
        text = "".join(f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        _PATTERNS[path] = re.compile(text, re.IGNORECASE)
    return _PATTERNS[path]


_A = "/applications/{application}"
_P = "/servicePrincipals/{principal}"
_U = "/users/{user}"
_F = "/users/{user}/mailFolders/{folder}"
_M = "/users/{user}/messages/{message}"
_X = "/admin/exchange/mailboxes/{mailbox}"
_MF = "/users/{user}/mailFolders/{folder}/messages/{message}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/applications", _APP_READ, applications.listing),
    Route("GET", _A, _APP_READ, applications.get),
    Route("PATCH", _A, _APP_WRITE, applications.patch),
    Route("POST", f"{_A}/addKey", _NONE, applications.add_key),
    Route("POST", f"{_A}/removeKey", _NONE, applications.remove_key),
    Route("POST", f"{_A}/addPassword", _APP_WRITE, applications.add_password),
    Route("POST", f"{_A}/removePassword", _APP_WRITE, applications.remove_password),
    Route("GET", f"{_A}/federatedIdentityCredentials", _APP_READ, federations.listing),
    Route("POST", f"{_A}/federatedIdentityCredentials", _APP_WRITE, federations.create),
    Route("DELETE", f"{_A}/federatedIdentityCredentials/{{federation}}", _APP_WRITE, federations.delete),
    Route("GET", "/servicePrincipals", _APP_READ, principals.listing),
    Route("GET", _P, _APP_READ, principals.get),
    Route("PATCH", _P, _APP_WRITE, principals.patch),
    Route("DELETE", _P, ("Application.ReadWrite.All", "Directory.ReadWrite.All"), principals.delete),
    Route("POST", f"{_P}/addKey", _NONE, principals.add_key),
    Route("POST", f"{_P}/removeKey", _NONE, principals.remove_key),
    Route("POST", f"{_P}/addPassword", _APP_WRITE, principals.add_password),
    Route("POST", f"{_P}/removePassword", _APP_WRITE, principals.remove_password),
    Route("GET", f"{_P}/appRoleAssignments", _APP_READ, principals.assignments),
    Route("POST", f"{_P}/appRoleAssignments", _GRANT, principals.assign),
    Route("DELETE", f"{_P}/appRoleAssignments/{{assignment}}", _GRANT, principals.unassign),
    Route("GET", "/organization", _ORGANIZATION, principals.organization),
    Route("GET", "/users", _USERS, principals.users),
    Route("GET", _U, _USERS, principals.user),
    Route("GET", f"{_U}/mailFolders", _BASIC, mail.folders, mail=True),
    Route("GET", _F, _BASIC, mail.folder, mail=True),
    Route("GET", f"{_U}/messages", _BASIC, mail.messages, mail=True),
    Route("POST", f"{_U}/messages", _WRITE, mail_changes.create, mail=True),
    Route("GET", f"{_F}/messages", _BASIC, mail.messages, mail=True),
    Route("POST", f"{_F}/messages", _WRITE, mail_changes.create, mail=True),
    Route("GET", f"{_F}/messages/delta", _BASIC, mail.delta, mail=True),
    *(
        Route(method, f"{base}{end}", roles, handler, mail=True)
        for base in (_M, _MF)
        for method, end, roles, handler in (
            ("GET", "", _BASIC, mail.message),
            ("PATCH", "", _WRITE, mail_changes.update),
            ("DELETE", "", _WRITE, mail_changes.delete),
            ("GET", "/$value", _READ, mail.value),
            ("POST", "/move", _WRITE, mail_changes.move),
            ("POST", "/copy", _WRITE, mail_changes.copy),
            ("POST", "/permanentDelete", _WRITE, mail_changes.permanent_delete),
            ("GET", "/attachments", _READ, mail.attachments),
            ("GET", "/attachments/{attachment}", _READ, mail.attachment),
            ("GET", "/attachments/{attachment}/$value", _READ, mail.attachment_value),
        )
    ),
    Route("POST", f"{_U}/sendMail", _SEND, mail_changes.send, mail=True),
    Route("GET", f"{_F}/messageRules", _RULES, rules.listing, mail=True),
    Route("POST", f"{_F}/messageRules", _RULES_WRITE, rules.create, mail=True),
    Route("GET", f"{_F}/messageRules/{{rule}}", _RULES, rules.get, mail=True),
    Route("PATCH", f"{_F}/messageRules/{{rule}}", _RULES_WRITE, rules.update, mail=True),
    Route("DELETE", f"{_F}/messageRules/{{rule}}", _RULES_WRITE, rules.delete, mail=True),
    Route("GET", f"{_U}/settings/exchange", _TRANSFER, transfer.settings, beta=True),
    Route("POST", f"{_X}/exportItems", _TRANSFER, transfer.export_items, beta=True),
    Route("POST", f"{_X}/createImportSession", _TRANSFER, transfer.create_import_session, beta=True),
    Route("GET", "/subscriptions", _NONE, subscriptions.listing),
    Route("POST", "/subscriptions", _NONE, subscriptions.create),
    Route("GET", "/subscriptions/{subscription}", _NONE, subscriptions.get),
    Route("PATCH", "/subscriptions/{subscription}", _NONE, subscriptions.renew),
    Route("DELETE", "/subscriptions/{subscription}", _NONE, subscriptions.delete),
    Route("POST", "/subscriptions/{subscription}/reauthorize", _NONE, subscriptions.reauthorize),
    Route("GET", "/auditLogs/signIns", _AUDIT, reports.sign_ins, beta=True),
    Route("GET", "/auditLogs/directoryAudits", _AUDIT, reports.directory_audits),
)

_CALLED = re.compile(r"/(\w+)\((?:(appId)=)?'([^'/]*)'\)", re.IGNORECASE)


def plain(path: str) -> str:
    """Rewrite the other spellings of OData.

    ``/mailFolders('inbox')`` becomes ``/mailFolders/inbox``, ``(appId='x')`` ``/appId=x``, ``delta()`` ``delta``.
    """
    path = path.replace("/microsoft.graph.", "/").removesuffix("()")
    return _CALLED.sub(lambda found: f"/{found[1]}/{'appId=' if found[2] else ''}{found[3]}", path)


def find(method: str, path: str, *, beta: bool) -> tuple[Route | None, dict[str, str], bool]:
    """Find the operation; returns it, its placeholders, and whether the path exists at all."""
    known = False
    for route in ROUTES:
        params = route.match(path)
        if params is None or (route.beta and not beta):
            continue
        if route.method == method:
            return route, params, True
        known = True
    return None, {}, known
