"""The signer as its callers meet it: a process behind a socket that leaves a stub for all that it signs."""

import base64
import contextlib
import json
import os
import pwd
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import warnings
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil import clock
from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.certificate import make_certificate
from counterfoil.credential.checkpoints import CheckpointKeeper
from counterfoil.credential.home import open_home
from counterfoil.credential.journal import Journal
from counterfoil.credential.jws import PROOF_AUDIENCE
from counterfoil.credential.rate import Rate
from counterfoil.credential.shield import Shield
from counterfoil.credential.signer import Signer
from counterfoil.credential.signer_server import Operations, SignerServer
from counterfoil.credential.wire import ask
from counterfoil.ledger.signed import verify_stub
from counterfoil.model.errors import Refused, Unavailable
from counterfoil.model.trust import CredentialState, Job
from tests.credential.conftest import APP, AUDIENCE, TENANT, SignerProcess

JOB = Job("job-1", "verify", clock.now())
NAME = f"{TENANT}/{APP}/1"
WHO = (TENANT, APP, NAME)


def certificate_in(stub) -> x509.Certificate:
    """Read the certificate that a stub carries."""
    return x509.load_der_x509_certificate(base64.b64decode(stub.body["certificate"]))


@pytest.fixture(params=["file", "pkcs11"])
def any_signer(request, tmp_path, start_signer):
    """A signer on each kind of key provider."""
    more = (
        ()
        if request.param == "file"
        else ("--keys", request.getfixturevalue("softhsm").token(f"s-{os.urandom(4).hex()}"))
    )
    return start_signer(tmp_path, *more)


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """One signer with one credential for all tests that are refused: they must leave no stub behind."""
    running = SignerProcess(tmp_path_factory.mktemp("standing"))
    running.custodian.certificate(TENANT, APP, 1, 90)
    yield running
    running.stop()


def test_pyjwt_accepts_the_assertion_and_its_stub_says_the_same(any_signer):
    """PyJWT verifies the assertion under the certificate; header, claims and stub agree with Microsoft's contract."""
    made = any_signer.custodian.certificate(TENANT, APP, 1, 90)
    certificate = certificate_in(made)
    signed = any_signer.client.assertion(*WHO, AUDIENCE, JOB)
    claims = jwt.decode(signed.jws, certificate.public_key(), ["PS256"], audience=AUDIENCE, issuer=APP)
    assert claims["sub"] == APP
    assert claims["exp"] - claims["nbf"] == 600
    assert claims["jti"] == signed.stub.body["jti"]
    header = jwt.get_unverified_header(signed.jws)
    thumbprint = jwt.utils.base64url_encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
    assert header == {"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}
    assert str(verify_stub(signed.stub)) == any_signer.said["stub_key"]
    assert (signed.stub.body["sequence"], signed.stub.body["counter"], signed.stub.body["job"]) == (2, 2, "job-1")


def test_rs256_carries_x5t(signer):
    """On demand the assertion is RS256 with the SHA-1 thumbprint."""
    certificate = certificate_in(signer.custodian.certificate(TENANT, APP, 1, 90))
    signed = signer.client.assertion(*WHO, AUDIENCE, JOB, algorithm=Algorithm.RS256)
    jwt.decode(signed.jws, certificate.public_key(), ["RS256"], audience=AUDIENCE)
    thumbprint = jwt.utils.base64url_encode(certificate.fingerprint(hashes.SHA1())).decode().rstrip("=")
    assert jwt.get_unverified_header(signed.jws) == {"alg": "RS256", "typ": "JWT", "x5t": thumbprint}


def test_a_key_proof_is_what_addkey_asks_for(signer):
    """The proof names the object, not the client, to Azure AD Graph, for ten minutes, without padding."""
    certificate = certificate_in(signer.custodian.certificate(TENANT, APP, 1, 90))
    signed = signer.client.proof(*WHO, "33333333-3333-3333-3333-333333333333", replace(JOB, reason="rotate"))
    claims = jwt.decode(signed.jws, certificate.public_key(), ["PS256"], audience=PROOF_AUDIENCE)
    assert claims["iss"] == "33333333-3333-3333-3333-333333333333" == signed.stub.body["object"]
    assert claims["exp"] - claims["nbf"] == 600
    assert "=" not in signed.jws


def test_a_tainted_credential_signs_nothing_but_a_death_test(signer):
    """After taint the assertion is refused, for good; the death test works, for its own job alone."""
    signer.custodian.certificate(TENANT, APP, 1, 90)
    with pytest.raises(Refused, match="only a retired or tainted one is tested"):
        signer.client.death_test(*WHO, AUDIENCE, replace(JOB, reason="prove-dead"))
    signer.custodian.mark(*WHO, CredentialState.TAINTED)
    with pytest.raises(Refused, match="is tainted: it signs nothing but a death test"):
        signer.client.assertion(*WHO, AUDIENCE, JOB)
    with pytest.raises(Refused, match="needs a job for prove-dead"):
        signer.client.death_test(*WHO, AUDIENCE, JOB)
    assert signer.client.death_test(*WHO, AUDIENCE, replace(JOB, reason="prove-dead")).stub.kind == "death-test"
    with pytest.raises(Refused, match="cannot become current, only dead"):
        signer.custodian.mark(*WHO, CredentialState.CURRENT)


def test_states_survive_a_restart(signer, tmp_path, start_signer):
    """A tainted credential is tainted for the next signer too, and an untouched one still signs."""
    signer.custodian.certificate(TENANT, APP, 1, 90)
    signer.custodian.certificate(TENANT, APP, 2, 90)
    signer.custodian.mark(*WHO, CredentialState.TAINTED)
    signer.kill()
    again = start_signer(tmp_path)
    with pytest.raises(Refused, match="is tainted"):
        again.client.assertion(*WHO, AUDIENCE, JOB)
    assert again.client.assertion(TENANT, APP, f"{TENANT}/{APP}/2", AUDIENCE, JOB).stub.body["sequence"] == 4


def test_any_use_of_a_standby_is_an_alarm_and_its_key_is_kept_apart(signer, tmp_path):
    """A standby's key lies elsewhere, daily jobs may not use it, and the stub of a use says alarm."""
    signer.custodian.certificate(TENANT, APP, 1, 90, standby=True)
    signer.custodian.mark(*WHO, CredentialState.STANDBY)
    assert [p.suffix for p in (tmp_path / "signer" / "standby").iterdir()] == [".key"]
    assert list((tmp_path / "signer" / "keys").iterdir()) == []
    with pytest.raises(Refused, match="is a standby: a job for heartbeat may not use it"):
        signer.client.assertion(*WHO, AUDIENCE, replace(JOB, reason="heartbeat"))
    signed = signer.client.assertion(*WHO, AUDIENCE, replace(JOB, reason="contain"))
    assert signed.stub.body["alarm"] == "standby-used"


def test_the_signer_signs_no_octets_it_is_handed(signer):
    """There is no operation that takes a message or a digest; fields that try to smuggle one change nothing."""
    signer.custodian.certificate(TENANT, APP, 1, 90)
    with pytest.raises(Refused, match="the signer has no operation 'sign'"):
        ask(signer.socket, 5, {"op": "sign", "message": "AAAA"})
    question = {"op": "assertion", "tenant": TENANT, "app": APP, "credential": NAME, "audience": AUDIENCE}
    question |= {"job": "j", "reason": "verify", "algorithm": "PS256", "claims": {"sub": "other"}, "message": "AAAA"}
    claims = jwt.decode(ask(signer.socket, 5, question)["jws"], options={"verify_signature": False})
    assert claims["sub"] == APP


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"audience": "https://evil.example/t/oauth2/v2.0/token"}, "is at no authority"),
        ({"tenant": "someone-else"}, "has no credential"),
        ({"app": "someone-else"}, "has no credential"),
        ({"credential": 7}, "lacks the text 'credential'"),
        ({"reason": "curiosity"}, "'curiosity' is no reason for a signature"),
        ({"reason": "prove-dead"}, "is no reason for a signature"),
        ({"job": ""}, "a signature needs a job"),
        ({"algorithm": "none"}, "is not understood"),
        ({"op": 3}, "lacks the text 'op'"),
    ],
)
def test_a_wrong_question_is_refused_and_leaves_no_stub(standing, change, why):
    """Whatever is wrong with a question, the answer says it and nothing is signed or counted."""
    question = {"op": "assertion", "tenant": TENANT, "app": APP, "credential": NAME, "audience": AUDIENCE}
    question |= {"job": "j", "reason": "verify", "algorithm": "PS256"}
    with pytest.raises(Refused, match=why):
        ask(standing.socket, 5, question | change)
    assert standing.custodian.status()["sequence"] == 1


@pytest.mark.parametrize(
    "octets",
    [b"", b"\xff\xff\xff\xff", b"\0\0\0\4nope", b"\0\0\0\2[]", b'\0\0\0\x09{"op":1', b"GET / HTTP/1.0\r\n\r\n"],
)
def test_noise_on_the_socket_harms_nobody(standing, octets):
    """A connection that sends noise is dropped, and the next one is served."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(standing.socket))
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):  # octets that nobody read reset the connection
            assert connection.recv(100) == b""
    assert standing.custodian.status()["sequence"] == 1


def test_the_socket_is_for_its_owner(standing):
    """The socket's mode is 0600."""
    assert standing.socket.stat().st_mode & 0o777 == 0o600


def test_another_user_is_refused_by_what_the_kernel_says(tmp_path):
    """A peer whose user may not ask gets no answer, whatever the mode of the socket; ours would."""
    home = open_home(tmp_path / "signer")
    journal = Journal(tmp_path / "journal", "example.org/stubs", home.stub_key)
    core = Signer(journal, {}, clock.now, frozenset(), Rate(60, 60))
    operations = Operations(core, CheckpointKeeper(home), home.checkpoint_verifier, Shield((), ()))
    for users, answered in ((frozenset({os.geteuid() + 1}), False), (frozenset({os.geteuid()}), True)):
        with SignerServer(tmp_path / "s.sock", operations, users) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                if answered:
                    assert ask(tmp_path / "s.sock", 5, {"op": "status"})["sequence"] == 0
                else:
                    with pytest.raises(Unavailable, match=r"hung up|does not answer"):
                        ask(tmp_path / "s.sock", 5, {"op": "status"})
            finally:
                server.shutdown()
                thread.join()
    journal.close()


def try_everything(where: Path, home: Path, question: bytes) -> dict:
    """Try the signer's files, then ask it, without any of our own code."""
    said: dict = {"answer": None}
    for name in ("signer.keys", "journal", "wrapping.key"):
        try:
            (home / name).read_bytes()
        except PermissionError:
            said[name] = "shut"
    try:
        with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(ConnectionResetError):
            connection.connect(str(where))
            connection.sendall(struct.pack(">I", len(question)) + question)
            answer = b""
            while part := connection.recv(65536):
                answer += part
                if len(answer) >= 4 + struct.unpack(">I", answer[:4])[0]:
                    break
            said["answer"] = json.loads(answer[4:]) if answer else None
    except (PermissionError, BrokenPipeError) as error:
        said["answer"] = "shut" if isinstance(error, PermissionError) else None
    return said


def as_user(user: int, group: int, work, *arguments) -> dict:
    """Do something in a child that is another user for good, and return what it said."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child only asks and ends
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
            os.write(writing, json.dumps(work(*arguments)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        octets = file.read()
    os.waitpid(child, 0)
    return json.loads(octets)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_the_application_runs_as_another_user_and_reaches_no_key(start_signer):
    """With ``--app-user``, that user gets signatures and no file of the signer; a third user is not even let in."""
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        place.chmod(0o755)
        (place / "run").mkdir(mode=0o755)
        more = ("--home", str(place / "home"), "--socket", str(place / "run" / "s.sock"), "--app-user", "nobody")
        running = start_signer(place / "data", *more)
        running.custodian.certificate(TENANT, APP, 1, 90)
        use = {"tenant": TENANT, "app": APP, "credential": NAME, "job": "j", "reason": "verify", "algorithm": "PS256"}
        question = json.dumps({"op": "assertion", "audience": AUDIENCE, **use})

        asked = (try_everything, running.socket, place / "home", question.encode())
        nobody = pwd.getpwnam("nobody")
        theirs = as_user(nobody.pw_uid, nobody.pw_gid, *asked)
        assert jwt.decode(theirs["answer"]["jws"], options={"verify_signature": False})["iss"] == APP
        assert {theirs[name] for name in ("signer.keys", "journal", "wrapping.key")} == {"shut"}
        assert as_user(nobody.pw_uid - 1, nobody.pw_gid - 1, *asked)["answer"] == "shut", "by the mode of the socket"
        assert as_user(nobody.pw_uid - 1, nobody.pw_gid, *asked)["answer"] is None, (
            "by what the kernel says of the peer"
        )
        assert running.socket.stat().st_mode & 0o777 == 0o660


def test_an_application_of_another_user_needs_a_socket_outside_the_signers_home(tmp_path):
    """The home is 0700: a socket in it would be out of reach, and the signer says so before it starts."""
    command = [sys.executable, "-m", "counterfoil", "signer", "--data", str(tmp_path), "--app-user"]
    for user, why in (("nobody", "cannot reach a socket"), ("no-such-user-here", "there is no user")):
        done = subprocess.run([*command, user], capture_output=True, text=True, check=False, timeout=30)
        assert (done.returncode, why in done.stderr) == (2, True), done.stderr


def test_the_rate_of_a_credential_is_limited(tmp_path, start_signer):
    """A storm of questions gets the burst and then is told to wait; another credential is served."""
    running = start_signer(tmp_path, "--rate", "1")
    running.custodian.certificate(TENANT, APP, 1, 90)
    running.custodian.certificate(TENANT, APP, 2, 90)
    for _ in range(60):
        running.client.assertion(*WHO, AUDIENCE, JOB)
    with pytest.raises(Unavailable, match="signs too often"):
        running.client.assertion(*WHO, AUDIENCE, JOB)
    running.client.assertion(TENANT, APP, f"{TENANT}/{APP}/2", AUDIENCE, JOB)


def pem(days: int = 30) -> bytes:
    """Make what an administrator would import."""
    key = rsa.generate_private_key(65537, 2048)
    now = clock.now()
    der = make_certificate(
        key.public_key(),
        lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256()),
        name="imported",
        serial=1,
        not_before=now - timedelta(hours=1),
        not_after=now + timedelta(days=days),
    )
    certificate = x509.load_der_x509_certificate(der)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def test_an_imported_certificate_may_be_on_many_connections(any_signer):
    """The shape of 2021: one key, two tenants; each connection has its own row, counter and state."""
    octets, other = pem(), "other-tenant.example"
    first = any_signer.custodian.adopt(TENANT, APP, 1, octets, None)
    second = any_signer.custodian.adopt(other, APP, 1, octets, None)
    assert first.body["thumbprint_sha256"] == second.body["thumbprint_sha256"]
    assert first.body["key"] == second.body["key"]
    any_signer.custodian.mark(*WHO, CredentialState.TAINTED)
    endpoint = AUDIENCE.replace(TENANT, other)
    signed = any_signer.client.assertion(other, APP, f"{other}/{APP}/1", endpoint, JOB)
    certificate = certificate_in(second)
    jwt.decode(signed.jws, certificate.public_key(), ["PS256"], audience=endpoint)
    assert signed.stub.body["counter"] == 2


def lay_to_rest(signer, tenant=TENANT, generation=1) -> tuple[str, str, str]:
    """Taint a credential, put it to the death test, mark it dead; return who it was."""
    who = (tenant, APP, f"{tenant}/{APP}/{generation}")
    signer.custodian.mark(*who, CredentialState.TAINTED)
    signer.client.death_test(*who, AUDIENCE.replace(TENANT, tenant), Job("job-9", "prove-dead", clock.now()))
    signer.custodian.mark(*who, CredentialState.DEAD)
    return who


def test_a_dead_credentials_private_key_is_destroyed(any_signer, tmp_path):
    """Once dead and destroyed, the key is gone from the provider, a signed stub says so, and nothing brings it back."""
    any_signer.custodian.certificate(TENANT, APP, 1, 90)
    any_signer.custodian.certificate(TENANT, APP, 2, 90)
    who = lay_to_rest(any_signer)
    keys = set((tmp_path / "signer" / "keys").glob("*.key"))
    stub = any_signer.custodian.destroy(*who)
    verify_stub(stub)
    assert (stub.kind, stub.body["state"], stub.body["destroyed"]) == ("mark", "dead", True)
    assert len(keys) - len(set((tmp_path / "signer" / "keys").glob("*.key"))) == (1 if keys else 0)
    assert any_signer.custodian.destroy(*who) is None, "again is no error"
    before = any_signer.custodian.status()["sequence"]
    with pytest.raises(Refused, match="was destroyed: there is nothing left to test"):
        any_signer.client.death_test(*who, AUDIENCE, Job("job-9", "prove-dead", clock.now()))
    assert any_signer.custodian.status()["sequence"] == before, "no stub for what cannot be"
    assert any_signer.client.assertion(TENANT, APP, f"{TENANT}/{APP}/2", AUDIENCE, JOB).jws, "the other key lives on"


def test_a_shared_key_is_destroyed_with_the_last_that_uses_it(any_signer):
    """An imported key on two connections goes when both are dead, and is not taken in again after that."""
    octets, other = pem(), "other-tenant.example"
    any_signer.custodian.adopt(TENANT, APP, 1, octets, None)
    any_signer.custodian.adopt(other, APP, 1, octets, None)
    first = lay_to_rest(any_signer)
    assert any_signer.custodian.destroy(*first) is None
    endpoint = AUDIENCE.replace(TENANT, other)
    assert any_signer.client.assertion(other, APP, f"{other}/{APP}/1", endpoint, JOB).jws, "still needed there"
    second = lay_to_rest(any_signer, other)
    assert any_signer.custodian.destroy(*second).body["destroyed"] is True
    with pytest.raises(Refused, match="was destroyed"):
        any_signer.client.death_test(*first, AUDIENCE, Job("job-9", "prove-dead", clock.now()))
    with pytest.raises(Refused, match="proven dead and destroyed"):
        any_signer.custodian.adopt(TENANT, APP, 3, octets, None)


def test_nothing_is_destroyed_before_it_was_proven_dead(signer):
    """Neither a tainted credential, nor one that was never put to the death test, loses its key."""
    signer.custodian.certificate(TENANT, APP, 1, 90)
    signer.custodian.mark(*WHO, CredentialState.TAINTED)
    with pytest.raises(Refused, match="is tainted: only a dead one's key is destroyed"):
        signer.custodian.destroy(*WHO)
    with pytest.raises(Refused, match="was never put to the death test"):
        signer.custodian.mark(*WHO, CredentialState.DEAD)
    assert signer.client.death_test(*WHO, AUDIENCE, Job("job-9", "prove-dead", clock.now())).jws


def test_a_destroyed_key_that_comes_back_with_a_backup_goes_again(signer, tmp_path, start_signer):
    """A sealed key file put back is removed at the next start; the test of death is remembered over starts, too."""
    signer.custodian.certificate(TENANT, APP, 1, 90)
    (path,) = (tmp_path / "signer" / "keys").glob("*.key")
    octets = path.read_bytes()
    signer.custodian.mark(*WHO, CredentialState.TAINTED)
    signer.client.death_test(*WHO, AUDIENCE, Job("job-9", "prove-dead", clock.now()))
    signer.stop()
    again = start_signer(tmp_path)
    again.custodian.mark(*WHO, CredentialState.DEAD)
    again.custodian.destroy(*WHO)
    again.stop()
    path.write_bytes(octets)
    path.chmod(0o600)
    last = start_signer(tmp_path)
    assert not path.exists()
    with pytest.raises(Refused, match="was destroyed"):
        last.client.death_test(*WHO, AUDIENCE, Job("job-9", "prove-dead", clock.now()))


@pytest.mark.parametrize(
    ("days", "generation", "why"), [(0, 1, "lives 1 to 397 days"), (398, 1, "not 398"), (90, 0, "numbered from 1")]
)
def test_a_certificate_that_should_not_be_is_refused_before_a_key_is_made(standing, days, generation, why):
    """A wrong life or generation makes neither key nor stub."""
    with pytest.raises(Refused, match=why):
        standing.custodian.certificate(TENANT, "another-app", generation, days)
    assert len(list(standing.socket.with_name("keys").iterdir())) == 1


@pytest.mark.parametrize("tenant", ["", "a/b", "../x", "x" * 65, "тенант"])
def test_a_tenant_id_cannot_mean_something_else(standing, tenant):
    """Ids that a path or a label could read otherwise are refused."""
    with pytest.raises(Refused, match="is no id of a tenant"):
        standing.custodian.certificate(tenant, APP, 1, 90)


def test_a_signer_that_is_away_is_unavailable(signer):
    """With the signer gone the client says so and how to start it."""
    assert signer.stop() == 0
    assert not signer.socket.exists()
    with pytest.raises(Unavailable, match="does not answer") as caught:
        signer.client.assertion(*WHO, AUDIENCE, JOB)
    assert caught.value.hint == "start it: counterfoil signer"


def test_the_shield_is_reported_as_it_is(signer):
    """Status says what is in force; the kernel agrees that the signer cannot be dumped."""
    shield = signer.custodian.status()["shield"]
    assert "no debugger or core dump of the same user" in shield["in_force"]
    limits = Path(f"/proc/{signer.process.pid}/limits").read_text().splitlines()
    assert any(line.split()[:6] == ["Max", "core", "file", "size", "0", "0"] for line in limits)
    if "no network" in shield["in_force"]:
        own = Path("/proc/self/ns/net").readlink()
        assert Path(f"/proc/{signer.process.pid}/ns/net").readlink() != own


def test_wrong_settings_stop_it_with_a_sentence(tmp_path):
    """A path that is too long for a socket is said, with exit code 2 and no traceback."""
    long = tmp_path / ("x" * 100)
    command = [sys.executable, "-m", "counterfoil", "signer", "--data", str(tmp_path), "--socket", str(long / "s.sock")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "the path of the socket is too long" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_journal_without_its_keys_is_not_started_over(signer, tmp_path):
    """If the sealed keys of the signer are gone, it does not make new ones over an old journal."""
    signer.stop()
    (tmp_path / "signer" / "signer.keys").unlink()
    command = [sys.executable, "-m", "counterfoil", "signer", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, "is gone and the journal is there" in done.stderr) == (2, True)


def test_the_journal_reads_as_json(standing):
    """What the signer keeps is one JSON object a line, readable without us."""
    path = standing.socket.with_name("journal")
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["kind"] == "certificate"


def test_a_second_signer_on_the_same_home_is_refused(tmp_path, signer, start_signer):
    """Two would write one journal; the first one keeps its socket and goes on."""
    with pytest.raises(RuntimeError, match="another signer runs in"):
        start_signer(tmp_path)
    assert signer.custodian.status()["stub_key"] == signer.said["stub_key"]
