"""``counterfoil operator`` as a person or a script types it."""

import io
import json
from pathlib import Path

import pytest

from counterfoil.__main__ import main


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run a command on one data folder; return exit code, stdout and stderr."""

    def command(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--data", str(tmp_path / "data")])
        said = capsys.readouterr()
        return code, said.out, said.err

    assert command("tenant", "add", "acme")[0] == 0
    return command


def test_the_life_of_an_account(run):
    """Added with a password of ours, given a role, shown, stripped of a role, removed."""
    code, out, _ = run("operator", "add", "alex", "--role", "viewer", "--tenant", "acme", "--generate", "--json")
    made = json.loads(out)
    assert code == 0
    assert len(made["password"]) >= 20
    assert made["grants"] == [{"role": "viewer", "tenant": "acme"}]
    assert run("operator", "role", "alex", "key-custodian", "--all-tenants")[0] == 0
    shown = json.loads(run("operator", "show", "alex", "--json")[1])
    assert shown["grants"] == [{"role": "key-custodian", "tenant": None}, {"role": "viewer", "tenant": "acme"}]
    assert "password" not in shown
    assert run("operator", "role", "alex", "viewer", "--tenant", "acme", "--remove")[0] == 0
    assert "every tenant" in run("operator", "list")[1]
    assert run("operator", "remove", "alex", "--yes")[0] == 0
    assert json.loads(run("operator", "list", "--json")[1]) == []


def test_a_password_from_standard_input(run, monkeypatch: pytest.MonkeyPatch):
    """--password-file - takes one line, and does not print it."""
    monkeypatch.setattr("sys.stdin", io.StringIO("four words nobody expects\n"))
    code, out, err = run("operator", "add", "alex", "--role", "operator", "--all-tenants", "--password-file", "-")
    assert code == 0
    assert "four words" not in out + err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("add", "alex", "--role", "viewer", "--all-tenants"), "nobody is here to type a password"),
        (("add", "alex", "--role", "viewer", "--tenant", "beta", "--generate"), "there is no tenant beta"),
        (("role", "alex", "viewer", "--all-tenants"), "there is no account alex"),
        (("remove", "alex", "--yes"), "there is no account alex"),
    ],
)
def test_refusals(run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], reason: str):
    """Each exits 2 with its reason, and nothing prompts without a terminal."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, _, err = run("operator", *words)
    assert code == 2
    assert reason in err


def test_removing_a_tenant_takes_its_roles(run):
    """An account of the tenant is left without a role for it."""
    run("operator", "add", "alex", "--role", "viewer", "--tenant", "acme", "--generate")
    assert run("tenant", "remove", "acme", "--yes")[0] == 0
    assert json.loads(run("operator", "show", "alex", "--json")[1])["grants"] == []
