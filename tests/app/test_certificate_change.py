"""The gateway's own certificate is changed while mail flows: real TLS, a real laboratory tenant, a real connector."""

import base64
import contextlib
import hashlib
import json
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from tests.app.test_serving import WAIT, Serve, serving

from counterfoil.lab.authority import Identity
from counterfoil.lab.laboratory import Laboratory

GATEWAY = "gateway.test.example"
SECOND = "mx2.test.example"
ADDRESS = "ada@acme.example"


def print_of(place: Path) -> str:
    """Return the SHA-256 of the first certificate in a PEM file, by another library's eyes."""
    return x509.load_pem_x509_certificate(place.read_bytes()).fingerprint(hashes.SHA256()).hex()


@dataclass
class Place:
    """A gateway's folder, its next hop, and the certificate that it begins with."""

    folder: Path
    lab: Laboratory
    old: Identity
    mailboxes: tuple[str, ...] = (ADDRESS, "heartbeat@acme.example")

    @property
    def extra(self) -> str:
        """The lines of the configuration."""
        return (
            f'hostname = "{GATEWAY}"\ntls_certificate = "{self.old.certificate}"\ntls_key = "{self.old.key}"\n'
            f'next_hop_ca = "{self.lab.endpoints.ca}"\n[console]\nlisten = "127.0.0.1:0"\n'
        )

    def command(self, *words: str) -> tuple[int, str, str]:
        """Run a command as an operator would."""
        line = [sys.executable, "-m", "counterfoil", *words, "--data", str(self.folder / "data")]
        line += ["--config", str(self.folder / "c.toml")]
        done = subprocess.run(line, capture_output=True, text=True, timeout=WAIT, check=False)
        return done.returncode, done.stdout, done.stderr

    def rotate(self, new: Identity, *words: str) -> tuple[int, dict[str, object], str]:
        """Offer a certificate; return the exit code, the answer and the messages."""
        files = ("--certificate", str(new.certificate), "--key", str(new.key))
        code, out, said = self.command("gateway", "rotate", "--json", *files, *words)
        return code, json.loads(out) if out else {}, said

    def arrived(self) -> Counter[str]:
        """Count the numbered messages in the tenant's mailbox."""
        found = (base64.b64decode(one["mime"]) for one in self.lab.operate("messages", address=ADDRESS))
        return Counter(re.search(rb"Subject: (\S+)", raw)[1].decode() for raw in found)


@pytest.fixture
def place(tmp_path: Path, running_lab: Laboratory) -> Iterator[Place]:
    """A tenant whose connector lets in our certificate's name alone."""
    made = running_lab.add_tenant("Acme", domains=["acme.example"])
    for address in Place.mailboxes:
        running_lab.add_mailbox(made["id"], address)
    running_lab.operate("add_connector", tenant=made["id"], name="Gateway", certificate_name=GATEWAY)
    here = Place(tmp_path, running_lab, running_lab.certificate(tmp_path / "old", GATEWAY, SECOND))
    (tmp_path / "c.toml").write_text(f"[gateway]\n{here.extra}")
    hop = f"localhost:{running_lab.endpoints.smtp}"
    assert here.command("tenant", "add", "acme", "--domain", "acme.example", "--next-hop", hop)[0] == 0
    return here


@pytest.fixture
def running_lab(tmp_path: Path) -> Iterator[Laboratory]:
    """A laboratory of the test's own: its connector is the other side."""
    with Laboratory(tmp_path / "lab", seed=1) as lab:
        yield lab


def smtp_port(serve: Serve) -> int:
    """Return where mail comes in, when everything is up."""
    serve.wait_for("ready")
    return next(int(str(e["port"])) for e in serve.events() if e.get("face") == "smtp")


def console_port(serve: Serve) -> int:
    """Return where browsers connect."""
    return next(int(str(e["port"])) for e in serve.events() if e.get("face") == "console")


def secured(client: smtplib.SMTP) -> str:
    """Say STARTTLS as a stranger; return the fingerprint that the gateway shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client.starttls(context=context)
    return hashlib.sha256(client.sock.getpeercert(binary_form=True)).hexdigest()


def shown(port: int) -> str:
    """Shake hands with the gateway; return the fingerprint that it shows."""
    with smtplib.SMTP("127.0.0.1", port, timeout=WAIT) as client:
        return secured(client)


def deliver(client: smtplib.SMTP, number: str) -> None:
    """Send one numbered message over an open connection; anything but 250 raises."""
    raw = f"From: a@b.example\r\nTo: {ADDRESS}\r\nSubject: {number}\r\nMessage-ID: <{number}@b.example>\r\n\r\nHi\r\n"
    assert client.sendmail("a@b.example", [ADDRESS], raw.encode()) == {}


@dataclass
class Traffic:
    """Clients that send numbered messages over STARTTLS without a pause; whatever is not 250 is kept as a failure."""

    port: int
    sent: list[str] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, name: str, each: int) -> None:
        """Send until told to stop, ``each`` messages a connection."""
        number = 0
        try:
            while not self.stop.is_set():
                with smtplib.SMTP("127.0.0.1", self.port, timeout=WAIT) as client:
                    secured(client)
                    for _ in range(each):
                        number += 1
                        deliver(client, f"{name}-{number}")
                        self.sent.append(f"{name}-{number}")
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            self.failures.append(error)


@contextlib.contextmanager
def traffic(port: int) -> Iterator[Traffic]:
    """Keep three clients sending."""
    flow = Traffic(port)
    threads = [threading.Thread(target=flow.run, args=(name, each)) for name, each in (("a", 1), ("b", 3), ("c", 10))]
    for thread in threads:
        thread.start()
    try:
        yield flow
    finally:
        flow.stop.set()
        for thread in threads:
            thread.join(WAIT)


def actions(place: Place) -> list[str]:
    """Return what the ledger says of the gateway's certificate."""
    code, out, said = place.command("ledger", "export", "--all")
    assert code == 0, said
    found = [json.loads(line) for line in out.splitlines()]
    return [one["action"] for one in found if str(one.get("action", "")).startswith("gateway-certificate")]


def test_changed_while_mail_flows(place: Place):
    """No message fails and no connection drops; new handshakes show the new one, and so does a restart."""
    new = place.lab.certificate(place.folder / "new", GATEWAY, SECOND)
    with serving(place.folder, place.extra) as serve:
        port = smtp_port(serve)
        assert shown(port) == print_of(place.old.certificate)
        with smtplib.SMTP("127.0.0.1", port, timeout=WAIT) as open_one, smtplib.SMTP("127.0.0.1", port) as plain:
            secured(open_one)
            plain.ehlo()
            deliver(open_one, "before")
            with traffic(port) as flow:
                while len(flow.sent) < 5 and not flow.failures:
                    time.sleep(0.05)
                code, answer, said = place.rotate(new)
                mark = len(flow.sent)
                while len(flow.sent) < mark + 5 and not flow.failures:
                    time.sleep(0.05)
            deliver(open_one, "after")
            assert secured(plain) == print_of(new.certificate)
        assert flow.failures == []
        assert (code, answer["state"]) == (0, "in-use"), said
        assert [one["state"] for one in answer["proof"]] == ["proven"] * 3, answer
        assert shown(port) == print_of(new.certificate)
        pem = ssl.get_server_certificate(("127.0.0.1", console_port(serve)))
        assert hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() == print_of(new.certificate)
        assert place.arrived() == Counter(["before", "after", *flow.sent])
        serve.process.send_signal(signal.SIGTERM)
        assert serve.process.wait(WAIT) == 0
    with serving(place.folder, place.extra) as again:
        assert shown(smtp_port(again)) == print_of(new.certificate)
    assert actions(place) == [f"gateway-certificate-{what}" for what in ("in-use", "offered", "switched", "in-use")]


def test_a_certificate_that_the_connector_does_not_take(place: Place):
    """The next hop turns it away: the one in use stays, it is said why, and mail never showed the other."""
    stranger = trustme.CA()
    issued = stranger.issue_cert(GATEWAY, SECOND)
    new = Identity(place.folder / "new.pem", place.folder / "new.key")
    issued.cert_chain_pems[0].write_to_path(new.certificate)
    issued.private_key_pem.write_to_path(new.key)
    stranger.cert_pem.write_to_path(place.folder / "stranger.pem")
    with serving(place.folder, place.extra) as serve:
        port = smtp_port(serve)
        code, _, said = place.rotate(new, "--without", "life")
        assert (code, "say --authorities FILE" in said) == (2, True), said
        words = ("--without", "life", "--authorities", str(place.folder / "stranger.pem"))
        with traffic(port) as flow:
            code, answer, said = place.rotate(new, *words)
        assert (code, answer["state"], flow.failures) == (1, "refused", []), said
        assert "with the certificate in use: 250" in answer["proof"][0]["words"]
        assert shown(port) == print_of(place.old.certificate)
        assert place.arrived() == Counter(flow.sent)
        assert "failed where the one in use does not" in place.command("gateway", "certificate")[1]


def test_a_name_that_a_connector_may_match(place: Place):
    """A certificate without a name of the old one is refused with what to do; with --without it is taken."""
    new = place.lab.certificate(place.folder / "new", GATEWAY)
    with serving(place.folder, place.extra) as serve:
        port = smtp_port(serve)
        code, _, said = place.rotate(new)
        assert (code, f"it lacks {SECOND}" in said, "say --without NAME" in said) == (2, True, True), said
        assert shown(port) == print_of(place.old.certificate)
        assert place.rotate(new, "--without", SECOND)[0] == 0
        code, out, _ = place.command("gateway", "rotate", "--back", "--json")
        assert (code, json.loads(out)["certificate"]) == (0, print_of(place.old.certificate))
        assert shown(port) == print_of(place.old.certificate)


def test_renewed_in_place_and_asked_for_by_sighup(place: Place):
    """Files that were replaced where they lie are taken on SIGHUP; half a replacement never is, not even at a start."""
    old = print_of(place.old.certificate)
    new = place.lab.certificate(place.folder / "new", GATEWAY, SECOND)
    with serving(place.folder, place.extra) as serve:
        port = smtp_port(serve)
        place.old.certificate.write_bytes(new.certificate.read_bytes())
        serve.process.send_signal(signal.SIGHUP)
        assert "cannot be used" in str(serve.wait_for("the certificate stays as it is"))
        assert shown(port) == old
    with serving(place.folder, place.extra) as serve:
        serve.wait_for("the configured certificate cannot be used; the one before is")
        port = smtp_port(serve)
        assert shown(port) == old
        place.old.key.write_bytes(new.key.read_bytes())
        serve.process.send_signal(signal.SIGHUP)
        assert serve.wait_for("a new certificate was tried")["state"] == "in-use"
        assert shown(port) == print_of(new.certificate)


def test_killed_after_the_switch(place: Place):
    """Killed with the new one in use and not yet proven: the next start shows it, tries everything, and settles."""
    new = place.lab.certificate(place.folder / "new", GATEWAY, SECOND)
    with serving(place.folder, place.extra) as serve:
        smtp_port(serve)
    assert place.rotate(new)[1]["state"] == "in-use"
    file = place.folder / "data" / "gateway-certificate" / "record.json"
    record = json.loads(file.read_text())
    offer = {"certificate": record["in_use"], "by": "anna", "at": record["last"]["at"], "given": record["given"]}
    file.write_text(json.dumps({**record, "offer": {**offer, "switched": True}, "last": None}))
    with serving(place.folder, place.extra) as serve:
        assert shown(smtp_port(serve)) == print_of(new.certificate)
        assert serve.wait_for("a new certificate was tried")["state"] == "in-use"
    assert json.loads(file.read_text())["offer"] is None


def test_offered_where_nothing_runs(place: Place):
    """Without a ``serve`` the next hops are tried by the command, and the next start shows the certificate."""
    new = place.lab.certificate(place.folder / "new", GATEWAY, SECOND)
    code, answer, said = place.rotate(new)
    assert (code, answer["state"], [one["state"] for one in answer["proof"]]) == (0, "in-use", ["proven"]), said
    with serving(place.folder, place.extra) as serve:
        assert shown(smtp_port(serve)) == print_of(new.certificate)
