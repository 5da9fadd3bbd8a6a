"""The signer's socket: who may ask, what noise does, and that no file of the signer is within reach of who asks."""

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
from pathlib import Path

import jwt
import pytest

from counterfoil import clock
from counterfoil.credential.checkpoints import CheckpointKeeper
from counterfoil.credential.home import open_home
from counterfoil.credential.journal import Journal
from counterfoil.credential.rate import Rate
from counterfoil.credential.shield import Shield
from counterfoil.credential.signer import Signer
from counterfoil.credential.signer_server import Operations, SignerServer
from counterfoil.credential.wire import ask
from counterfoil.model.errors import Unavailable
from tests.credential.conftest import APP, AUDIENCE, TENANT
from tests.credential.keys import JOB, NAME, WHO


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
