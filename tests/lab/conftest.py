"""Two laboratories: a pure one whose clock the test holds, and a real one over TLS on loopback."""

import datetime as dt
import http.server
import json
import random
import ssl
import threading
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.identity import CertificateCredential
from tests.lab.bench import KEYS, ROLES, Bench, KeyPair

from counterfoil import clock
from counterfoil.lab.laboratory import Laboratory
from counterfoil.lab.world import World


@pytest.fixture
def bench():
    """A tenant (Contoso) with Alice's mailbox and one application with one certificate."""
    signing = KEYS[2]
    world = World(random.Random(7), signing.key_pem.encode(), signing.pem.encode())
    made = Bench(world)
    made.tenant = made.run("add_tenant", name="Contoso", domains=["contoso.example"])["id"]
    made.app = made.run(
        "add_application", tenant=made.tenant, name="Example Mail Guard", roles=ROLES, certificates_pem=[KEYS[0].pem]
    )
    made.run("add_mailbox", tenant=made.tenant, address="alice@contoso.example", name="Alice")
    return made


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """A laboratory over TLS; tests make tenants of their own in it."""
    with Laboratory(tmp_path_factory.mktemp("lab"), seed=1) as laboratory:
        yield laboratory


@pytest.fixture
def own_roots(monkeypatch):
    """Without the variables that override what a client was told to trust."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@dataclass(frozen=True)
class Joined:
    """A tenant of the running laboratory with one application."""

    tenant: str
    domain: str
    app: dict
    pair: KeyPair
    mailbox: str


@pytest.fixture
def joined(running):
    """A fresh tenant in the running laboratory, its clock being the real one."""
    name = f"t{uuid.uuid4().hex[:8]}"
    pair = KeyPair(name, start=clock.now() - dt.timedelta(days=1))
    tenant = running.add_tenant(name, domains=[f"{name}.example"])["id"]
    app = running.add_application(tenant, "Guard", roles=ROLES, certificates_pem=[pair.pem])
    address = f"alice@{name}.example"
    running.add_mailbox(tenant, address)
    return Joined(tenant, f"{name}.example", app, pair, address)


@pytest.fixture
def credential(running, joined, own_roots):
    """azure-identity's credential for the joined application."""
    made = CertificateCredential(
        joined.tenant,
        joined.app["app_id"],
        certificate_data=(joined.pair.key_pem + joined.pair.pem).encode(),
        authority=running.endpoints.login,
        disable_instance_discovery=True,
        connection_verify=str(running.endpoints.ca),
    )
    with made:
        yield made


class _Receiver(http.server.BaseHTTPRequestHandler):
    """A notification endpoint that answers validations and keeps what it is told."""

    def do_POST(self):
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = parse_qs(urlsplit(self.path).query).get("validationToken")
        refused = bool(self.server.refuse) and self.server.refuse.encode() in data
        self.send_response(200 if token else 503 if refused else 202)
        self.send_header("Content-Type", self.server.kind)
        self.end_headers()
        if token:
            self.wfile.write((self.server.answer or token[0]).encode())
        elif not refused:
            self.server.told.append(json.loads(data))
            self.server.heard.set()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver(running):
    """A running receiver over TLS; ``answer`` replaces the validation token."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    server.told, server.heard, server.answer, server.refuse = [], threading.Event(), None, None
    server.kind = "text/plain"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(running.engine.server.certificate, running.engine.server.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    server.url = f"https://localhost:{server.server_address[1]}/hook?a=1"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
