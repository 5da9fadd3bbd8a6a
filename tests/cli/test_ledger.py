"""``counterfoil ledger`` and ``counterfoil credential`` as a person and a script meet them."""

import json
import shutil
import uuid

import pytest
from tests.credential.conftest import APP, TENANT, SignerProcess
from tests.ledger.test_publish import verify

from counterfoil import clock
from counterfoil.__main__ import main
from counterfoil.app.state import open_state
from counterfoil.config.settings import Config
from counterfoil.model.trust import Connection
from counterfoil.tenant.registry import Connections

NAME = f"{TENANT}/{APP}/1"


@pytest.fixture
def signer(tmp_path):
    """A signer on the data directory of the test."""
    running = SignerProcess(tmp_path)
    yield running
    running.kill()


@pytest.fixture
def run(tmp_path, capsys):
    """Run a command on the data directory of the test; returns exit code, stdout, stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*map(str, words), "--data", str(tmp_path)])
        return code, *capsys.readouterr()

    return run


def test_from_a_key_to_a_receipt_that_verifies_elsewhere(signer, run, tmp_path):
    """Create, publish state, list, checkpoint, verify, prove, export: the whole way, and an outsider agrees."""
    code, out, _ = run("credential", "create", "--tenant", TENANT, "--app", APP, "--json")
    made = json.loads(out)
    assert (code, made["credential"], made["state"], made["shared"]) == (0, NAME, "staged", False)
    assert run("credential", "mark", NAME, "published")[0] == 0
    (listed,) = json.loads(run("credential", "list", "--json")[1])
    assert (listed["state"], listed["thumbprint_sha1"]) == ("published", made["thumbprint_sha1"])
    assert run("credential", "certificate", NAME)[1].startswith("-----BEGIN CERTIFICATE-----")
    said = json.loads(run("ledger", "checkpoint", "--json")[1])
    assert said["key"] == signer.said["checkpoint_key"]
    code, out, _ = run("ledger", "verify", "--json")
    assert (code, json.loads(out)["wrong"], json.loads(out)["size"]) == (0, [], said["size"])
    code, out, _ = run("ledger", "prove", made["thumbprint_sha256"], "--out", tmp_path / "receipts", "--json")
    receipts = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    for receipt in receipts:
        code, words = verify("receipt", receipt["stub"], receipt["proof"], said["key"])
        assert code == 0, words
    lines = [json.loads(line) for line in run("ledger", "export")[1].splitlines()]
    assert [(line["kind"], line["state"], line["key_id"]) for line in lines] == [
        ("credential", "staged", None),
        ("credential", "published", None),
    ]
    kinds = {json.loads(line)["kind"] for line in run("ledger", "export", "--all")[1].splitlines()}
    assert kinds == {"action", "certificate", "mark", "credential"}
    assert run("ledger", "export", "--tenant", "somebody-else")[1] == ""
    assert run("ledger", "prove", "1", "--tenant", "somebody-else")[0] == 2
    code, out, err = run("ledger", "checkpoint")
    assert (code, out.splitlines()[0].split("/")[0]) == (0, "counterfoil.invalid")
    assert "counterfoil signer --origin" in err


def test_a_connected_tenant_is_known_by_our_name(run, tmp_path):
    """``export`` and ``prove`` take the name that every command takes, and say where nobody is called so."""
    with open_state(tmp_path, Config(), create=True) as state:
        made = Connection("acme", TENANT, APP, str(uuid.uuid4()), str(uuid.uuid4()), ("Mail.Read",))
        Connections(state.ledger).add(made, clock.now(), "test")
    by_id, by_name = run("ledger", "export", "--tenant", TENANT), run("ledger", "export", "--tenant", "acme")
    assert by_id[1] == by_name[1] != ""
    row = next(n for n in range(9) if run("ledger", "prove", str(n), "--tenant", TENANT, "--out", tmp_path)[0] == 0)
    assert run("ledger", "prove", str(row), "--tenant", "acme", "--out", tmp_path)[0] == 0
    assert "no stub is of a tenant nope" in run("ledger", "export", "--tenant", "nope")[2]


@pytest.mark.parametrize("more", [(), ("--all",)])
def test_a_gap_goes_with_the_stubs_of_every_tenant(signer, run, more):
    """Without it a customer would take our lost stubs for a theft; who said so and why is not for him."""
    run("credential", "create", "--tenant", TENANT, "--app", APP)
    words = ("--since", "2026-01-01T00:00:00Z", "--until", "2026-01-02T00:00:00Z", "--why", "globex's disk was full")
    assert run("ledger", "gap", *words)[0] == 0
    for tenant, first in ((TENANT, {"credential", "certificate", "action"}), ("somebody-else", set())):
        found = [json.loads(line) for line in run("ledger", "export", "--tenant", tenant, *more)[1].splitlines()]
        assert found[-1].pop("time")
        assert {name: value for name, value in found[-1].items() if value is not None} == {
            "kind": "gap",
            "since": "2026-01-01T00:00:00Z",
            "until": "2026-01-02T00:00:00Z",
            "reason": "declared",
        }
        assert {one["kind"] for one in found[:-1]} <= first
    assert "globex" in run("ledger", "export")[1]


def test_a_changed_ledger_is_exit_1_with_the_fault(signer, run, tmp_path):
    """``verify`` says what is wrong and ends with 1; a ledger in order ends with 0."""
    run("credential", "create", "--tenant", TENANT, "--app", APP)
    assert run("ledger", "verify")[0] == 0
    path = tmp_path / "ledger" / "checkpoint"
    origin, size, rest = path.read_text().split("\n", 2)
    path.write_text(f"{origin}\n{int(size) - 1}\n{rest}")
    code, out, _ = run("ledger", "verify")
    assert code == 1
    assert "WRONG: " in out
    assert "does not verify" in out


def test_a_gap_is_told_by_verify(signer, run, tmp_path):
    """After the database was put back from a copy, ``verify`` first says so, and after a start tells the gap."""
    run("credential", "create", "--tenant", TENANT, "--app", APP)
    shutil.copy(tmp_path / "counterfoil.db", tmp_path / "copy")
    run("credential", "create", "--tenant", TENANT, "--app", APP)
    for name in ("counterfoil.db-wal", "counterfoil.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.move(tmp_path / "copy", tmp_path / "counterfoil.db")
    code, out, _ = run("ledger", "verify")
    assert (code, "it is an older copy" in out) == (1, True)
    assert json.loads(run("credential", "collect", "--json")[1])["new"] == 1
    code, out, _ = run("ledger", "verify")
    assert code == 0
    assert "gap: " in out
    assert "restored-from-backup" in out
    assert len(json.loads(run("credential", "list", "--json")[1])) == 2


@pytest.mark.parametrize(
    ("words", "why", "hint"),
    [
        (("ledger", "verify"), "there is no ledger in", "COUNTERFOIL_DATA"),
        (("ledger", "trust", "nonsense"), "this is no signer's key", "copy it whole"),
        (("credential", "create", "--tenant", TENANT, "--app", APP), "does not answer", "counterfoil signer"),
        (("credential", "import", "--tenant", TENANT, "--app", APP, "/nowhere"), "cannot be read", "give a file"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_hint(run, words, why, hint):
    """Exit code 2, one sentence, one hint, and nothing on stdout."""
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert why in err
    assert hint in err


def test_an_empty_list_says_what_to_do(signer, run):
    """With no credential yet the list names the command that makes one."""
    run("credential", "create", "--tenant", TENANT, "--app", "x", "--days", "0")
    code, out, _ = run("credential", "list")
    assert code == 0
    assert "counterfoil credential create" in out


def test_a_witness_is_added_asked_listed_and_removed(run, tmp_path):
    """By command: the ledger is not witnessed, then cosigned by a witness, and verify says which and when."""
    from tests.ledger.witness_server import Witness

    witness = Witness()
    try:
        code, out, _ = run("ledger", "witness", "add", witness.key, witness.url, "--json")
        witness.know(json.loads(out)["log"])
        assert code == 0
        assert "not independently witnessed" in json.loads(run("ledger", "verify", "--json")[1])["notes"]
        code, out, err = run("ledger", "checkpoint", "--json")
        said = json.loads(out)
        assert said["witnesses"] == [{"witness": witness.key, "verdict": "cosigned", "words": ""}]
        assert said["note"].count("\N{EM DASH}") == 2
        assert err == "witness witness.example/w1 cosigned\n"
        assert "witnessed by witness.example/w1: the first 1 stubs" in run("ledger", "verify")[1]
        (listed,) = json.loads(run("ledger", "witness", "list", "--json")[1])
        assert (listed["name"], listed["size"]) == ("witness.example/w1", 1)
        assert witness.url in run("ledger", "witness", "list")[1]
        assert run("ledger", "witness", "remove", "witness.example/w1")[0] == 0
        assert run("ledger", "witness", "list")[1] == "No witnesses: not independently witnessed.\n"
        code, _, err = run("ledger", "witness", "add", witness.key, "http://witness.example")
        assert (code, "is not asked over TLS" in err) == (2, True)
    finally:
        witness.stop()
