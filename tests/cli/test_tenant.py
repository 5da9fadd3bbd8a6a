"""``counterfoil tenant`` as a person or a script types it."""

import json
import uuid
from pathlib import Path

import pytest

from counterfoil import clock
from counterfoil.__main__ import main
from counterfoil.app.state import open_state
from counterfoil.config.settings import Config
from counterfoil.model.trust import Connection
from counterfoil.tenant.registry import Connections


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run a command on one data folder; return exit code, stdout and stderr."""

    def command(*words: str) -> tuple[int, str, str]:
        code = main(["tenant", *words, "--data", str(tmp_path / "data")])
        said = capsys.readouterr()
        return code, said.out, said.err

    assert (
        command("add", "acme", "--display", "Acme Ltd", "--domain", "Acme.Test", "--next-hop", "mx.acme.test")[0] == 0
    )
    return command


def test_add_and_show(run):
    """What was added is shown: canonical domain, port 25, verified TLS unless told otherwise."""
    code, out, _ = run("show", "acme", "--json")
    document = json.loads(out)
    assert code == 0
    assert (document["name"], document["display"], document["policy"]) == ("acme", "Acme Ltd", {})
    assert document["domains"] == [
        {
            "domain": "acme.test",
            "tenant": "acme",
            "next_hop": {"host": "mx.acme.test", "port": 25, "tls": "verify"},
        }
    ]


def test_who_is_connected_alone_is_named(run, tmp_path: Path):
    """Mail and connections are two registers: the list of the one says who is in the other alone."""
    with open_state(tmp_path / "data", Config(), create=False) as state:
        register = Connections(state.ledger)
        for name in ("acme", "zeta"):
            register.add(Connection(name, *(str(uuid.uuid4()) for _ in range(4)), ("Mail.Read",)), clock.now(), "test")
    code, out, err = run("list")
    assert (code, "zeta" in out) == (0, False)
    assert err == "connected, and no tenant of the mail: zeta; add each under the same name.\n"


def test_list_for_people_and_for_programs(run):
    """The table and the JSON name every tenant."""
    assert "acme.test" in run("list")[1]
    assert [tenant["name"] for tenant in json.loads(run("list", "--json")[1])] == ["acme"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("add", "acme"), "there is a tenant acme already"),
        (("add", "Acme!"), "is no tenant name"),
        (("add", "00000003-0000-0000-c000-000000000000"), "is a tenant id of Microsoft's"),
        (("add", "beta", "--domain", "beta.test"), "a domain needs a next hop"),
        (("add", "beta", "--domain", "acme.test", "--next-hop", "mx"), "the domain acme.test is taken"),
        (("domain", "acme", "b.test", "--next-hop", "mx:port"), "has no port between 0 and 65535"),
        (("domain", "acme", "b.test", "--remove"), "acme has no domain b.test"),
        (("show", "nobody"), "there is no tenant nobody"),
        (("sender", "acme", "--range", "40.107.0.0/24"), "every Microsoft 365 tenant shares"),
        (("sender", "acme", "--certificate", "mail.protection.outlook.com"), "is Microsoft's"),
        (("sender", "acme", "--secret", "hunter2"), "secrets are made by us"),
        (("sender", "acme", "--new-secret", "--remove"), "it removes nothing"),
        (("policy", "acme", "--set", "/nowhere.toml"), "cannot read the policy"),
        (("remove", "acme"), "nobody is here to say yes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_refusals(run, words, message):
    """What cannot be done is one sentence with a hint on stderr, exit 2, and nothing changes."""
    before = run("show", "acme", "--json")[1]
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) >= 2
    assert run("show", "acme", "--json")[1] == before
    assert [tenant["name"] for tenant in json.loads(run("list", "--json")[1])] == ["acme"]


def test_a_secret_is_shown_once(run):
    """A new secret is printed with the header's name, and afterwards only its hash is known."""
    code, out, _ = run("sender", "acme", "--new-secret", "--json")
    made = json.loads(out)
    assert (code, made["header"], len(made["secret"])) == (0, "X-Counterfoil-Tenant", 43)
    shown = run("show", "acme", "--json")[1]
    assert made["secret"] not in shown
    assert [sender["kind"] for sender in json.loads(shown)["senders"]] == ["secret"]
    run("sender", "acme", "--secret", made["secret"], "--remove")
    assert json.loads(run("show", "acme", "--json")[1])["senders"] == []


def test_policy_is_set_and_reset(run, tmp_path: Path):
    """A policy file is checked, kept and printed whole; --reset goes back to the default."""
    file = tmp_path / "policy.toml"
    file.write_text('hold_days = 7\n[actions]\nsuspicious = "quarantine"\n', encoding="utf-8")
    code, out, _ = run("policy", "acme", "--set", str(file), "--json")
    assert (code, json.loads(out)["hold_days"], json.loads(out)["actions"]["suspicious"]) == (0, 7, "quarantine")
    assert json.loads(run("policy", "acme", "--json")[1])["hold_days"] == 7
    assert json.loads(run("policy", "acme", "--reset", "--json")[1])["hold_days"] == 30


def test_a_bad_policy_names_every_problem(run, tmp_path: Path):
    """A policy with two faults is refused with both, and the old one stays."""
    file = tmp_path / "policy.toml"
    file.write_text('hold_days = 0\n[actions]\nsuspicious = "shred"\n', encoding="utf-8")
    code, _, err = run("policy", "acme", "--set", str(file))
    assert code == 2
    assert "hold_days" in err
    assert "suspicious" in err
    assert json.loads(run("policy", "acme", "--json")[1])["hold_days"] == 30


def test_remove_with_yes(run):
    """A script says --yes; the domain is free afterwards."""
    assert run("remove", "acme", "--yes")[0] == 0
    assert json.loads(run("list", "--json")[1]) == []


def test_a_tenant_that_is_connected_is_not_removed(run, tmp_path: Path):
    """Its connections would go on, and would be those of the next tenant of that name."""
    ids = (str(uuid.uuid4()) for _ in range(4))
    with open_state(tmp_path / "data", Config(), create=False) as state:
        Connections(state.ledger).add(Connection("acme", *ids, ("Mail.Read",)), clock.now(), "test")
    code, _, err = run("remove", "acme", "--yes")
    assert code == 2
    assert "acme has 1 connection" in err
    assert "counterfoil connection remove acme" in err
    assert [tenant["name"] for tenant in json.loads(run("list", "--json")[1])] == ["acme"]


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A mistyped --data is a mistake, not an empty list."""
    assert main(["tenant", "list", "--data", str(tmp_path / "none")]) == 2
    assert "there is no data in" in capsys.readouterr().err
