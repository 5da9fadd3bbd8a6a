"""Who did it: every command that changes something is known, and leaves a stub with a name."""

import argparse
import os
import pwd
from contextlib import closing

import pytest
from tests.credential.conftest import APP, TENANT, SignerProcess
from tests.credential.keys import pem
from tests.gateway.store.conftest import BY, DECISION, RAW, received, scan
from tests.ledger.witness_server import Witness

from counterfoil.__main__ import main, parser_for
from counterfoil.app.state import open_state
from counterfoil.cli import COMMANDS
from counterfoil.cli.state import operator
from counterfoil.config.settings import Config
from counterfoil.credential.collect import open_ledger_of
from counterfoil.database import open_database
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store.tenants import Domain

USER = pwd.getpwuid(os.getuid()).pw_name
ANNA = f"anna (as {USER})"
CREDENTIAL = f"{TENANT}/{APP}/1"

READS = {
    "connection list",
    "connection plan",
    "connection status",
    "credential certificate",
    "credential collect",
    "credential list",
    "doctor",
    "gateway certificate",
    "id",
    "incident bundle",
    "incident list",
    "incident notices list",
    "incident notices show",
    "incident radius",
    "incident report",
    "incident reporter list",
    "incident scope",
    "incident show",
    "incident steps list",
    "ledger checkpoint",
    "ledger export",
    "ledger prove",
    "ledger verify",
    "ledger witness list",
    "operator list",
    "operator show",
    "quarantine list",
    "quarantine show",
    "reconcile",
    "rotate plan",
    "rotate status",
    "scan",
    "score",
    "tenant list",
    "tenant show",
    "touched",
    "track",
}
"""What looks, or brings in what others wrote; ``quarantine show --save`` takes held mail out and leaves a stub."""

PROCESSES = {"drill", "lab", "serve", "signer", "simulate"}
"""What is no deed on the data folder but a process of its own, with folders of its own or without a person."""

AT_A_TENANT = {
    "connection import",
    "connection pull",
    "connection remove",
    "connection test",
    "connection unsubscribe",
    "credential cut-over",
    "credential standby",
    "gateway rotate",
    "incident campaign",
    "incident close",
    "incident contain",
    "incident from-answer",
    "incident import",
    "incident notices approve",
    "incident notices draft",
    "incident notices export",
    "incident notices send",
    "incident notices told",
    "incident release",
    "incident steps draft",
    "incident steps remind",
    "incident steps said",
    "incident steps verify",
    "incident watch",
    "ledger renew",
    "ledger trust",
    "quarantine delete",
    "quarantine release",
    "rotate accept",
    "rotate apply",
    "rotate back",
    "rotate hold",
    "rotate rehearse",
    "rotate resume",
    "rotate watch",
}
"""Changes that need a tenant, held mail, or a campaign or incident under way: they are not typed here."""

HERE = [
    ["tenant", "add", "acme"],
    ["tenant", "domain", "acme", "acme.example", "--next-hop", "192.0.2.1:25"],
    ["tenant", "sender", "acme", "--range", "192.0.2.0/24"],
    ["tenant", "policy", "acme", "--reset"],
    ["operator", "add", "robin", "--role", "viewer", "--tenant", "acme", "--generate"],
    ["operator", "role", "robin", "analyst", "--all-tenants"],
    ["operator", "password", "robin", "--generate"],
    ["operator", "remove", "robin", "--yes"],
    ["credential", "create", "--tenant", TENANT, "--app", APP],
    ["credential", "import", "KEY", "--tenant", TENANT, "--app", "another"],
    ["credential", "mark", CREDENTIAL, "published"],
    ["ledger", "gap", "--since", "2026-01-01T00:00:00Z", "--why", "a snapshot"],
    ["ledger", "witness", "add", "WITNESS", "http://127.0.0.1:1/x"],
    ["ledger", "witness", "remove", "WITNESS"],
    ["incident", "open", "theft", "--thumbprint", "A" * 40],
    ["incident", "note", "theft", "somebody called"],
    ["incident", "decide", "theft", "we wait", "--why", "to see more"],
    ["incident", "task", "theft", "call them"],
    ["incident", "person", "theft", "robin", "--role", "lead"],
    ["incident", "hold", "theft", "KEY"],
    ["incident", "reporter", "add", "partner"],
    ["incident", "reporter", "remove", "partner"],
    ["tenant", "remove", "acme", "--yes"],
]


def verbs(parser, path):
    """Every command with its verbs, as it is typed."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield " ".join(path)
    for action in below:
        for name, verb in action.choices.items():
            yield from verbs(verb, [*path, name])


def test_every_command_is_known_to_read_or_to_change():
    """A new command is put where it belongs, and if it changes something it is seen to leave a stub."""
    found = set()
    for command in COMMANDS:
        choices = next(action.choices for action in parser_for(command)._actions if action.dest == "command")
        found |= set(verbs(choices[command], [command]))
    here = {verb for verb in found if any(" ".join(words).startswith(f"{verb} ") for words in HERE)}
    assert found == READS | PROCESSES | AT_A_TENANT | here


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A data folder with a signer, a witness and a key file."""
    folder = tmp_path_factory.mktemp("who")
    signer, witness = SignerProcess(folder / "data"), Witness()
    (folder / "key.pem").write_bytes(pem())
    names = {"KEY": str(folder / "key.pem"), "WITNESS": witness.key}
    yield folder / "data", names
    signer.stop()
    witness.stop()


def said_by(data, start):
    """Who is named in the stubs from one index on."""
    with closing(open_ledger_of(open_database(data / "counterfoil.db"), data, interval=3600)) as ledger:
        stubs = [row.stub for row in ledger.stubs(start=start)]
        ledger.engine.dispose()
    return start + len(stubs), {stub.body.get("actor") for stub in stubs}


def test_every_change_here_leaves_a_stub_with_a_name(desk, monkeypatch, capsys):
    """One after the other, as a person types them; each leaves a stub that names her and the system's user."""
    monkeypatch.setenv("COUNTERFOIL_OPERATOR", "anna")
    data, names = desk
    seen = 0
    for words in HERE:
        line = [names.get(word, word) for word in words]
        assert main([*line, "--data", str(data)]) == 0, (words, capsys.readouterr().err)
        seen, actors = said_by(data, seen)
        assert ANNA in actors, words


async def test_who_takes_held_mail_out_is_written_down_first(tmp_path, monkeypatch):
    """``quarantine show --save`` reads a message that is not one's own: the stub names the tenant and the reader."""
    monkeypatch.setenv("COUNTERFOIL_OPERATOR", "anna")
    data = tmp_path / "data"
    with open_state(data, Config(), create=True) as state:
        state.tenants.add("acme", "", BY)
        state.tenants.set_domain(Domain("acme.test", "acme", NextHop("127.0.0.1", 1, Tls.NONE)), BY)
        message = received("m1", "acme", recipients=("ann@acme.test",))
        await state.journal.intent(message)
        await state.journal.hold(message, RAW, scan("a finding"), DECISION)
    assert main(["quarantine", "show", "m1", "--save", str(tmp_path / "m.eml"), "--data", str(data)]) == 0
    with open_state(data, Config(), create=False) as state:
        read = [row.stub for row in state.ledger.stubs(kinds=frozenset({"action"}), subject="m1")]
    assert [(stub.tenant, stub.body["action"], stub.body["actor"]) for stub in read] == [("acme", "held-read", ANNA)]


@pytest.mark.parametrize(
    ("environment", "who"),
    [
        ({}, USER),
        ({"LOGNAME": "mallory", "USER": "mallory"}, USER),
        ({"SUDO_USER": "anna"}, ANNA),
        ({"SUDO_USER": "robin", "COUNTERFOIL_OPERATOR": "anna"}, ANNA),
        ({"COUNTERFOIL_OPERATOR": USER}, USER),
        ({"COUNTERFOIL_OPERATOR": "an\nna\x1b[31m"}, f"anna[31m (as {USER})"),
        ({"COUNTERFOIL_OPERATOR": "x" * 1000}, f"{'x' * 64} (as {USER})"),
    ],
)
def test_who_is_at_the_keyboard(monkeypatch, environment, who):
    """The system's user is what the kernel says; a name beside it is somebody's word and never stands alone."""
    for name in ("LOGNAME", "USER", "SUDO_USER", "COUNTERFOIL_OPERATOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert operator().who == who
