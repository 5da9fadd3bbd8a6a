"""The export of ``reconcile`` from a real ledger: receipts verify offline, and each customer has his own only."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.__main__ import main
from counterfoil.database import open_database
from counterfoil.ledger.ledger import open_ledger
from counterfoil.ledger.stubs import stub_at

NOW = datetime(2026, 10, 5, 9, tzinfo=UTC)
TENANTS = ("11111111-1111-1111-1111-111111111111", "99999999-9999-9999-9999-999999999999")
APP = "22222222-2222-2222-2222-222222222222"
WINDOW = ("--since", "2026-10-05T09:00:00Z", "--until", "2026-10-05T10:00:00Z")


def written(ledger):
    """Stubs of two tenants in turn, one of each outside the window, and a job that is nobody's own."""
    ledger.append(stub_at("job", NOW, None, id="j1", reason="heartbeat", subject="both"))
    for number, tenant in enumerate(TENANTS):
        ledger.append(stub_at("tenant", NOW, tenant, name=f"customer-{number}", connected=True, roles=["Mail.Read"]))
        for minutes in (1, 2, 3, 90):
            call = {"app": APP, "client_request_id": f"call-{number}-{minutes}", "job": "j1", "method": "GET"}
            ledger.append(stub_at("call", NOW + timedelta(minutes=minutes), tenant, **call))


@pytest.fixture
def export(tmp_path, capsys):
    """What ``reconcile --ledger DATA --export DIR`` wrote."""
    data = tmp_path / "data"
    data.mkdir()
    ledger = open_ledger(open_database(data / "counterfoil.db"), data)
    written(ledger)
    ledger.close()
    (tmp_path / "note.txt").write_text("no log is here")
    words = ["reconcile", "--ledger", str(data), "--logs", str(tmp_path / "note.txt"), *WINDOW]
    code = main([*words, "--export", str(tmp_path / "out")])
    printed = capsys.readouterr()
    assert code == 3, printed
    return tmp_path / "out"


def verified(folder, verb, *paths):
    """Run the verifier that lies in the folder, isolated from everything of ours, with the README's key."""
    key = (folder / "README.txt").read_text().split("receipts . '")[1].split("'")[0]
    line = [sys.executable, "-I", "verify_ledger.py", verb, *map(str, paths), key]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("tenant", TENANTS)
def test_receipts_verify_offline_as_the_readme_says(export, tenant):
    """The tenant's stub and its three calls of the window, by the one command of the README."""
    code, words = verified(export / tenant, "receipts", ".")

    assert (code, words.strip()) == (0, "4 stubs verified")


def test_no_receipt_is_anybody_elses(export):
    """Each stub in a folder names that tenant and no other; jobs and calls outside the window are not there."""
    for number, tenant in enumerate(TENANTS):
        stubs = [json.loads(path.read_bytes()) for path in (export / tenant / "stubs").glob("*.stub.json")]
        assert {stub["tenant"] for stub in stubs} == {tenant}
        assert sorted(stub.get("client_request_id", "") for stub in stubs) == [
            "", f"call-{number}-1", f"call-{number}-2", f"call-{number}-3",
        ]  # fmt: skip
        for path in (export / tenant).rglob("*"):
            if path.is_file():
                octets = path.read_bytes()
                assert TENANTS[1 - number].encode() not in octets, path
                assert f"customer-{1 - number}".encode() not in octets, path
                assert f"call-{1 - number}-".encode() not in octets, path


def test_a_receipt_for_a_stub_that_was_changed_does_not_verify(export):
    """One octet of a stub, and the verifier fails."""
    path = sorted((export / TENANTS[0] / "stubs").glob("*.stub.json"))[1]
    path.write_bytes(path.read_bytes().replace(b"GET", b"PUT"))
    code, words = verified(export / TENANTS[0], "receipts", ".")

    assert code == 1
    assert words.startswith("NOT VERIFIED: the stub is not proven to be in the log")
