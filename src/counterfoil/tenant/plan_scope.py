"""The lines that open some mailboxes and no others: roles in Exchange with a scope, instead of permissions in Entra.

Exchange Online, "Role Based Access Control for Applications". Pure.
"""

import re
from collections.abc import Iterable, Mapping

from counterfoil.model.errors import Misconfigured

ROLES = {
    name: f"Application {name}"
    for name in (
        "Mail.Read",
        "Mail.ReadBasic",
        "Mail.ReadWrite",
        "Mail.Send",
        "MailboxSettings.Read",
        "MailboxSettings.ReadWrite",
    )
}
"""The role in Exchange for each permission in Entra that has one."""

_ADDRESS = re.compile(r"[A-Za-z0-9.!#%&*+/=?^_{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
"""An address as far as it needs no quoting in PowerShell."""
_SCOPE = "Counterfoil"


def group_address(text: str) -> str:
    """Return the address of the group whose members' mailboxes are opened.

    Raises:
        Misconfigured: If it is none.
    """
    if _ADDRESS.fullmatch(text) is None:
        raise Misconfigured(f"{text!r} is no address of a group", "say --mailboxes GROUP@DOMAIN")
    return text


def narrowed(wanted: Iterable[str]) -> list[str]:
    """Return those of the wanted permissions that a role in Exchange can grant instead."""
    return [name for name in wanted if name in ROLES]


def lines(group: str, names: Iterable[str], ids: Mapping[str, str] | None) -> list[str]:
    """Return the lines for Exchange Online PowerShell, to be run where ``$app`` and ``$sp`` are known.

    Args:
        group: Address of the group.
        names: Permissions that have a role.
        ids: Of an application that is there already: app role ids of what Entra may have granted it, which is taken
            back once Exchange grants it. ``None`` for a new one.
    """
    return [
        "# Exchange Online PowerShell, in the same window:",
        "Connect-ExchangeOnline",
        "New-ServicePrincipal -AppId $app.AppId -ObjectId $sp.Id -DisplayName 'Counterfoil'",
        f"$group = (Get-Recipient -Identity '{group}').DistinguishedName -replace \"'\", \"''\"",
        f"New-ManagementScope -Name '{_SCOPE}' -RecipientRestrictionFilter \"MemberOfGroup -eq '$group'\"",
        *(
            f"New-ManagementRoleAssignment -App $sp.Id -Role '{ROLES[name]}' -CustomResourceScope '{_SCOPE}'"
            for name in names
        ),
        *(_taken_back(name, role) for name, role in (ids or {}).items()),
        "Test-ServicePrincipalAuthorization -Identity $sp.Id -Resource 'MEMBER'  # InScope is True for a member alone",
    ]


def _taken_back(name: str, role: str) -> str:
    found = (
        f"Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $sp.Id -All | Where-Object AppRoleId -eq '{role}'"
    )
    gone = "Remove-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $sp.Id -AppRoleAssignmentId $_.Id"
    return f"{found} | ForEach-Object {{ {gone} }}  # {name} in Entra opens every mailbox: rights add up"


def words(group: str, names: Iterable[str], tenant: str) -> list[str]:
    """Say what such a grant is, what must not be granted besides, and how it is tried."""
    roles = ", ".join(ROLES[name] for name in names)
    what = f"{roles} is granted in Exchange (RBAC for Applications), and shows in no token."
    return [
        f"Only the mailboxes of the direct members of {group} are opened: {what}",
        "The permission of that name in Entra must not be granted besides: rights add up, and it opens all mailboxes.",
        "The mailbox of the heartbeats has to be a member. A change takes half an hour to two hours to be in force.",
        f"Then we try it: counterfoil connection test {tenant} --inside MEMBER --outside ANOTHER",
    ]
