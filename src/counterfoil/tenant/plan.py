"""What a tenant's administrator must do to connect us, and why: as data, as a page, as PowerShell. Pure.

Least privilege by product; every permission says whether it reads or changes. Besides, the lines that
close the back door: without them mail can be sent straight to the tenant, past the gateway.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from counterfoil.model.errors import Misconfigured
from counterfoil.model.mail import Json
from counterfoil.tenant import plan_scope
from counterfoil.tenant.permissions import PERMISSIONS, PRODUCTS, RESOURCE_APPS, needed

_REF = '@{"@odata.id" = "https://graph.microsoft.com/v1.0/directoryObjects/$($controlSp.Id)"}'
OWNER = (
    f"New-MgApplicationOwnerByRef -ApplicationId $app.Id -BodyParameter {_REF}",
    f"New-MgServicePrincipalOwnerByRef -ServicePrincipalId $sp.Id -BodyParameter {_REF}",
)
"""Of the application, to replace its credentials; of its service principal, to switch it off when a key is stolen."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan for one tenant.

    ``gateway`` is the name in our client certificate; ``outbound`` the host of the outbound listener, which
    has an address of its own (docs/connect.md). ``app`` is the client id of the application that is registered
    already: nothing but what is added to it is in the plan. ``mailboxes`` is the address of the group whose
    members' mailboxes are opened, where not all are.
    """

    tenant: str
    products: tuple[str, ...]
    gateway: str
    secret_header: str
    outbound: str
    app: str | None = None
    mailboxes: str | None = None

    @property
    def scoped(self) -> list[str]:
        """The permissions that Exchange grants for those mailboxes; Entra must not grant them too."""
        return [] if self.mailboxes is None else plan_scope.narrowed(self.consent)

    @property
    def scope_words(self) -> list[str]:
        """What is to be known about that; nothing where every mailbox is opened."""
        if self.mailboxes is None:
            return []
        return plan_scope.words(self.mailboxes, self.scoped, self.tenant)

    @property
    def consent(self) -> dict[str, list[str]]:
        """The permissions of the application that reads mail and logs, each with its reasons."""
        return needed(tuple(name for name in self.products if name != "control"))

    @property
    def control(self) -> dict[str, list[str]]:
        """The permissions of the second application, with reasons; none where it is not asked for."""
        return needed(("control",)) if "control" in self.products else {}


def make(
    tenant: str,
    products: tuple[str, ...],
    gateway: str,
    secret_header: str,
    outbound: str | None = None,
    *,
    app: str | None = None,
    mailboxes: str | None = None,
) -> Plan:
    """Make a plan; without a name of its own the outbound listener is reached by the gateway's.

    Raises:
        Misconfigured: If a product is unknown, none is named, there is no application for ``control`` to own, or no
            permission that could be narrowed to ``mailboxes``.
    """
    unknown = [name for name in products if name not in PRODUCTS]
    if unknown or not products:
        raise Misconfigured(
            f"unknown product: {', '.join(unknown)}" if unknown else "no product was named",
            f"the products are {', '.join(PRODUCTS)}",
        )
    if set(products) == {"control"} and app is None:
        raise Misconfigured(
            "control alone is for an application that is registered already, and none was named",
            f"say --app ID (counterfoil connection list), or plan it with the other products of {tenant}",
        )
    group = None if mailboxes is None else plan_scope.group_address(mailboxes)
    made = Plan(tenant, products, gateway, secret_header, outbound or gateway, app, group)
    if group is not None and not made.scoped:
        raise Misconfigured(
            f"{', '.join(products)} opens no mailbox, so there is nothing to narrow", "leave --mailboxes out"
        )
    return made


def as_json(plan: Plan) -> dict[str, Json]:
    """Return the plan as JSON."""
    return {
        "tenant": plan.tenant,
        "products": list(plan.products),
        "permissions": _explained(plan.consent, plan.scoped),
        "mailboxes": plan.mailboxes,
        "exchange": [*_scope(plan)],
        "control_application": bool(plan.control),
        "control_permissions": _explained(plan.control),
        "back_door": list(back_door(plan)) if plan.app is None else [],
    }


def _explained(wanted: dict[str, list[str]], scoped: Collection[str] = ()) -> list[Json]:
    return [
        {
            "permission": name,
            "id": PERMISSIONS[name].id,
            "resource": PERMISSIONS[name].resource,
            "reads": PERMISSIONS[name].reads,
            "changes": PERMISSIONS[name].changes,
            "why": list(why),
            "exchange_role": plan_scope.ROLES[name] if name in scoped else None,
        }
        for name, why in wanted.items()
    ]


def as_text(plan: Plan) -> str:
    """Return the plan as a page that can be sent to the tenant's administrator."""
    lines = [f"What {plan.tenant} is asked to allow", "=" * (len(plan.tenant) + 23), ""]
    lines += [f"* {name}: {PRODUCTS[name].what}" for name in plan.products]
    if plan.consent:
        lines += ["", "Permissions (application permissions, admin consent)", "", *_listed(plan.consent, plan.scoped)]
        lines += ["", *plan.scope_words] if plan.scoped else []
    if plan.control:
        lines += ["", f"A second application, for rotations: {CONTROL}", "", *_listed(plan.control)]
    lines += ["", "Register and consent (Microsoft Graph PowerShell)", "", *as_powershell(plan).splitlines()]
    lines += ["", REPLY]
    if plan.app is None:
        lines += ["", "Close the back door (Exchange Online PowerShell)", "", secret_words(plan), "", *back_door(plan)]
    return "\n".join([*lines, ""])


IN_EXCHANGE = " (as a role in Exchange, for some mailboxes; not in Entra)"
CONTROL = "it owns the first, so that it can write its credentials and switch it off, and it reads no mail."
REPLY = (
    "Send us the ids that the last lines print, and the tenant's id; we answer with a certificate to upload for each."
)


def _listed(wanted: dict[str, list[str]], scoped: Collection[str] = ()) -> list[str]:
    lines = []
    for name, why in wanted.items():
        permission = PERMISSIONS[name]
        lines.append(f"* {name}{IN_EXCHANGE if name in scoped else ''}")
        lines.append(f"    reads:   {permission.reads or 'nothing'}")
        lines.append(f"    changes: {permission.changes or 'nothing'}")
        lines += [f"    why:     {reason}" for reason in why]
    return lines


def as_powershell(plan: Plan) -> str:
    """Return the lines that register and consent, for Microsoft Graph PowerShell."""
    lines = [
        "Connect-MgGraph -Scopes 'Application.ReadWrite.All','AppRoleAssignment.ReadWrite.All'",
        *_application(plan.app),
        *grants([name for name in plan.consent if name not in plan.scoped], "$sp"),
    ]
    if plan.control:
        lines += [
            "$control = New-MgApplication -DisplayName 'Counterfoil control' -SignInAudience AzureADMyOrg",
            "$controlSp = New-MgServicePrincipal -AppId $control.AppId",
            *grants(plan.control, "$controlSp"),
            *OWNER,
            '"control: app $($control.AppId) object $($control.Id) principal $($controlSp.Id)"',
        ]
    lines += _scope(plan)
    lines.append('"app $($app.AppId) object $($app.Id) principal $($sp.Id)"')
    return "\n".join(lines) + "\n"


def _scope(plan: Plan) -> list[str]:
    if plan.mailboxes is None:
        return []
    ids = {name: PERMISSIONS[name].id for name in plan_scope.narrowed(PERMISSIONS)}
    return plan_scope.lines(plan.mailboxes, plan.scoped, None if plan.app is None else ids)


def _application(app: str | None) -> tuple[str, str]:
    if app is None:
        return (
            "$app = New-MgApplication -DisplayName 'Counterfoil' -SignInAudience AzureADMyOrg",
            "$sp = New-MgServicePrincipal -AppId $app.AppId",
        )
    return (
        f"$app = Get-MgApplication -Filter \"appId eq '{app}'\"",
        f"$sp = Get-MgServicePrincipal -Filter \"appId eq '{app}'\"",
    )


def grants(wanted: Iterable[str], principal: str) -> list[str]:
    """Return the lines that consent to permissions for a service principal, of which ``principal`` is the variable."""
    lines = []
    for name in wanted:
        permission = PERMISSIONS[name]
        resource = f"(Get-MgServicePrincipal -Filter \"appId eq '{RESOURCE_APPS[permission.resource]}'\").Id"
        lines.append(
            f"New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId {principal}.Id -PrincipalId {principal}.Id "
            f"-ResourceId {resource} -AppRoleId {permission.id}  # {name}"
        )
    return lines


_SEALERS = "Get-ArcConfig | Select-Object -ExpandProperty ArcTrustedSealers"
_SEALS = "only where something of ours seals (ARC) by this name; Counterfoil itself does not"


def secret_words(plan: Plan) -> str:
    """Say what stands for ``THE SECRET`` in the lines that close the back door."""
    return f"THE SECRET comes from us by another way; counterfoil tenant sender {plan.tenant} --new-secret prints it"


def back_door(plan: Plan) -> tuple[str, ...]:
    """Return the Exchange Online lines without which mail can pass the gateway by (Exchange Online, connectors)."""
    name = plan.gateway
    by_certificate = (
        f"-RequireTls $true -RestrictDomainsToCertificate $true -TlsSenderCertificateName '{name}' -EFSkipLastIP $true"
    )
    out = plan.outbound
    by_name = f"-TlsSettings DomainValidation -TlsDomain '{out}' -IsTransportRuleScoped $true -UseMXRecord $false"
    secret = f"-SetHeaderName '{plan.secret_header}' -SetHeaderValue 'THE SECRET'"
    outside = "-FromScope InOrganization -SentToScope NotInOrganization"
    return (
        f"New-InboundConnector -Name 'Counterfoil' -ConnectorType Partner -SenderDomains * {by_certificate}",
        f"Set-ArcConfig -Identity Default -ArcTrustedSealers (@({_SEALERS}) + '{name}')  # {_SEALS}",
        f"New-OutboundConnector -Name 'Counterfoil' -ConnectorType Partner -SmartHosts '{out}' {by_name}",
        f"New-TransportRule -Name 'Counterfoil' {outside} {secret} -RouteMessageOutboundConnector 'Counterfoil'",
    )
