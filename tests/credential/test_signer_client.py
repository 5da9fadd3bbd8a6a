"""The client beside a signer that is slow, and one that lies."""

import socketserver
import threading
from contextlib import contextmanager

import pytest

from counterfoil import clock
from counterfoil.credential.signer_client import SignerClient
from counterfoil.credential.wire import ask, receive, send
from counterfoil.model.errors import Misconfigured, Unavailable
from counterfoil.model.trust import Job
from tests.credential.conftest import APP, AUDIENCE, TENANT

JOB = Job("job-1", "verify", clock.now())
WHO = (TENANT, APP, f"{TENANT}/{APP}/1")


@pytest.fixture
def signer(tmp_path, start_signer):
    """A true signer with one credential."""
    running = start_signer(tmp_path)
    running.custodian.certificate(TENANT, APP, 1, 90)
    return running


@contextmanager
def between(path, behind, change):
    """Stand between client and signer on a socket of our own; ``change`` sees each answer and returns another."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            question = receive(self.request)
            send(self.request, change(ask(behind.socket, 10, question)))

    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield SignerClient(path, seconds=1.0)
        finally:
            server.shutdown()
            thread.join()


def test_a_slow_signer_is_unavailable_and_its_stub_is_kept_all_the_same(signer, tmp_path):
    """The client waits no longer than it was told to; what the signer did in the meantime stands in its journal."""
    late = threading.Event()

    def slow(answer):
        late.wait(20)
        return answer

    with between(tmp_path / "s", signer, slow) as client:
        with pytest.raises(Unavailable, match="does not answer: timed out"):
            client.assertion(*WHO, AUDIENCE, JOB)
        late.set()
    assert signer.custodian.stubs(0)[-1].kind == "assertion"


def test_what_a_true_signer_answers_passes(signer, tmp_path):
    """Assertion, proof and death test go through the same checks."""
    with between(tmp_path / "s", signer, lambda answer: answer) as client:
        assert client.assertion(*WHO, AUDIENCE, JOB).stub.kind == "assertion"
        assert client.proof(*WHO, "33333333-3333-3333-3333-333333333333", JOB).stub.kind == "proof"


@pytest.mark.parametrize(
    "lie", ["another signature", "another job", "another tenant", "another audience", "no JWT", "no claims"]
)
def test_a_signer_that_lies_is_told_and_nothing_is_sent(signer, tmp_path, lie):
    """A signature that its stub does not say, or a stub for something that nobody asked for, is not used."""
    other = signer.client.assertion(*WHO, AUDIENCE, JOB).jws
    changes = {
        "another signature": {"jws": other},
        "another job": {"stub": {"job": "job-2"}},
        "another tenant": {"stub": {"tenant": "99999999-1111-1111-1111-111111111111"}},
        "another audience": {"stub": {"audience": AUDIENCE.replace("v2.0", "v1.0")}},
        "no JWT": {"jws": "x"},
        "no claims": {"jws": "x.W10.z"},
    }[lie]

    def lying(answer):
        return {**answer, **changes, "stub": {**answer["stub"], **changes.get("stub", {})}}

    with between(tmp_path / "s", signer, lying) as client, pytest.raises(Misconfigured, match="not what") as caught:
        client.assertion(*WHO, AUDIENCE, JOB)
    assert "evidence" in caught.value.hint
