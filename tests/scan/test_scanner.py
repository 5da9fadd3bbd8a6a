"""A scan from the outside: whatever its worker does, there is a Scan with a reason, and it is about these bytes."""

from pathlib import Path

import pytest

from counterfoil.bounded.pool import Bounds, Pool
from counterfoil.gateway.resolver import NotAsked, Table
from counterfoil.model.dns import RecordType
from counterfoil.model.mail import Envelope
from counterfoil.scan.scanner import WORK, Scanner

RAW = b"From: anna@example.org\r\nSubject: x\r\nDate: Tue, 03 Nov 2026 10:00:00 +0000\r\n\r\nbody\r\n"
ENVELOPE = Envelope("anna@example.org", ("bob@example.net",), "192.0.2.1", "mail.example.org")
LIARS = """
from counterfoil.scan.worker import work

def nonsense(argument, ask):
    return b"nonsense"

def other_bytes(argument, ask):
    return work(argument.replace(b"body", b"BODY"), ask)

def bad_question(argument, ask):
    return ask(b"[1]")

def raising(argument, ask):
    raise ValueError("no such thing")

def slow(argument, ask):
    while True:
        pass
"""


@pytest.fixture(autouse=True)
def _liars(tmp_path: Path, monkeypatch):
    (tmp_path / "liars.py").write_text(LIARS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))


async def scan(target, resolver=None, seconds=30.0):
    """Scan RAW with workers that run a function."""
    async with Pool(target, 1, Bounds(seconds=seconds)) as pool:
        return await Scanner(pool, lambda: (resolver or NotAsked()).answer).scan(RAW, ENVELOPE)


async def test_a_worker_s_questions_are_answered_by_the_resolver():
    """The worker asks through its parent, and the results are those of the answers."""
    records = {
        ("example.org", RecordType.TXT): ("v=spf1 ip4:192.0.2.1 -all",),
        ("_dmarc.example.org", RecordType.TXT): ("v=DMARC1; p=reject",),
    }
    found = await scan(WORK, Table(records))

    assert (found.authentication.spf, found.authentication.dmarc) == ("pass", "pass")
    assert found.subject == "x"
    assert found.uninspectable == ()


async def test_without_dns_nothing_is_checked():
    """NotAsked leaves every method not-checked."""
    found = await scan(WORK)

    assert (found.authentication.spf, found.authentication.dmarc) == ("not-checked", "not-checked")


@pytest.mark.parametrize(
    ("target", "seconds", "reason"),
    [
        ("liars:nonsense", 30, "made no sense: not a scan on the wire"),
        ("liars:other_bytes", 30, "the scan's result is about other bytes"),
        ("liars:bad_question", 30, "made no sense: questions"),
        ("liars:raising", 30, "the scan failed: ValueError: no such thing"),
        ("liars:slow", 0.3, "the scan was stopped: more than 0.3 s"),
        ("liars:absent", 30, "the scan failed: the worker could not start"),
    ],
)
async def test_a_worker_gone_wrong_is_an_uninspectable_message(target, seconds, reason):
    """No lie and no death of a worker is an exception, and none is clean."""
    found = await scan(target, seconds=seconds)

    assert len(found.uninspectable) == 1
    assert reason in found.uninspectable[0].reason
    assert found.size == len(RAW)


async def test_a_signature_that_had_expired_when_the_message_came_is_a_permerror():
    """The time of arrival reaches the worker: what was signed until 2001 is not accepted now."""
    signature = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from; x=1000000000; bh=AAAA; b=AAAA\r\n"
    async with Pool(WORK, 1, Bounds()) as pool:
        found = await Scanner(pool, lambda: Table({}).answer).scan(signature + RAW, ENVELOPE)

    assert found.authentication.dkim == "permerror"
    assert found.authentication.detail["dkim"][0]["reason"] == "the signature has expired"
