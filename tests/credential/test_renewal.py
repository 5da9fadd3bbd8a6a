"""A new log after a restore that the signer will not sign: the gap is named, and never looks like a theft."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from datetime import timedelta

import pytest

from counterfoil import clock
from counterfoil.__main__ import main
from counterfoil.credential.collect import collect, open_ledger_of
from counterfoil.credential.registry import find
from counterfoil.credential.renewal import Wish, renew
from counterfoil.database import open_database
from counterfoil.ledger.audit import audit
from counterfoil.ledger.ledger import EMBEDDED_KEY
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.trust import CredentialState, Job
from tests.credential.conftest import APP, AUDIENCE, TENANT
from tests.ledger.conftest import House
from tests.ledger.test_publish import verify
from tests.ledger.test_restore import EVERY_WAY, saved

NAME = f"{TENANT}/{APP}/1"


class Desk:
    """A data directory with a signer whose own home is elsewhere, so that a restore does not reach it."""

    def __init__(self, tmp_path, start_signer):
        self.data, self.home = tmp_path / "data", tmp_path / "signer-home"
        self._start, self.ledger, self.rows = start_signer, None, []
        (self.data / "signer").mkdir(parents=True)
        self.start()

    def start(self, *more):
        socket = self.data / "signer" / "signer.sock"
        self.signer = self._start(self.data, "--home", str(self.home), "--socket", str(socket), *more)

    def open(self):
        self.ledger = open_ledger_of(open_database(self.data / "counterfoil.db"), self.data, interval=3600)
        return self.ledger

    def close(self):
        """Leave as a crash would: nothing more is published."""
        self.ledger._writer.close()
        self.ledger._publisher = None
        self.ledger.engine.dispose()

    def work(self):
        """Use the credential for a token; the tenant's log keeps a row of it."""
        now = clock.now()
        job = Job(str(uuid.uuid4()), "heartbeat", now)
        signed = self.signer.client.assertion(TENANT, APP, NAME, AUDIENCE, job)
        one = find(self.ledger.engine, NAME)
        ids = {"correlation_id": str(uuid.uuid4()), "request_id": str(uuid.uuid4()), "uti": uuid.uuid4().hex[:22]}
        marks = {"app": APP, "thumbprint_sha1": one.thumbprint_sha1, "thumbprint_sha256": one.thumbprint_sha256}
        said = {**marks, **ids, "jti": signed.stub.body["jti"], "job": job.id, "outcome": "issued"}
        self.ledger.append_all(
            [
                stub_at("job", now, id=job.id, reason="heartbeat"),
                signed.stub,
                stub_at("token", now, TENANT, **said, audience="https://graph.microsoft.com"),
            ]
        )
        self.rows.append(sign_in(now, ids, one.thumbprint_sha1))


def sign_in(time, ids, thumbprint):
    """One row of the tenant's service principal sign-ins, as Graph reports it."""
    return {
        "id": ids["request_id"],
        "createdDateTime": rfc3339(time),
        "appId": APP,
        "servicePrincipalId": str(uuid.uuid4()),
        "servicePrincipalName": "guard",
        "resourceDisplayName": "Microsoft Graph",
        "resourceId": "00000003-0000-0000-c000-000000000000",
        "resourceTenantId": TENANT,
        "homeTenantId": TENANT,
        "ipAddress": "203.0.113.9",
        "correlationId": ids["correlation_id"],
        "uniqueTokenIdentifier": ids["uti"],
        "servicePrincipalCredentialThumbprint": thumbprint,
        "servicePrincipalCredentialKeyId": str(uuid.uuid4()),
        "signInEventTypes": ["servicePrincipal"],
        "status": {"errorCode": 0},
    }


@pytest.fixture
def desk(tmp_path, start_signer):
    """A desk with one credential and some work done."""
    made = Desk(tmp_path, start_signer)
    made.open()
    made.signer.custodian.certificate(TENANT, APP, 1, 90)
    for state in (CredentialState.PUBLISHED, CredentialState.CURRENT):
        made.signer.custodian.mark(TENANT, APP, NAME, state)
    made.ledger.append(stub_at("tenant", clock.now(), TENANT, name="one", connected=True, roles=[]))
    collect(made.ledger, made.signer.custodian, clock.now())
    made.work()
    made.ledger.checkpoint()
    yield made
    made.close()


def lose_the_newest_part(desk):
    """Back the data directory up, work and publish, and put the backup back: rows, tiles and checkpoint together."""
    desk.close()
    backup = desk.data.with_name("backup")
    shutil.copytree(desk.data, backup, ignore=shutil.ignore_patterns("*.sock"))
    desk.open()
    for _ in range(3):
        desk.work()
    desk.ledger.checkpoint()
    desk.close()
    for path in desk.data.iterdir():
        if path.name != "signer":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(backup, desk.data, dirs_exist_ok=True, ignore=shutil.ignore_patterns("signer"))
    desk.open()
    desk.ledger.append(stub_at("action", clock.now(), actor="test", action="restored"))


def renewed(desk, capsys):
    """Begin a new log at the signer and in the ledger, by command, as an operator does."""
    desk.close()
    desk.signer.stop()
    words = ["signer", "--new-log", "example.org/second", "--home", str(desk.home), "--data", str(desk.data), "--json"]
    done = subprocess.run([sys.executable, "-m", "counterfoil", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    desk.start()
    capsys.readouterr()
    assert main(["ledger", "renew", "--data", str(desk.data), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["old"], said["new"]) == (json.loads(done.stdout)["old"], json.loads(done.stdout)["new"])
    desk.open()
    collect(desk.ledger, desk.signer.custodian, clock.now())
    return said


def test_the_signer_refuses_to_forget_and_says_what_to_do(desk):
    """Rows and tiles restored together: no checkpoint is signed, and the words lead to the new log."""
    lose_the_newest_part(desk)
    with pytest.raises(Misconfigured, match="the signer has signed a ledger of") as caught:
        desk.ledger.checkpoint()
    assert "begin a new log" in caught.value.hint
    with pytest.raises(Refused, match="has begun no new log after this one"):
        renew(desk.ledger.engine, desk.data, clock.now(), Wish("test"))


def test_a_new_log_names_the_old_one_and_the_gap(desk, capsys):
    """What is left keeps its place; the gap names both logs and the lost numbers; all of it verifies from outside."""
    older = desk.data.parent / "older"
    shutil.copy(desk.data / "ledger" / "checkpoint", older)
    lose_the_newest_part(desk)
    left = [(row.index, row.entry) for row in desk.ledger.stubs()]
    said = renewed(desk, capsys)
    gap = said["gap"]
    assert (gap["reason"], gap["old_log"], gap["new_log"]) == ("new-log", said["old"], said["new"])
    signed = int(gap["old_checkpoint"].split("\n")[1])
    assert (gap["first"], gap["last"]) == (len(left), signed - 1)
    assert [(row.index, row.entry) for row in desk.ledger.stubs()][: len(left)] == left
    desk.work()
    desk.ledger.checkpoint()
    found = audit(desk.ledger.engine, desk.ledger.publication)
    assert found.wrong == ()
    assert gap["since"] in [one.body["since"] for one in found.gaps]
    published = desk.data / "ledger"
    code, words = verify("log", published, said["new"], "--old", older, "--old-key", said["old"])
    assert (code, "grown from" in words) == (0, True), words
    assert verify("log", published, said["old"])[0] == 1, "the new log is not the old one"
    assert verify("log", said["kept"], said["old"])[0] == 0, "what the old log published is kept"


def judged(desk, tmp_path, capsys):
    """Export the stubs and set them against the tenant's log, both by command; return exit code and answer."""
    logs, stubs = tmp_path / "logs", tmp_path / "stubs.jsonl"
    logs.mkdir(exist_ok=True)
    (logs / "signins.json").write_text(json.dumps(desk.rows))
    capsys.readouterr()
    assert main(["ledger", "export", "--data", str(desk.data)]) == 0
    stubs.write_text(capsys.readouterr().out)
    until = rfc3339(clock.now() + timedelta(hours=1))
    words = ["--logs", str(logs), "--until", until, "--as-of", rfc3339(clock.now() + timedelta(days=3))]
    code = main(["reconcile", "--stubs", str(stubs), *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("restore", EVERY_WAY)
def test_uses_that_were_never_published_are_cannot_say(desk, capsys, tmp_path, restore):
    """Saved at the last checkpoint, used, and put back before another: whatever was put back, no use is a theft."""
    house = House(desk.data, desk.ledger.engine, desk.ledger)
    aside = saved(house, "*.sock", "signer")
    for _ in range(3):
        desk.work()
    desk.close()
    (desk.data / "signer").rename(tmp_path / "signer")  # the signer goes on in a place of its own
    restore(desk.data, aside)
    (tmp_path / "signer").rename(desk.data / "signer")
    desk.open()
    collect(desk.ledger, desk.signer.custodian, clock.now())
    code, answer = judged(desk, tmp_path, capsys)
    (tenant,) = answer["tenants"]
    assert (code, tenant["state"]) == (3, "cannot-say")
    assert {d["rule"]: d["count"] for d in tenant["discrepancies"]} == {"gap-in-our-stubs": 3}


def test_a_database_behind_its_tiles_is_cannot_say_and_a_theft_beside_the_gap_is_still_one(desk, capsys, tmp_path):
    """The database alone is put back: our lost sign-ins are nobody's theft, and a stranger's behind the gap is."""
    desk.close()
    backup = shutil.copy(desk.data / "counterfoil.db", tmp_path / "backup.db")
    desk.open()
    for _ in range(3):
        desk.work()
    desk.ledger.checkpoint()
    desk.close()
    for name in ("counterfoil.db-wal", "counterfoil.db-shm"):
        (desk.data / name).unlink(missing_ok=True)
    shutil.copy(backup, desk.data / "counterfoil.db")
    desk.open()
    collect(desk.ledger, desk.signer.custodian, clock.now())
    code, answer = judged(desk, tmp_path, capsys)
    (tenant,) = answer["tenants"]
    assert (code, tenant["state"]) == (3, "cannot-say")
    assert {d["rule"]: d["count"] for d in tenant["discrepancies"]} == {"gap-in-our-stubs": 3}
    first = find(desk.ledger.engine, NAME)
    ids = {"correlation_id": str(uuid.uuid4()), "request_id": str(uuid.uuid4()), "uti": uuid.uuid4().hex[:22]}
    # Clocks differ by a few minutes, so that a gap is a little wider than it says.
    desk.rows.append(sign_in(clock.now() + timedelta(minutes=10), ids, first.thumbprint_sha1))
    code, answer = judged(desk, tmp_path, capsys)
    (tenant,) = answer["tenants"]
    assert (code, tenant["state"]) == (1, "touched")
    assert {d["kind"]: d["count"] for d in tenant["discrepancies"]} == {"stolen-certificate": 1, "unexplained": 3}


def test_the_gap_is_cannot_say_and_never_theft(desk, capsys, tmp_path):
    """Our own sign-ins of the lost time are in the tenant's log and not in our books: cannot-say, touched by nobody."""
    lose_the_newest_part(desk)
    code, answer = judged(desk, tmp_path, capsys)
    assert (code, answer["tenants"][0]["state"]) == (3, "cannot-say"), "from the first start on"
    renewed(desk, capsys)
    desk.ledger.checkpoint()
    code, answer = judged(desk, tmp_path, capsys)
    (tenant,) = answer["tenants"]
    assert (code, tenant["state"]) == (3, "cannot-say")
    assert {d["rule"]: d["count"] for d in tenant["discrepancies"]} == {"gap-in-our-stubs": 3}


def test_a_restore_that_nothing_shows_is_declared(desk, capsys, tmp_path):
    """A disk went back as a whole, the signer too: the operator says since when, and our uses are nobody's theft."""
    desk.rows.append(dict(desk.rows[0], id=str(uuid.uuid4()), correlationId=str(uuid.uuid4())))
    desk.rows[-1]["uniqueTokenIdentifier"] = uuid.uuid4().hex[:22]
    code, answer = judged(desk, tmp_path, capsys)
    assert (code, answer["tenants"][0]["state"]) == (1, "touched"), "it looks like a theft"
    since = rfc3339(clock.now() - timedelta(hours=2))
    gap = ["ledger", "gap", "--data", str(desk.data), "--json", "--why", "the virtual machine went back to a snapshot"]
    for words in (["--since", rfc3339(clock.now() + timedelta(hours=1))], ["--since", since, "--until", since]):
        assert main([*gap, *words]) == 2
        assert "a gap begins before it ends" in capsys.readouterr().err
    assert main([*gap, "--since", since]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["reason"], said["since"], "actor" in said) == ("declared", since, True)
    code, answer = judged(desk, tmp_path, capsys)
    assert (code, answer["tenants"][0]["state"]) == (3, "cannot-say")


def test_a_ledger_without_a_signer_is_renewed_with_a_key_of_its_own(tmp_path, capsys):
    """With a key file alone, the command makes the new key; the old one is kept, the old publication too."""
    from tests.ledger.conftest import message

    ledger = open_ledger_of(open_database(tmp_path / "counterfoil.db"), tmp_path, interval=3600)
    ledger.append_all([message(n) for n in range(300)])
    ledger.checkpoint()
    ledger.close()
    words = ["ledger", "renew", "--data", str(tmp_path), "--name", "example.org/second", "--json"]
    assert main(words) == 2
    assert "say when the backup was made" in capsys.readouterr().err
    words += ["--since", "2026-03-01T00:00:00Z"]
    assert main(words) == 0
    said = json.loads(capsys.readouterr().out)
    assert "first" not in said["gap"], "nothing is known to be lost"
    assert main(["ledger", "checkpoint", "--data", str(tmp_path)]) == 0
    assert verify("log", tmp_path / "ledger", said["new"])[1] == "301 entries verified"
    assert verify("log", said["kept"], said["old"])[1] == "300 entries verified"
    assert (tmp_path / f"{EMBEDDED_KEY}.{said['old'].split('+')[1]}").stat().st_mode & 0o077 == 0
    assert main(words) == 2
    assert "is the name of the old log" in capsys.readouterr().err
    assert not (tmp_path / f"{EMBEDDED_KEY}.next").exists()


def test_a_new_log_is_begun_by_a_signer_at_rest_under_a_new_name(desk):
    """While the signer runs, or with a name that a log had, nothing changes."""
    words = ["--home", str(desk.home), "--socket", str(desk.signer.socket), "--data", str(desk.data)]
    base = [sys.executable, "-m", "counterfoil", "signer", *words, "--new-log"]
    running = subprocess.run([*base, "example.org/two"], capture_output=True, text=True, check=False)
    assert (running.returncode, "another signer runs in" in running.stderr) == (2, True)
    desk.signer.stop()
    before = (desk.home / "signer.keys").read_bytes()
    for name in (desk.signer.said["origin"], "two words", ""):
        done = subprocess.run([*base, name], capture_output=True, text=True, check=False)
        assert (done.returncode, "cannot name a new log" in done.stderr) == (2, True)
    assert (desk.home / "signer.keys").read_bytes() == before
    assert os.access(desk.home / "checkpoint", os.R_OK)
