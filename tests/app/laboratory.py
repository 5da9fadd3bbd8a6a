"""A laboratory Microsoft 365, a real signer and a data folder, put together as an operator would."""

import base64
import json
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from counterfoil import clock
from counterfoil.__main__ import main
from counterfoil.app import connecting
from counterfoil.app.house import Books
from counterfoil.credential.collect import collect, open_ledger_of
from counterfoil.credential.custodian import Custodian
from counterfoil.credential.registry import certificate_of
from counterfoil.credential.signer_client import SignerClient
from counterfoil.database import open_database
from counterfoil.lab.laboratory import Laboratory
from counterfoil.model.trust import Connection
from counterfoil.tenant.endpoints import Endpoints
from counterfoil.tenant.registry import Connections
from counterfoil.tenant.token import Means, ThroughSigner
from counterfoil.tenant.wire import Wire


@dataclass
class Place:
    """What a test works with."""

    lab: Laboratory
    books: Books
    data: Path
    config: Path
    signer: subprocess.Popen

    def command(self, *words):
        """Run a counterfoil command on the same data; return the exit code, its answer and its messages."""
        line = [sys.executable, "-m", "counterfoil", *words, "--json", "--data", str(self.data)]
        done = subprocess.run(
            [*line, "--config", str(self.config)], capture_output=True, text=True, timeout=100, check=False
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def here(self, capsys, *words):
        """Run a command in this process, which is quicker; return the exit code, stdout and stderr."""
        code = main([*words, "--data", str(self.data), "--config", str(self.config)])
        return code, *capsys.readouterr()

    def register(self, tenant_name, name, roles, *, owners=(), tenant_id=None):
        """Register an application in the laboratory as an administrator would; return the connection."""
        tenant_id = tenant_id or self.lab.add_tenant(tenant_name)["id"]
        made = self.lab.add_application(tenant_id, name, roles=list(roles), owners=list(owners))
        return Connection(
            tenant_name, tenant_id, made["app_id"], made["object_id"], made["service_principal"], tuple(roles)
        )

    def connect(self, connection, wanted=None):
        """Enter a connection, upload its certificate and test it; return what the test found."""
        credential = connecting.enter(self.books, connection, "test", 30, None)
        self.upload(connection, credential)
        for _ in range(50):  # where token servers lag behind, the first that is asked may not know the key yet
            found = connecting.test(self.books, connection, wanted or connection.roles, "test")
            if found.works or "AADSTS700027" not in found.words:
                break
            time.sleep(0.1)
        return found

    def upload(self, connection, credential):
        """Put a credential's certificate on the application, by the administrator's hand."""
        name = f"{credential.tenant}/{credential.app}/{credential.generation}"
        pem = connecting.as_pem(certificate_of(self.books.ledger.engine, name))
        self.lab.operate("admin_add_key", app_id=connection.app, certificate_pem=pem)

    def put_mail(self, tenant_id, address, subject):
        """Deliver one message into a mailbox, by the laboratory's hand."""
        head = f"From: a@b.example\r\nTo: {address}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@b.example>"
        mime = f"{head}\r\n\r\nHi\r\n"
        return self.lab.operate("add_message", address=address, mime=base64.b64encode(mime.encode()).decode())


@contextmanager
def place(folder, keys="file:", **dials):
    """Start everything below a folder; stop it at the end. ``keys`` is where the signer keeps its keys."""
    data = folder / "data"
    data.mkdir()
    with Laboratory(folder / "lab", seed=1) as lab:
        lab.set(**dials)
        authority = lab.endpoints.login.removeprefix("https://")
        command = [
            sys.executable,
            "-m",
            "counterfoil",
            "signer",
            "--json",
            "--data",
            str(data),
            "--rate",
            "6000",
            "--keys",
            keys,
        ]
        signer = subprocess.Popen([*command, "--authority", authority], stdout=subprocess.PIPE)
        try:
            assert signer.stdout.readline(), "the signer did not start"
            with _books(data, lab) as books:
                yield Place(lab, books, data, _configure(folder, lab), signer)
        finally:
            signer.terminate()
            signer.wait(10)
            signer.stdout.close()


def _configure(folder, lab):
    """Write the configuration for this laboratory, with a rotation in seconds."""
    where = lab.endpoints
    text = f"""
[microsoft365]
login = "{where.login}"
graph = "{where.graph}"
management = "{where.manage}"
ca = "{where.ca}"

[rotation]
reads = 2
successes = 2
refusals = 2
spacing_seconds = 1
propagation_seconds = 1
longest_token_life_seconds = 3
bake_seconds = 1
"""
    path = folder / "counterfoil.toml"
    path.write_text(text)
    return path


@contextmanager
def _books(data, lab):
    engine = open_database(data / "counterfoil.db")
    ledger = open_ledger_of(engine, data)
    custodian = Custodian(data / "signer" / "signer.sock")
    collect(ledger, custodian, clock.now())
    where = lab.endpoints
    endpoints = Endpoints(where.login, where.graph, where.manage, str(where.ca))
    try:
        with Wire(endpoints) as wire:
            through = ThroughSigner(SignerClient(data / "signer" / "signer.sock"), ledger)
            means = Means(ledger, wire, endpoints, clock.now, time.sleep)
            new_job = partial(connecting.new_job, ledger)
            yield Books(ledger, custodian, Connections(ledger), through, means, new_job)
    finally:
        ledger.close()
        engine.dispose()
