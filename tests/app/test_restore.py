"""A restore in a connected tenant: our own calls of the lost time are nobody's theft, by the laboratory's logs."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import httpx
from tests.app.laboratory import place

from counterfoil import clock
from counterfoil.connections import Credential
from counterfoil.model.instant import rfc3339

ALICE = "alice@guest.example"


def exported(at):
    """The stubs as ``ledger export`` gives them."""
    words = [sys.executable, "-m", "counterfoil", "ledger", "export", "--data", str(at.data)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=100)
    return [json.loads(line) for line in done.stdout.splitlines()]


def judged(at, folder, stubs):
    """Set stubs against what the laboratory logged, by command; return exit code and the one tenant."""
    path = folder / "stubs.jsonl"
    path.write_text("".join(json.dumps(stub) + "\n" for stub in stubs))
    at.lab.export(folder / "logs")
    later = clock.now() + timedelta(hours=1)
    words = ["--until", rfc3339(later), "--as-of", rfc3339(later + timedelta(days=3))]
    code, answer, said = at.command("reconcile", "--stubs", str(path), "--logs", str(folder / "logs"), *words)
    assert answer is not None, said
    (tenant,) = answer["tenants"]
    return code, tenant


def test_calls_that_a_restore_forgets_are_cannot_say(tmp_path):
    """The database goes back to before three calls with a kept token, while nobody signs checkpoints: cannot-say.

    Without the gap in the same stubs the same calls are a replayed token.
    """
    with place(tmp_path) as at:
        connection = at.register("guest", "mail", ["Mail.Read"])
        at.lab.add_mailbox(connection.tenant_id, ALICE)
        at.connect(connection)
        at.put_mail(connection.tenant_id, ALICE, "hello")
        with Credential("guest", data=at.data, config=at.config, job=("inspect", "nightly")) as credential:
            where = f"{credential.endpoints.graph}/v1.0/users/{ALICE}/mailFolders"
            with httpx.Client(transport=credential.transport()) as client:
                assert client.get(where).status_code == 200
                at.signer.kill()
                at.signer.wait(10)
                with (
                    closing(sqlite3.connect(at.data / "counterfoil.db")) as here,
                    closing(sqlite3.connect(tmp_path / "backup.db")) as there,
                ):
                    here.backup(there)
                assert [client.get(where).status_code for _ in range(3)] == [200] * 3
        at.books.ledger.close()
        at.books.ledger.engine.dispose()
        for name in ("counterfoil.db-wal", "counterfoil.db-shm"):
            (at.data / name).unlink(missing_ok=True)
        shutil.copy(tmp_path / "backup.db", at.data / "counterfoil.db")

        stubs = exported(at)
        code, tenant = judged(at, tmp_path, stubs)
        assert (code, tenant["state"]) == (3, "cannot-say")
        assert {one["rule"]: one["count"] for one in tenant["discrepancies"]} == {"gap-in-our-stubs": 3}
        code, tenant = judged(at, tmp_path, [stub for stub in stubs if stub["kind"] != "gap"])
        assert (code, tenant["state"]) == (1, "touched")
        assert {one["kind"] for one in tenant["discrepancies"]} == {"replayed-token"}
