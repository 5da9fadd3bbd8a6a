"""What serve does for connections by itself, beside a real signer and a laboratory; and that mail needs none of it."""

import json
import signal
import smtplib
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from tests.app.laboratory import place

from counterfoil import clock
from counterfoil.app.heartbeat import standing_of
from counterfoil.app.pulling import EVIDENCE
from counterfoil.app.standing import Standings

OURS = "gw.counterfoil.example"
ROLES = ["Mail.Read", "AuditLog.Read.All", "ActivityFeed.Read"]


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """A laboratory that lets mail in by our certificate's name only, and a tenant whose domain leads there."""
    with place(tmp_path_factory.mktemp("services"), blob_seconds=0.2) as made:
        made.data.chmod(0o700)
        ours = made.lab.certificate(made.data.parent / "ours", OURS)
        made.config.write_text(
            made.config.read_text()
            + f"""
[gateway]
listen = "127.0.0.1:0"
hostname = "{OURS}"
tls_certificate = "{ours.certificate}"
tls_key = "{ours.key}"
next_hop_ca = "{made.lab.endpoints.ca}"

[dns]
enabled = false
"""
        )
        connection = made.register("acme", "mail", ROLES)
        made.lab.add_mailbox(connection.tenant_id, "heartbeat@acme.example")
        made.lab.operate("add_connector", tenant=connection.tenant_id, name="Gateway", certificate_name=OURS)
        made.connect(connection)
        hop = f"localhost:{made.lab.endpoints.smtp}"
        code, _, words = made.command("tenant", "add", "acme", "--domain", "acme.example", "--next-hop", hop)
        assert code == 0, words
        made.connection = connection
        yield made


@contextmanager
def serving(at):
    """A real serve on the same data; yields nothing, its log is at ``serve.log``."""
    log = at.data.parent / "serve.log"
    with log.open("wb") as out:
        line = [sys.executable, "-m", "counterfoil", "serve", "--config", str(at.config), "--data", str(at.data)]
        process = subprocess.Popen(line, stdout=out, stderr=out)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, log.read_text()


def until(true, seconds=60):
    """Wait until something is true; say what it was last."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"it did not come true: {found!r}"
        time.sleep(0.2)
    return found


def duties(at):
    """How the connection's duties stand, by name."""
    return Standings(at.data).of(at.connection).duties


def test_a_heartbeat_sends_itself_a_message_and_reads_it(at):
    """Serve alone: a mail goes through the gateway, is read under a fresh token, and logs are pulled."""
    with serving(at):
        beaten = until(lambda: (found := duties(at).get("heartbeat")) and found.state == "good" and found)
        until(lambda: len(duties(at)) == 4)
    assert beaten.until is not None
    assert {name: standing.state for name, standing in duties(at).items()} == {
        "heartbeat": "good",
        "sign-ins": "good",
        "directory-audit": "good",
        "mailbox-audit": "good",
    }
    stubs = [row.stub.body for row in at.books.ledger.stubs(kinds={"call", "job", "message", "disposition"})]
    jobs = {body["id"] for body in stubs if body.get("reason") == "heartbeat"}
    read = [b for b in stubs if b.get("job") in jobs and b["resource"].endswith("/$value") and b.get("status") == 200]
    assert len(read) == 1
    assert read[0]["message_ids"][0].startswith("<heartbeat-")
    assert any(body.get("outcome") == "handed-on" for body in stubs), "it went the way of all mail"


def port_of(at):
    """Where the running serve takes mail."""
    lines = [json.loads(line) for line in (at.data.parent / "serve.log").read_text().splitlines() if line.endswith("}")]
    return next((line["port"] for line in lines if line["message"] == "listening"), None)


def test_mail_flows_while_the_signer_hangs(at):
    """A signer that is stopped in the middle of everything holds up heartbeats and nothing else (law 8)."""
    at.lab.add_mailbox(at.connection.tenant_id, "bob@acme.example")
    with serving(at):
        port = until(lambda: port_of(at))
        until(lambda: "ready" in (at.data.parent / "serve.log").read_text())
        at.signer.send_signal(signal.SIGSTOP)
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
                for number in range(3):
                    head = f"From: a@b.example\r\nTo: bob@acme.example\r\nSubject: {number}"
                    text = f"{head}\r\nMessage-ID: <{number}@b.example>\r\n\r\nHi\r\n"
                    assert client.sendmail("a@b.example", ["bob@acme.example"], text) == {}
        finally:
            at.signer.send_signal(signal.SIGCONT)
    there = at.lab.operate("messages", address="bob@acme.example")
    assert len(there) == 3


@pytest.mark.parametrize(
    ("problem", "beaten", "overdue", "state"),
    [
        (None, True, True, "good"),
        ("no route", False, True, "not-possible"),
        (None, False, False, "waiting"),
        (None, False, True, "overdue"),
    ],
)
def test_a_message_that_never_arrives_is_told_the_second_time(problem, beaten, overdue, state):
    """Under way once is nothing to look at; still not there at the next heartbeat is."""
    found = standing_of(clock.now(), problem, beaten=beaten, overdue=overdue)
    assert found.state == state
    assert found.good == (state in {"good", "waiting"})


def test_what_was_pulled_is_what_reconcile_reads(at):
    """Without --logs our stubs are set against the evidence folder, and every one of our sign-ins joins."""
    code, _, words = at.command("connection", "pull", "acme")
    assert code == 0, words
    code, answer, words = at.command("reconcile")
    assert code in {0, 3}, words
    (tenant,) = [entry for entry in answer["tenants"] if entry["tenant"] == at.connection.tenant_id]
    assert tenant["state"] != "touched"
    assert not [d for d in tenant["discrepancies"] if d["kind"] in {"stolen-certificate", "replayed-token"}]


def test_without_a_signer_the_services_rest(at, tmp_path):
    """A data folder without a signer's socket gets no duties, and serve says nothing of them."""
    bare = tmp_path / "bare"
    config = tmp_path / "bare.toml"
    config.write_text('[gateway]\nlisten = "127.0.0.1:0"\n[dns]\nenabled = false\n')
    line = [sys.executable, "-m", "counterfoil", "serve", "--config", str(config), "--data", str(bare)]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    try:
        for text in process.stderr:
            if json.loads(text)["message"] == "ready":
                break
    finally:
        process.send_signal(signal.SIGTERM)
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert "connections wait" not in rest
    assert not (bare / "standing").exists()


def test_the_back_door_is_found_shut_and_then_open(at):
    """The doctor sends mail straight to the tenant as a stranger: refused by the connector, taken without it."""
    code, answer, words = at.command("doctor")
    (door,) = [check for check in answer["checks"] if check["check"] == "back door"]
    assert door == {"check": "back door", "well": True, "tried": True, "findings": []}, words
    assert code == 0, [f for check in answer["checks"] for f in check["findings"] if f["weight"] == "problem"]
    other = at.lab.add_tenant("open", domains=["open.example"])["id"]
    at.lab.add_mailbox(other, "heartbeat@open.example")
    hop = f"localhost:{at.lab.endpoints.smtp}"
    at.command("tenant", "add", "open", "--domain", "open.example", "--next-hop", hop)
    code, answer, _ = at.command("doctor")
    (door,) = [check for check in answer["checks"] if check["check"] == "back door"]
    assert code == 1
    assert [finding["about"] for finding in door["findings"]] == ["back door of open.example"]
    assert "took mail from a stranger" in door["findings"][0]["cause"]
    at.command("tenant", "remove", "open", "--yes")


def test_the_evidence_folder_holds_one_tenant_a_folder(at):
    """Nothing of a tenant lies outside the folder that has its id."""
    names = {path.relative_to(at.data / EVIDENCE).parts[0] for path in (at.data / EVIDENCE).rglob("*.json")}
    assert names == {at.connection.tenant_id}
