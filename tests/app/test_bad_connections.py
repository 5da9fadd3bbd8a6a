"""What goes wrong while connecting: each a clear error that says what to do, and nothing half made."""

import json
import re
import resource
import subprocess
import sys
import uuid
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.app.laboratory import place
from tests.app.test_doctor import self_signed
from tests.conftest import missing, require_program

from counterfoil import clock
from counterfoil.app import connecting
from counterfoil.app.scope import NO_PROBES
from counterfoil.cli.connection_trial import finds
from counterfoil.credential import registry
from counterfoil.credential.collect import take_in
from counterfoil.model.errors import Misconfigured, Refused, Unavailable
from counterfoil.model.trust import Connection
from counterfoil.tenant.door import CallRefused, Door
from counterfoil.tenant.endpoints import GRAPH
from counterfoil.tenant.registration import Registration
from counterfoil.tenant.token import Tokens

SKEWED = """
import datetime, sys
from counterfoil import clock
real = clock.now
clock.now = lambda: real() + datetime.timedelta(minutes={minutes})
from counterfoil.__main__ import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """One laboratory with a signer for this file."""
    with place(tmp_path_factory.mktemp("bad")) as made:
        yield made


def entered(at, connection):
    """Enter a connection whose certificate is uploaded, and test it; return the words."""
    at.upload(connection, connecting.enter(at.books, connection, "test", 30, None))
    return connecting.test(at.books, connection, connection.roles, "test")


def other(connection, **more):
    """The same connection with something else in it."""
    fields = {name: getattr(connection, name) for name in connection.__slots__}
    return Connection(**fields | more)


def test_a_wrong_tenant_id_is_said_to_be_wrong(at):
    """No such tenant: the words name the tenant id, and nothing becomes current."""
    connection = other(at.register("lost", "mail", ["Mail.Read"]), tenant_id=str(uuid.uuid4()))
    found = entered(at, connection)
    assert not found.works
    assert "check the tenant id" in found.hint
    with pytest.raises(Refused, match="no current credential"):
        at.books.connections.current(connection)


def test_a_tenant_id_that_is_none_is_refused_by_the_command(at, capsys):
    """Text that is no GUID never gets as far as the signer."""
    ids = ("--tenant-id", "contoso", "--app", str(uuid.uuid4()), "--object-id", str(uuid.uuid4()))
    with pytest.raises(SystemExit, match="2"):
        at.here(capsys, "connection", "import", "x", *ids, "--principal", str(uuid.uuid4()))
    assert "'contoso' is no GUID" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("ac me\x1b[31m", (), "is no tenant name"),
        ("acme", ("--role", "Mail.Raed"), "did you mean Mail.Read?"),
        ("acme", ("--passphrase-file", "/etc/hostname"), "say --key-file FILE too"),
        ("acme", ("--key-file", "/etc/hostname"), "give a PKCS #12 file, or PEM"),
        ("acme", ("--days", "400"), "a certificate lives 1 to 397 days, not 400"),
    ],
)
def test_what_import_cannot_use_is_refused_and_nothing_is_there(at, capsys, name, more, words):
    """Each mistake is one sentence with what to do; no connection is entered, no key is kept."""
    connection = Connection("acme", *(str(uuid.uuid4()) for _ in range(4)), None)
    code, answer, said = at.here(capsys, "connection", "import", name, *ids_of(connection), *more)
    assert (code, answer) == (2, "")
    assert words in said
    assert "\x1b" not in said
    assert registry.listed(at.books.ledger.engine, connection.tenant_id) == []


def test_a_permission_that_is_not_in_our_table_is_taken_as_it_is(at, capsys):
    """It may be right; and of a tenant that was not added yet it is said what is missing."""
    connection = at.register("sites", "mail", ["Mail.Read"])
    more = ("--role", "Sites.FullControl.All", "--role", "Mail.Read")
    code, _, said = at.here(capsys, "connection", "import", "sites", *ids_of(connection), *more)
    assert code == 0, said
    assert "sites is no tenant yet" in said
    assert at.books.connections.one(connection.tenant_id, connection.app).roles == (
        "Sites.FullControl.All",
        "Mail.Read",
    )


def test_an_expired_certificate_is_not_taken_in(at, capsys, tmp_path):
    """Import says from when to when it was valid and what to do, and nothing is entered or kept."""
    connection = at.register("old", "mail", ["Mail.Read"])
    key, pem = self_signed("old.example", days=-1)
    (tmp_path / "old.pem").write_bytes(key + pem)
    words = ("connection", "import", "old", *ids_of(connection), "--key-file", str(tmp_path / "old.pem"))
    code, answer, said = at.here(capsys, *words)
    assert (code, answer) == (2, "")
    assert re.search(r"is valid from .* to .*, not now", said)
    assert "leave out --key-file" in said
    assert registry.listed(at.books.ledger.engine, connection.tenant_id) == []
    code, made, said = at.here(capsys, *words[:-2])
    assert (code, "BEGIN CERTIFICATE" in made) == (0, True), said
    assert [c.generation for c in registry.listed(at.books.ledger.engine, connection.tenant_id)] == [1]


def test_a_certificate_that_has_expired_since_signs_nothing(at):
    """The words give both dates and say to rotate, and the tenant is not asked."""
    connection = at.register("over", "mail", ["Mail.Read"])
    key, pem = self_signed("over.example", days=-1)
    take_in(at.books.ledger, at.books.custodian.adopt(connection.tenant_id, connection.app, 1, key + pem, None))
    at.books.connections.add(connection, clock.now(), "test")
    with pytest.raises(Misconfigured, match=r"is valid from .* not now") as caught:
        connecting.test(at.books, connection, connection.roles, "test")
    assert "rotate to a new certificate" in caught.value.hint
    assert at.lab.operate("rows", log="signin", tenant=connection.tenant_id) == []


def test_a_directory_is_one_tenants(at, capsys):
    """Under two names each would be shown what is known of the other; whose it is, is not said."""
    mine = at.register("mine", "mail", ["Mail.Read"])
    at.connect(mine)
    other = at.register("theirs", "mail", ["Mail.Read"], tenant_id=mine.tenant_id)
    code, answer, words = at.here(capsys, "connection", "import", "theirs", *ids_of(other))
    assert (code, answer) == (2, "")
    assert f"the tenant id {mine.tenant_id} is another tenant's, not that of theirs" in words
    assert "mine" not in words
    assert [c.tenant for c in at.books.connections.all() if c.tenant_id == mine.tenant_id] == ["mine"]


def test_consent_that_was_taken_back_is_told(at):
    """Without its service principal the application gets no token, and the administrator is named as who can help."""
    connection = at.register("revoked", "mail", ["Mail.Read"])
    at.connect(connection)
    at.lab.operate("admin_remove_principal", tenant=connection.tenant_id, app_id=connection.app)
    found = connecting.test(at.books, connection, connection.roles, "test")
    assert not found.works
    assert "has not consented or has deleted the enterprise application" in found.hint
    assert found.missing == ("Mail.Read",)


@contextmanager
def skewed_signer(at, folder, minutes):
    """A signer whose machine's clock is off, and a data folder of its own."""
    folder.mkdir(mode=0o700)
    authority = at.lab.endpoints.login.removeprefix("https://")
    words = ["signer", "--json", "--data", str(folder), "--authority", authority]
    line = [sys.executable, "-c", SKEWED.format(minutes=minutes), *words]
    signer = subprocess.Popen(line, stdout=subprocess.PIPE)
    try:
        assert signer.stdout.readline()
        yield
    finally:
        signer.terminate()
        signer.wait(10)
        signer.stdout.close()


def command(at, data, *words, limit=None):
    """Run a command on another data folder; ``limit`` is the size that its files may grow to."""
    line = [sys.executable, "-m", "counterfoil", *words, "--json", "--data", str(data), "--config", str(at.config)]

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        line,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        preexec_fn=small if limit else None,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def ids_of(connection):
    """The arguments of ``connection import``."""
    return (
        *("--tenant-id", connection.tenant_id, "--app", connection.app),
        *("--object-id", connection.object_id, "--principal", connection.service_principal),
    )


@pytest.mark.parametrize("minutes", [-20, 10])
def test_a_clock_that_is_off_is_told_as_such(at, tmp_path, minutes):
    """Assertions of a signer whose clock is off are refused by the token service, and the words say why."""
    connection = at.register(f"clock{abs(minutes)}", "mail", ["Mail.Read"])
    data = tmp_path / "data"
    with skewed_signer(at, data, minutes):
        code, made, words = command(at, data, "connection", "import", connection.tenant, *ids_of(connection))
        assert code == 0, words
        at.lab.operate("admin_add_key", app_id=connection.app, certificate_pem=made["certificate"])
        code, answer, words = command(at, data, "connection", "test", connection.tenant)
    assert code == 1, words
    assert not answer[0]["works"]
    assert "the clock of this machine is wrong" in answer[0]["hint"]


@pytest.mark.parametrize(("minutes", "words"), [(-10, r"is \d+ s behind: set it by NTP"), (10, r"is \d+ s ahead")])
def test_a_clock_that_is_off_and_let_in_all_the_same_is_told_too(at, minutes, words):
    """Ten minutes behind, an assertion is just not over; tokens would be kept beyond their end."""
    connection = at.register(f"ticks{minutes + 20}", "mail", ["Mail.Read"])
    assert at.connect(connection).words == "the token service knows the credential"
    off = replace(at.books.means, clock=lambda: clock.now() + timedelta(minutes=minutes))
    found = connecting.test(replace(at.books, means=off), connection, connection.roles, "test")
    assert (found.works, found.clock_off, finds(found, NO_PROBES)) == (True, True, True)
    assert re.search(words, found.words)


def test_a_tenant_that_forbids_long_certificates_says_so(at):
    """A certificate that would live too long is refused by the tenant; ours stays as it was, and the hint helps."""
    control = at.register("short", "control", ["Application.ReadWrite.OwnedBy"])
    at.connect(control)
    connection = at.register(
        "short", "mail", ["Mail.Read"], owners=[control.service_principal], tenant_id=control.tenant_id
    )
    at.connect(connection)
    at.lab.operate("admin_key_policy", tenant=control.tenant_id, days=10)
    current = at.books.connections.current(control)
    door = Door(Tokens(control, current, at.books.through.for_use, at.books.means))
    registration, job = Registration(door, connection), at.books.new_job("rotate", "x")
    before = registration.credentials(job)
    new = at.books.custodian.certificate(connection.tenant_id, connection.app, 7, 90)
    key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": new.body["certificate"]}
    with pytest.raises(CallRefused, match=r"(?i)polic") as caught:
        registration.replace_certificates([entry.raw for entry in before] + [key], job)
    assert "--days" in caught.value.hint
    assert registration.credentials(job) == before


def test_a_full_disk_leaves_no_half_of_a_connection(at, tmp_path):
    """Import on a full disk ends with what to do; no connection is there; with room again it goes on to the end."""
    connection = at.register("full", "mail", ["Mail.Read"])
    data = tmp_path / "data"
    with skewed_signer(at, data, 0):
        command(at, data, "connection", "list")
        for limit, hint in ((4096, "make room"), (50_000, "free space")):
            code, _, words = command(at, data, "connection", "import", "full", *ids_of(connection), limit=limit)
            assert code == 2, words
            assert "Traceback" not in words
            assert hint in words
            code, listed, words = command(at, data, "connection", "list")
            assert (code, listed) == (0, []), words
        code, made, words = command(at, data, "connection", "import", "full", *ids_of(connection))
        assert code == 0, words
        at.lab.operate("admin_add_key", app_id=connection.app, certificate_pem=made["certificate"])
        code, answer, words = command(at, data, "connection", "test", "full")
        assert (code, answer[0]["works"]) == (0, True), words


def test_a_disk_that_really_is_full_leaves_nothing_half_made(tmp_path):
    """On a file system of 4 MiB without room, wherever it ends: what to do is said, and with room again it goes on."""
    program = [require_program("unshare"), "-rm", sys.executable, "-m", "tests.app.on_a_small_disk", str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=110, check=False)
    if done.returncode and ("unshare failed" in done.stderr or "permission denied" in done.stderr):
        missing("a mount of our own (unshare -rm, mount -t tmpfs)")
    assert done.returncode == 0, done.stderr
    tries = json.loads(done.stdout)
    assert [one["code"] for one in tries][:3] == [2, 2, 2]
    for one in tries:
        assert "Traceback" not in one["said"]
        assert ("free" in one["said"]) or ("make room" in one["said"]), one
        assert one["nothing_new"] == bool(one["code"]), one
        assert (one["again"], one["verified"], one["wrong"]) == (0, 0, []), one
    assert len({one["said"].splitlines()[0].partition("/")[0] for one in tries}) >= 3, "each ends at another place"


def test_an_import_that_was_cut_off_goes_on(at, monkeypatch):
    """Between the key and the entry: the next try takes the key that is there, and there is one connection."""
    connection = at.register("cut", "mail", ["Mail.Read"])

    def full(*_):
        raise Unavailable("no space left on the disk", "make room")

    with monkeypatch.context() as broken:
        broken.setattr(type(at.books.connections), "add", full)
        with pytest.raises(Unavailable, match="no space"):
            connecting.enter(at.books, connection, "test", 30, None)
    assert connection.app not in {known.app for known in at.books.connections.all()}
    made = registry.listed(at.books.ledger.engine, connection.tenant_id)
    assert len(made) == 1
    again = connecting.enter(at.books, connection, "test", 30, None)
    assert again.thumbprint_sha256 == made[0].thumbprint_sha256
    with pytest.raises(Refused, match="entered already"):
        connecting.enter(at.books, connection, "test", 30, None)
    assert len(registry.listed(at.books.ledger.engine, connection.tenant_id)) == 1


def test_a_connection_that_is_removed_signs_no_more(at, capsys):
    """Removed by command: its credentials are retired, the books say disconnected, and a token is refused."""
    connection = at.register("gone", "mail", ["Mail.Read"])
    at.connect(connection)
    current = at.books.connections.current(connection)
    code, answer, words = at.here(capsys, "connection", "remove", "gone")
    assert code == 2, "nobody is here to say yes"
    code, answer, words = at.here(capsys, "connection", "remove", "gone", "--yes", "--json")
    assert (code, json.loads(answer)) == (0, {"removed": connection.app, "retired": 1}), words
    tokens, job = (
        Tokens(connection, current, at.books.through.for_use, at.books.means),
        at.books.new_job("inspect", "x"),
    )
    with pytest.raises(Refused, match="signs nothing but a death test"):
        tokens.fresh(GRAPH, job)
    stubs = [row.stub for row in at.books.ledger.stubs(kinds={"tenant"}) if row.stub.tenant == connection.tenant_id]
    assert [stub.body["connected"] for stub in stubs] == [True, False]
