"""Evidence bundles: what is in them verifies away from us, and nothing of anybody else is in them."""

import json
import re
import subprocess
import sys
import zipfile

import pytest
from tests.app.test_incidents import store  # noqa: F401 - the fixture
from tests.conftest import require_program
from tests.incident.conftest import BY, NOW, entry

from counterfoil.app import bundling, incidents
from counterfoil.incident.facts import Customer
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Unavailable


@pytest.fixture
def bundle(store, tmp_path):  # noqa: F811 - pytest hands the fixture in by this name
    """The unpacked bundle of the first of two tenants, and the key of the ledger."""
    for tenant in ("t1", "t2") * 40:
        call = {"app": f"app-{tenant}", "client_request_id": f"{tenant}-x", "job": "j1"}
        store.ledger.append(stub_at("call", NOW, tenant, **call))
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"tenants": [entry("t1", "contoso"), entry("t2", "fabrikam")]}))
    incident = incidents.open_by_answer(store, tmp_path, "fabrikam-leak", answer, BY)
    part = store.scope("fabrikam-leak", "t1")["t1"]
    customer = Customer("Contoso", "t1", has=True, uses=1, part=part)
    path = bundling.customer_bundle(store, incident, customer, tmp_path / "out" / "b.zip", "ada")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
    (folder,) = (tmp_path / "unpacked").iterdir()
    return folder, str(store.ledger.publication.key)


def verified(folder, key):
    """Run the verifier that lies in the bundle, isolated from everything of ours."""
    line = [sys.executable, "-I", folder / "verify_ledger.py", "bundle", folder, key]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_bundle_verifies_and_its_answer_is_the_one_in_the_ledger(bundle):
    """All 40 calls of the tenant and its finding are there; the finding's stub names the hash of answer.json."""
    folder, key = bundle
    code, words = verified(folder, key)
    assert (code, "41 stubs verified" in words) == (0, True), words
    import hashlib

    stubs = [json.loads(path.read_bytes()) for path in (folder / "stubs").glob("*.stub.json")]
    (finding,) = [stub for stub in stubs if stub.get("action") == "incident-finding"]
    assert finding["detail"]["sha256"] == hashlib.sha256((folder / "answer.json").read_bytes()).hexdigest()


def test_nothing_of_another_tenant_is_in_it(bundle):
    """Not in any file: neither its id, its data, nor the name of the incident, which may name it."""
    folder, _ = bundle
    for path in folder.rglob("*"):
        if path.is_file():
            octets = path.read_bytes()
            assert b"fabrikam" not in octets, path
            assert b'"t2"' not in octets, path
            assert b"t2-x" not in octets, path


def change(path):
    """Change one octet in the middle."""
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 1
    path.write_bytes(octets)


TAMPERING = {
    "a file is changed": (lambda f: change(f / "answer.json"), "answer.json was changed"),
    "a file is gone": (lambda f: (f / "report.html").unlink(), "not as the manifest says: report.html"),
    "a file is added": (lambda f: (f / "more.txt").write_text("x"), "not as the manifest says: more.txt"),
    "the manifest is changed": (
        lambda f: (f / "manifest.json").write_text('{"files": {}}'),
        "the manifest is not the one",
    ),
    "the seal is changed": (lambda f: change(f / "manifest.stub.json"), "NOT VERIFIED"),
    "the receipt is changed": (lambda f: change(f / "manifest.tlog-proof"), "NOT VERIFIED"),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_found(bundle, how):
    """Whatever is changed in an unpacked bundle, the verifier says so."""
    folder, key = bundle
    act, words = TAMPERING[how]
    act(folder)
    code, said = verified(folder, key)
    assert code == 1
    assert words in said


@pytest.mark.parametrize("where", ["", "missing", "leak.zip"])
def test_a_wrong_folder_is_told_from_a_bundle_that_is_wrong(bundle, tmp_path, where):
    """Nothing was verified, nothing was found wrong: another exit code, and what to name instead."""
    folder, key = bundle
    place = tmp_path / "elsewhere" / where
    (tmp_path / "elsewhere").mkdir()
    if where == "leak.zip":
        place.write_bytes(b"PK")
    line = [sys.executable, "-I", folder / "verify_ledger.py", "bundle", place, key]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("NOTHING TO VERIFY")
    assert "holds no manifest.json: name the folder that does; a zip is unpacked first" in done.stderr


def test_the_verifier_says_how_it_is_called(bundle):
    """Every verb of it, the bundle's too, stands in its help."""
    folder, _ = bundle
    line = [sys.executable, "-I", folder / "verify_ledger.py", "--help"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
    assert all(f"verify_ledger.py {verb} " in done.stdout for verb in ("log", "receipt", "receipts", "bundle"))


def test_a_bundle_of_another_ledger_does_not_verify(bundle, tmp_path):
    """The key decides; it is to be taken from somewhere else than the bundle."""
    from counterfoil.ledger.keyfile import embedded_key

    folder, key = bundle
    other = str(embedded_key(tmp_path / "other.key")[0])
    assert other != key
    assert verified(folder, other)[0] == 1


def test_without_chromium_the_pdf_is_skipped_in_a_plain_word(tmp_path, monkeypatch):
    """No traceback, and the words say what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="chromium is not there"):
        bundling.pdf("<p>")


def test_the_report_of_a_bundle_prints_across_the_page(bundle):
    """Wide tables on A4 laid across, whole: the octets of a PDF whose pages are wider than high."""
    require_program("chromium")
    folder, _ = bundle
    made = bundling.pdf((folder / "report.html").read_text())
    assert made.startswith(b"%PDF-")
    sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", made)
    assert sizes
    assert {(round(float(wide)), round(float(high))) for wide, high in sizes} == {(842, 595)}
