"""The drill with the operator's own tenants: they are read, rebuilt in a laboratory, and not touched."""

import hashlib
import json
import subprocess
import sys

import pytest
from tests.app.laboratory import place

from counterfoil import clock
from counterfoil.app import connecting
from counterfoil.app.drill import own
from counterfoil.app.drill.cast import ROLES, Part
from counterfoil.app.drill.customers import shared_key
from counterfoil.config.settings import Config
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store.tenants import Domain, Operator, Tenants
from counterfoil.model.errors import Misconfigured

POLICY = {"hold_days": 3, "actions": {"suspicious": "quarantine"}}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """An operator: one certificate on three tenants, a fourth with a key of its own, a fifth with mail alone."""
    with place(tmp_path_factory.mktemp("own")) as at:
        shared = shared_key()
        by = Operator("test", clock.now())
        tenants = Tenants(at.books.ledger.engine, at.books.ledger)
        for name in ("contoso", "fabrikam", "umbrella", "wingtip", "initech"):
            tenants.add(name, name.title(), by)
            tenants.set_domain(Domain(f"{name}.example", name, NextHop("mx.real.example", 25, Tls.VERIFY)), by)
        tenants.set_policy("contoso", POLICY, by)
        for name in ("contoso", "fabrikam", "umbrella", "wingtip"):
            ids = at.lab.add_tenant(name)["id"]
            owners = []
            if name != "fabrikam":
                control = at.register(name, "control", ["Application.ReadWrite.OwnedBy"], tenant_id=ids)
                at.connect(control)
                owners = [control.service_principal]
            mail = at.register(name, "mail", ["Mail.ReadWrite"], owners=owners, tenant_id=ids)
            if name == "wingtip":
                at.connect(mail)
            else:
                key = ((shared.key_pem + shared.certificate_pem).encode(), None)
                at.upload(mail, connecting.enter(at.books, mail, "test", 30, key))
                assert connecting.test(at.books, mail, mail.roles, "test").works
        at.shared = shared
        yield at


def cast(house, thumbprint=None):
    """The cast of this house."""
    return own.of_operator(house.data, Config(), thumbprint)


def test_the_most_shared_certificate_is_the_one_that_is_stolen(house):
    """Three tenants have it; who has none of it is a bystander, and the policy comes along."""
    found = cast(house)
    assert (found.thumbprint, found.shared) == (house.shared.thumbprint, 3)
    assert {one.name: one.part for one in found.wanted} == {
        "contoso": Part.READ,
        "fabrikam": Part.REPLAYED,
        "umbrella": Part.CLEAN,
        "initech": Part.BYSTANDER,
        "wingtip": Part.BYSTANDER,
    }
    contoso = next(one for one in found.wanted if one.name == "contoso")
    assert (contoso.policy, contoso.domains, contoso.control) == (POLICY, ("contoso.example",), True)
    assert [opening.stolen for opening in contoso.openings] == [True]
    assert set(contoso.openings[0].roles) == set(ROLES)
    assert any("the administrator of fabrikam has to act" in words for words in found.words)


def test_another_certificate_can_be_chosen(house):
    """Then its tenant is the one that is robbed."""
    wingtip = next(c for c in house.books.connections.all("wingtip") if "Mail.ReadWrite" in c.roles)
    mark = house.books.connections.current(wingtip).thumbprint_sha256
    found = cast(house, mark)
    assert [one.name for one in found.wanted if one.part is not Part.BYSTANDER] == ["wingtip"]


@pytest.mark.parametrize(("thumbprint", "words"), [("AB" * 32, "no connection has ABAB")])
def test_a_certificate_that_is_nowhere_is_refused(house, thumbprint, words):
    """The message names it."""
    with pytest.raises(Misconfigured, match=words):
        cast(house, thumbprint)


def test_a_folder_without_data_is_refused_and_nothing_is_made_in_it(tmp_path):
    """A wrong path must not become a new, empty house."""
    with pytest.raises(Misconfigured, match="there is no data of yours"):
        own.of_operator(tmp_path, Config(), None)
    assert list(tmp_path.iterdir()) == []


def fingerprints(folder):
    """Every file with its hash; what SQLite keeps beside an open database is not of the house."""
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


@pytest.mark.timeout(280)
def test_the_plan_is_practised_with_the_operators_own_tenants_and_touches_none(house, tmp_path):
    """Every claim is true, the answer says who was in it, and neither the house nor its Microsoft 365 sees a thing."""
    house.books.ledger.checkpoint()  # the house itself writes nothing of its own accord from here on
    before = fingerprints(house.data)
    tenants = [tenant["id"] for tenant in house.lab.operate("tenants")]
    rows = {tenant: house.lab.operate("rows", tenant=tenant, log="signin") for tenant in tenants}
    assert all(rows.values())
    kept = tmp_path / "kept"
    line = [sys.executable, "-m", "counterfoil", "drill", "--from", str(house.data), "--keep", str(kept), "--json"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=270, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    document = json.loads(done.stdout)
    assert document["differences"] == []
    who = {one["tenant"]: (one["part"], one["rotated_by"]) for one in document["tenants"]}
    assert who == {
        "contoso": ("read", "us"),
        "fabrikam": ("replayed", "its administrator"),
        "umbrella": ("clean", "us"),
        "wingtip": ("bystander", "us"),
        "initech": ("bystander", None),
    }
    figures = document["figures"]
    assert figures["touched by somebody else"]["claimed"] == ["contoso", "fabrikam"]
    assert figures["rotated by us and proven dead"]["claimed"] == ["contoso", "umbrella"]
    assert figures["replaced by hand, seen by real use"]["claimed"] == ["fabrikam"]
    assert figures["gaps seen where the old one was deleted first"]["claimed"] == 1
    assert any(house.shared.thumbprint in words for words in document["remarks"])
    assert fingerprints(house.data) == before
    assert rows == {tenant: house.lab.operate("rows", tenant=tenant, log="signin") for tenant in rows}
    assert kept.stat().st_mode & 0o777 == 0o700
    assert json.loads((kept / "claims.json").read_text())["figures"] == figures
    page = (kept / "report.html").read_text()
    assert "every claim was true" in page
    assert all(name in page for name in who)
    assert "seen by real use" in page.split("By hand")[1]
