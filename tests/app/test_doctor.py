"""The doctor: each fault that we make is found by name, with a cause and a fix."""

import argparse
import datetime as dt
import re
import socketserver
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.app.laboratory import place

from counterfoil import clock
from counterfoil.__main__ import parser_for
from counterfoil.app import connecting
from counterfoil.app.certificate_book import Book, Record, fingerprint_of
from counterfoil.app.doctor import machine
from counterfoil.app.doctor.examine import CHECKS, examine
from counterfoil.app.doctor.finding import Patient, Weight
from counterfoil.app.doctor.mail import back_door
from counterfoil.app.flags import FLAGS, flags_of
from counterfoil.cli import COMMANDS
from counterfoil.config import load
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store.tenants import Domain
from counterfoil.model.errors import Misconfigured
from counterfoil.model.trust import Connection, Credential, CredentialState


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """One laboratory with a signer for this file."""
    with place(tmp_path_factory.mktemp("doctor")) as made:
        made.data.chmod(0o700)
        yield made


def found(at, check, config=None):
    """The findings of one check, as (about, cause)."""
    for looked in examine(at.data, load(config or at.config)):
        if looked.check == check:
            return [(f.about, f.cause) for f in looked.findings]
    return []


def causes(at, check, config=None):
    """All causes of one check as one text."""
    return " | ".join(cause for _, cause in found(at, check, config))


def test_every_finding_says_what_to_do(at):
    """No finding of any check is without a cause and a fix, and every check was made."""
    looked = list(examine(at.data, load(at.config)))
    assert [one.check for one in looked] == ["database", *(name for name, _ in CHECKS)]
    assert all(f.about and f.cause and f.fix for one in looked for f in one.findings)


def test_a_folder_that_others_may_enter_is_found(at):
    """Mode 0755 on the data folder is a problem, and the fix is the command."""
    at.data.chmod(0o755)
    try:
        assert "others may enter it (mode 755)" in causes(at, "data folder")
    finally:
        at.data.chmod(0o700)
    assert found(at, "data folder") == []


def test_how_keys_are_kept_is_said(at):
    """A signer of our own user with a key file is a note about both."""
    words = causes(at, "signer")
    assert "same user" in words
    assert "sealed with a key file" in words


def test_a_shared_certificate_and_a_foreign_secret_are_found(at):
    """Two tenants on one imported certificate are flagged; a secret that we do not know is named with its id."""
    key, pem = self_signed("shared", days=30)
    for name in ("left", "right"):
        connection = at.register(name, "mail", ["Mail.Read", "Application.Read.All"])
        at.upload(connection, connecting.enter(at.books, connection, "test", 30, (key + pem, None)))
        at.command("connection", "test", name)
    secret = at.lab.operate("admin_add_secret", app_id=connection.app)
    shared = [about for about, cause in found(at, "connections") if "same certificate" in cause]
    assert [about.split(" ")[0] for about in shared] == ["left", "right"]
    assert secret["key_id"] in causes(at, "tenants")
    code, rows, _ = at.command("connection", "list")
    assert code == 0
    assert all("shared" in row["flags"] for row in rows if row["tenant"] in {"left", "right"})


def test_a_tenant_that_we_cannot_rotate_is_noted(at):
    """Without a control application there is a note at the one that reads mail; with one there is none at either."""
    at.connect(at.register("alone", "mail", ["Mail.Read"]))
    control = at.register("both", "control", ["Application.ReadWrite.OwnedBy"])
    at.connect(control)
    at.connect(at.register("both", "mail", ["Mail.Read"], tenant_id=control.tenant_id))
    told = {about.split(" ")[0] for about, cause in found(at, "connections") if "no control application" in cause}
    assert ("alone" in told, "both" in told) == (True, False)


def test_a_tenant_that_lets_us_in_no_more_is_found(at):
    """A disabled application shows under tenants with the words of the token service and a hint."""
    connection = at.register("shut", "mail", ["Mail.Read"])
    at.connect(connection)
    at.lab.operate("admin_enable", tenant=connection.tenant_id, app_id=connection.app, enabled=False)
    looked = {one.check: one.findings for one in examine(at.data, load(at.config))}
    told = next(finding for finding in looked["tenants"] if finding.about.startswith("shut"))
    assert connection.app in told.about
    assert "is disabled" in told.cause
    assert "its administrator can enable it" in told.fix
    alone = next(finding for finding in looked["connections"] if finding.about == "shut")
    assert "it is connected, and has no domain" in alone.cause
    assert "counterfoil tenant add shut --domain" in alone.fix


def test_a_next_hop_that_does_not_answer_is_found(at):
    """A port where nobody listens is a problem of that next hop, with the domains that it concerns."""
    at.command("tenant", "add", "nowhere", "--domain", "nowhere.example", "--next-hop", "127.0.0.1:9")
    try:
        about, _ = found(at, "next hops")[0]
        assert "nowhere.example" in about
        assert "could not be tried" in causes(at, "back door")
    finally:
        at.command("tenant", "remove", "nowhere", "--yes")


@contextmanager
def next_hop(answer):
    """A server that answers every recipient alike; yields its port."""

    class Session(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 hop.example\r\n")
            for line in self.rfile:
                said = {b"rcpt": answer.encode(), b"quit": b"221 bye"}.get(line[:4].lower(), b"250 hop.example")
                self.wfile.write(said + b"\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("550 5.7.51 TenantInboundAttribution; There is a partner connector configured that matched", None),
        ("554 5.7.1 Client host rejected: Access denied", None),
        ("550 5.7.606 Access denied, banned sending IP [192.0.2.1]", "refused this machine or this message"),
        ("550 5.7.1 Service unavailable, client host [192.0.2.1] blocked using Spamhaus", "refused this machine"),
        ("550 5.7.509 Access denied, sending domain does not pass DMARC verification", "refused this machine or"),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", "it knows no heartbeat@acme.example"),
        ("451 4.7.500 Server busy", "come again later"),
    ],
)
def test_only_a_refusal_of_strangers_shuts_the_back_door(at, answer, cause):
    """Refused for our address, our message or the mailbox, the door was not tried: another stranger may get in."""
    with next_hop(answer) as port:
        domain = Domain("acme.example", "acme", NextHop("127.0.0.1", port, Tls.OPPORTUNISTIC))
        tenants = SimpleNamespace(all=lambda: [SimpleNamespace(domains=[domain])])
        patient = Patient(at.data, load(at.config), SimpleNamespace(tenants=tenants), None, clock.now(), offline=False)
        said = list(back_door(patient))
    assert [f.weight for f in said] == ([] if cause is None else [Weight.UNTRIED])
    assert all(cause in f.cause and f.fix for f in said)


@pytest.mark.parametrize(
    ("name", "days", "words"),
    [
        ("gw.example", 3, "it ends in"),
        ("gw.example", -1, "not now"),
        ("other.example", 90, "it is for other.example, and we call ourselves gw.example"),
        ("*.example", 90, ""),
    ],
)
def test_a_certificate_that_will_not_do_is_found(at, tmp_path, name, days, words):
    """Its end and its names are compared with the clock and with what we call ourselves."""
    key, pem = self_signed(name, days=days)
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "certificate.pem").write_bytes(pem)
    config = tmp_path / "config.toml"
    config.write_text(
        '[gateway]\nhostname = "gw.example"\ntls_certificate = "certificate.pem"\ntls_key = "key.pem"\n'
        + at.config.read_text()
    )
    assert words in causes(at, "certificate", config) if words else not found(at, "certificate", config)


def test_a_clock_that_is_off_is_found(at, monkeypatch):
    """Ten minutes off the token service's Date is a problem, told in seconds."""
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + dt.timedelta(minutes=10))
    off = re.search(r"our clock is (\d+) s off", causes(at, "clock"))
    assert off is not None
    assert 590 <= int(off[1]) <= 610


def test_a_disk_that_is_nearly_full_is_found(at, monkeypatch):
    """Little room left is a problem before mail has to be deferred."""
    monkeypatch.setattr(machine, "LEAST_FREE", 1 << 60)
    assert "mail is deferred" in causes(at, "disk")


def test_where_there_is_nothing_it_cannot_run(at, tmp_path):
    """No data folder is exit 2 and a hint, and nothing is made there."""
    with pytest.raises(Misconfigured, match="there is no data"):
        list(examine(tmp_path, load(None)))
    assert not list(tmp_path.iterdir())


def test_a_damaged_database_is_a_finding(tmp_path):
    """A database that does not open is told with its hint, and nothing else is looked at."""
    (tmp_path / "counterfoil.db").write_bytes(b"this is no database" * 100)
    looked = list(examine(tmp_path, load(None)))
    assert [one.check for one in looked] == ["database"]
    assert "restore the newest backup" in looked[0].findings[0].fix


def test_every_command_that_a_fix_names_is_there():
    """A fix that names a command names one that the program has, verb and options included."""
    app = Path(connecting.__file__).parent
    sources = [*app.glob("doctor/*.py"), app / "flags.py", app / "heartbeat.py", app / "standing.py", app / "scope.py"]
    pattern = re.compile(r"(?<!from )counterfoil ([a-z]+(?: [a-z]+)*)((?: (?:[A-Z]+|--[a-z-]+))*)")
    named = {found for path in sources for found in pattern.findall(path.read_text())}
    assert len(named) > 10
    known = {parser.prog.removeprefix("counterfoil ").strip(): parser.format_help() for parser in every_parser()}
    for words, options in named:
        told = words.split()
        with_verbs = any(name.startswith(f"{told[0]} ") for name in known)
        fitting = [name for n in range(1 + with_verbs, len(told) + 1) if (name := " ".join(told[:n])) in known]
        assert fitting, f"there is no command: counterfoil {words}"
        wanted = [option for option in options.split() if option.startswith("-")]
        assert all(option in known[fitting[-1]] for option in wanted), (words, options)


def every_parser():
    """Every parser of the program, those of verbs included."""
    for name in COMMANDS:
        waiting = [parser_for(name)]  # only this command's arguments are filled in
        while waiting:
            parser = waiting.pop()
            if parser.prog.startswith(f"counterfoil {name}"):
                yield parser
            for action in parser._actions:
                if isinstance(action, argparse._SubParsersAction):
                    waiting += action.choices.values()


def credential(**more):
    """A credential of thirty days, current and ours alone."""
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    said = {
        "tenant": "t",
        "app": "a",
        "generation": 1,
        "state": CredentialState.CURRENT,
        "key": "file:x",
        "thumbprint_sha1": "A",
        "thumbprint_sha256": "B",
        "key_id": None,
        "not_before": start,
        "not_after": start + dt.timedelta(days=30),
    }
    return Credential(**said | more)


@pytest.mark.parametrize(
    ("current", "roles", "shared", "day", "flags"),
    [
        (credential(), ("Mail.Read",), (), 1, ()),
        (credential(), ("Mail.Read",), (), 15, ("past-half-life",)),
        (credential(), ("Mail.Read",), (), 30, ("expired",)),
        (credential(), ("Mail.Read",), ("B",), 1, ("shared",)),
        (credential(state=CredentialState.TAINTED), ("Mail.Read",), (), 1, ("tainted",)),
        (None, None, (), 1, ("no-credential", "roles-unknown")),
    ],
)
def test_flags_say_what_the_books_say(current, roles, shared, day, flags):
    """Each flag appears at its bound, and every one has a cause and a fix."""
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=day)
    connection = Connection("n", "t", "a", "o", "s", roles)
    assert flags_of(connection, current, shared, now) == flags
    assert set(flags) <= set(FLAGS)


def test_a_configured_certificate_that_is_not_in_use_is_found(at, tmp_path):
    """The file was refused or not offered yet: what is in use is judged, and it is said how to use the file."""
    pairs = [self_signed("gw.example", days=days) for days in (90, 3)]
    (tmp_path / "key.pem").write_bytes(pairs[0][0])
    (tmp_path / "certificate.pem").write_bytes(pairs[0][1])
    config = tmp_path / "config.toml"
    config.write_text(
        '[gateway]\nhostname = "gw.example"\ntls_certificate = "certificate.pem"\ntls_key = "key.pem"\n'
        + at.config.read_text()
    )
    book = Book(at.data)
    in_use = book.keep(pairs[1][0] + pairs[1][1])
    given = fingerprint_of(tmp_path / "certificate.pem")
    try:
        book.change(lambda record: replace(record, in_use=in_use, given=given))
        said = causes(at, "certificate", config)
        assert "it ends in 3 days" in said
        assert f"the certificate in use is {in_use[:16]}" in said
    finally:
        book.change(lambda _: Record())


def self_signed(name, *, days):
    """A key and a certificate for one DNS name as PEM, ending in so many days."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = clock.now()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=5))
        .not_valid_after(now + dt.timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form), made.public_bytes(serialization.Encoding.PEM)
