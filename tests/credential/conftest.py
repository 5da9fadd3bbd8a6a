"""A real SoftHSM2 with tokens, and a real signer process, for the tests of keys."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.credential.custodian import Custodian
from counterfoil.credential.signer_client import SignerClient
from tests.conftest import missing, require_program

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
TENANT = "11111111-1111-1111-1111-111111111111"
APP = "22222222-2222-2222-2222-222222222222"
AUDIENCE = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class SoftHsm:
    """Tokens of one SoftHSM2 configuration; the library reads it from the environment when it is loaded."""

    def __init__(self, home: Path, program: str) -> None:
        self.home, self._program = home, program
        (home / "tokens").mkdir()
        self.configuration = home / "softhsm2.conf"
        self.configuration.write_text(
            f"directories.tokendir = {home / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        os.environ["SOFTHSM2_CONF"] = str(self.configuration)

    def token(self, label: str, pin: str = "648219") -> str:
        """Initialise a token and return its URI."""
        command = [self._program, "--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", pin]
        subprocess.run(command, check=True, capture_output=True)
        source = self.home / f"{label}.pin"
        source.write_text(pin)
        source.chmod(0o600)
        return f"pkcs11:token={label}?module-path={MODULE}&pin-source=file:{source}"


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory):
    """SoftHSM2 with a directory of its own."""
    if not Path(MODULE).exists():
        missing("SoftHSM2 (tests/debian-packages.txt lists its package)")
    return SoftHsm(tmp_path_factory.mktemp("softhsm"), require_program("softhsm2-util"))


class SignerProcess:
    """``counterfoil signer`` as its own process, on a data directory."""

    def __init__(self, data: Path, *more: str, program: Sequence[str] = ("-m", "counterfoil")) -> None:
        command = [sys.executable, *program, "signer", "--json", "--data", str(data), *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            words = self.process.communicate()[1]
            raise RuntimeError(words)
        self.said = json.loads(line)
        self.socket = Path(self.said["socket"])
        self.client = SignerClient(self.socket)
        self.custodian = Custodian(self.socket)
        # Read along, so that a talkative signer never waits for us.
        self.lines = []
        self._reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self._reader.start()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self._end()

    def stop(self) -> int:
        """End it as an operator would, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._end()

    def _end(self) -> int:
        code = self.process.wait(20)
        self._reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


@pytest.fixture
def start_signer():
    """Start signers; whatever still runs at the end of the test is ended."""
    started = []

    def start(data: Path, *more: str) -> SignerProcess:
        started.append(SignerProcess(data, *more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


@pytest.fixture
def signer(tmp_path, start_signer):
    """A signer on fresh data, its data directory being the test's directory."""
    return start_signer(tmp_path)


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
