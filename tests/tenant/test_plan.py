"""The connection plan: least privilege by product, with reasons, and the back door closed."""

import json
from uuid import UUID

import pytest

from counterfoil.model.errors import Misconfigured
from counterfoil.tenant import plan
from counterfoil.tenant.permissions import PERMISSIONS, PRODUCTS, needed
from counterfoil.tenant.plan_scope import ROLES


def made(*products):
    """A plan for one tenant."""
    return plan.make("contoso", products, "gw.example.org", "X-Counterfoil-Tenant")


def test_a_plan_asks_for_nothing_that_no_product_needs():
    """Scanning internal mail alone asks for reading mail and for nothing else."""
    asked = plan.as_json(made("scan-internal"))["permissions"]
    assert [entry["permission"] for entry in asked] == ["Mail.Read"]
    assert asked[0]["changes"] == ""


def test_reading_and_changing_are_one_permission_with_both_reasons():
    """Where a product changes mail, reading is not asked for beside it, and its reason is kept."""
    wanted = needed(("remediate", "scan-internal"))
    assert list(wanted) == ["Mail.ReadWrite"]
    assert {why.rpartition("(")[2] for why in wanted["Mail.ReadWrite"]} == {"remediate)", "scan-internal)"}


def test_the_application_that_reads_mail_may_write_no_credentials():
    """The control product is an application of its own in every form of the plan."""
    both = made("remediate", "control")
    assert "Application.ReadWrite.OwnedBy" not in [e["permission"] for e in plan.as_json(both)["permissions"]]
    lines = plan.as_powershell(both).splitlines()
    grants = [line for line in lines if PERMISSIONS["Application.ReadWrite.OwnedBy"].id in line]
    assert len(grants) == 1
    assert "$controlSp.Id" in grants[0]
    (asked,) = plan.as_json(both)["control_permissions"]
    assert (asked["permission"], bool(asked["changes"])) == ("Application.ReadWrite.OwnedBy", True)
    assert plan.as_json(made("remediate"))["control_permissions"] == []
    told = [line for line in lines if line.startswith('"')]
    assert [line.split()[0] for line in told] == ['"control:', '"app'], "the ids of both are what comes back to us"


def test_control_comes_later_to_the_application_that_is_there():
    """For a connected tenant nothing is registered twice: the control application owns the one that was named."""
    app = "7b24f8a4-42bd-4f0c-b7ad-0c4a4bd9b5a1"
    later = plan.make("contoso", ("control",), "gw.example.org", "X-Counterfoil-Tenant", app=app)
    lines = plan.as_powershell(later).splitlines()
    assert [line for line in lines if "New-MgApplication " in line] == [
        "$control = New-MgApplication -DisplayName 'Counterfoil control' -SignInAudience AzureADMyOrg"
    ]
    assert f"$app = Get-MgApplication -Filter \"appId eq '{app}'\"" in lines
    assert [line.split()[2] for line in lines if "OwnerByRef" in line] == ["$app.Id", "$sp.Id"]
    text = plan.as_text(later)
    assert "Permissions (" not in text, "a section with nothing in it"
    assert "* Application.ReadWrite.OwnedBy" in text
    assert "Exchange Online" not in text, "its back door was closed when it was connected"
    assert plan.as_json(later)["back_door"] == []


def test_control_alone_says_of_which_application():
    """Without one to own it would register a second that reads mail; the hint says where its id is found."""
    with pytest.raises(Misconfigured, match="control alone is for an application") as refusal:
        made("control")
    assert "--app ID (counterfoil connection list)" in str(refusal.value.hint)


GROUP = "mail-guard@contoso.example"


def scoped(*products, app=None, mailboxes=GROUP):
    """A plan that opens the mailboxes of a group's members alone."""
    return plan.make("contoso", products, "gw.example.org", "X-C", app=app, mailboxes=mailboxes)


def test_some_mailboxes_are_opened_in_exchange_and_not_in_entra():
    """With a group the permission to read mail is a role with a scope; Entra grants the others alone."""
    role = ROLES["Mail.ReadWrite"]
    made_for = scoped("remediate", "watch", "control")
    lines = plan.as_powershell(made_for).splitlines()
    entra = [line.rpartition("# ")[2] for line in lines if line.startswith("New-MgServicePrincipalAppRoleAssignment")]
    assert entra == ["AuditLog.Read.All", "ActivityFeed.Read", "Application.Read.All", "Application.ReadWrite.OwnedBy"]
    exchange = lines[lines.index("Connect-ExchangeOnline") :]
    assert "New-ServicePrincipal -AppId $app.AppId -ObjectId $sp.Id -DisplayName 'Counterfoil'" in exchange
    assert f"$group = (Get-Recipient -Identity '{GROUP}').DistinguishedName -replace \"'\", \"''\"" in exchange
    assert [line for line in exchange if line.startswith("New-Management")] == [
        "New-ManagementScope -Name 'Counterfoil' -RecipientRestrictionFilter \"MemberOfGroup -eq '$group'\"",
        f"New-ManagementRoleAssignment -App $sp.Id -Role '{role}' -CustomResourceScope 'Counterfoil'",
    ]
    assert role == "Application Mail.ReadWrite"
    assert not any("Remove-Mg" in line for line in lines), "nothing was granted yet"
    told = plan.as_json(made_for)
    assert (told["mailboxes"], told["exchange"]) == (GROUP, exchange_lines(lines))
    assert {entry["permission"]: entry["exchange_role"] for entry in told["permissions"]} == {
        "Mail.ReadWrite": "Application Mail.ReadWrite",
        **dict.fromkeys(("AuditLog.Read.All", "ActivityFeed.Read", "Application.Read.All")),
    }


def exchange_lines(lines):
    """The part of the lines that is for Exchange: all but the last, which prints the ids."""
    return lines[next(n for n, line in enumerate(lines) if line.startswith("# Exchange")) : -1]


def test_an_application_that_reads_all_mail_is_narrowed():
    """What Entra granted is taken back after Exchange granted it, so that nothing stops and nothing is left beside."""
    lines = plan.as_powershell(scoped("scan-internal", app="7b24f8a4-42bd-4f0c-b7ad-0c4a4bd9b5a1")).splitlines()
    given = next(n for n, line in enumerate(lines) if line.startswith("New-ManagementRoleAssignment"))
    taken = [n for n, line in enumerate(lines) if "Remove-MgServicePrincipalAppRoleAssignment" in line]
    assert given < min(taken)
    assert {PERMISSIONS[name].id for name in ("Mail.Read", "Mail.ReadWrite")} == {
        lines[n].partition("-eq '")[2].partition("'")[0] for n in taken
    }
    assert not any(line.startswith("New-MgServicePrincipalAppRoleAssignment") for line in lines)


def test_the_page_says_that_rights_add_up():
    """Who grants the Entra permission besides has opened every mailbox: text says so, and how the scope is tried."""
    text = plan.as_text(scoped("remediate"))
    assert "must not be granted besides: rights add up" in text
    assert "* Mail.ReadWrite (as a role in Exchange, for some mailboxes; not in Entra)" in text
    assert "counterfoil connection test contoso --inside MEMBER --outside ANOTHER" in text
    assert "rights add up" not in plan.as_text(made("remediate"))
    assert plan.as_json(made("remediate"))["exchange"] == []


@pytest.mark.parametrize(
    ("products", "group", "words"),
    [
        (("watch",), GROUP, "watch opens no mailbox, so there is nothing to narrow"),
        (("remediate",), "x'; Remove-Mailbox all #@contoso.example", "is no address of a group"),
        (("remediate",), "group", "is no address of a group"),
        (("remediate",), "$(evil)@contoso.example", "is no address of a group"),
    ],
)
def test_what_cannot_be_narrowed_is_refused(products, group, words):
    """A product that opens no mailbox, and what is no plain address: it would stand in lines that somebody runs."""
    with pytest.raises(Misconfigured, match=words):
        scoped(*products, mailboxes=group)


def test_every_permission_says_what_it_reads_or_changes():
    """No permission opens nothing, and each product has a reason for each of its permissions."""
    assert all(permission.reads or permission.changes for permission in PERMISSIONS.values())
    assert all(why for product in PRODUCTS.values() for _, why in product.needs)


def test_the_back_door_is_closed_by_the_name_in_our_certificate():
    """The page and the JSON carry the connector that takes mail only from that name over TLS."""
    text = plan.as_text(made("watch"))
    assert "-RestrictDomainsToCertificate $true -TlsSenderCertificateName 'gw.example.org'" in text
    assert "-SetHeaderName 'X-Counterfoil-Tenant'" in text
    json.dumps(plan.as_json(made("watch")))


def test_the_page_registers_the_application_and_says_what_the_secret_is():
    """The text alone is enough: it has the lines of --powershell, and the command that makes the secret."""
    text = plan.as_text(made("watch"))
    assert plan.as_powershell(made("watch")) in text
    assert "counterfoil tenant sender contoso --new-secret" in text


@pytest.mark.parametrize(("outbound", "host"), [(None, "gw.example.org"), ("out.example.org", "out.example.org")])
def test_outbound_mail_goes_to_the_host_of_the_outbound_listener(outbound, host):
    """It has an address of its own; what comes in is still known by the name in our certificate."""
    inbound, _, connector, _ = plan.back_door(plan.make("contoso", ("watch",), "gw.example.org", "X-C", outbound))
    assert f"-SmartHosts '{host}' -TlsSettings DomainValidation -TlsDomain '{host}'" in connector
    assert "-TlsSenderCertificateName 'gw.example.org'" in inbound


def test_the_sealers_that_a_tenant_trusts_already_are_kept():
    """The cmdlet replaces the list: with none, one or several in it, ours comes to them; it is said that none seals."""
    arc = next(line for line in plan.back_door(made("watch")) if line.startswith("Set-ArcConfig"))
    kept = "(@(Get-ArcConfig | Select-Object -ExpandProperty ArcTrustedSealers) + 'gw.example.org')"
    assert f"-ArcTrustedSealers {kept}" in arc
    assert "Counterfoil itself does not" in arc.partition("#")[2]


@pytest.mark.parametrize(("products", "words"), [((), "no product was named"), (("spam",), "unknown product: spam")])
def test_a_plan_for_nothing_is_refused_with_the_list(products, words):
    """An unknown product, or none, is refused, and the hint lists what there is."""
    with pytest.raises(Misconfigured, match=words) as caught:
        made(*products)
    assert "remediate" in caught.value.hint


def test_the_reference_of_permissions_names_real_roles():
    """Every id is a GUID, and no two permissions share one."""
    ids = [permission.id for permission in PERMISSIONS.values()]
    assert len(set(ids)) == len(ids)
    assert [str(UUID(identifier)) for identifier in ids] == ids
