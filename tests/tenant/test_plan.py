"""The connection plan: least privilege by product, with reasons, and the back door closed."""

import json
from uuid import UUID

import pytest

from counterfoil.model.errors import Misconfigured
from counterfoil.tenant import plan
from counterfoil.tenant.permissions import PERMISSIONS, PRODUCTS, needed


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
