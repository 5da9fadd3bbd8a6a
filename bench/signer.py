"""Signatures a second by provider, beside bare OpenSSL and ``cryptography`` in this process; RSA with 2048 bits.

The last rows are what the signer really does: the key behind its guard (each signature verified before it is
given away), then a whole client assertion with its stub durable first. One signature at a time.
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from bench.measure import Side, Spent, in_turns, table, timed
from bench.places import NotHere, folder, program
from counterfoil import clock
from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.audience import MICROSOFT
from counterfoil.credential.book import Use
from counterfoil.credential.home import Home, open_home
from counterfoil.credential.journal import Journal
from counterfoil.credential.providers.choose import open_provider
from counterfoil.credential.providers.provider import Guarded, KeyProvider
from counterfoil.credential.rate import Rate
from counterfoil.credential.signer import Signer

SIGNATURES = 300
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
MESSAGE = b"m" * 500
PIN = "648219"


def run(arguments: argparse.Namespace) -> None:
    """Measure OpenSSL, then each provider from the bare key to the whole assertion."""
    key = rsa.generate_private_key(65537, 2048)
    sides = [Side("cryptography, PS256", _signing(lambda: key.sign(MESSAGE, Algorithm.PS256.padding, hashes.SHA256())))]
    if shutil.which("openssl"):
        sides.append(Side("openssl speed rsa2048", _openssl))
    else:
        print("\nnot here: the program openssl")
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(folder())
        home = open_home(place)
        for name, uri in _providers(place):
            provider = open_provider(uri, place / name, home.wrapping)
            sides += _sides(stack, name, provider, home, place)
        in_turns(sides, arguments.repetitions)
    table(f"{SIGNATURES} signatures", sides, unit="signatures")


def _providers(place: Path) -> Iterator[tuple[str, str]]:
    yield "file", "file:"
    try:
        yield "pkcs11", _token(place)
    except NotHere as what:
        print(f"\nnot here: {what}")


def _token(place: Path) -> str:
    """Initialise a token of SoftHSM2 in a folder of its own and return its URI."""
    command = program("softhsm2-util")
    if not Path(MODULE).exists():
        raise NotHere(f"SoftHSM2's library {MODULE}")
    tokens, configuration, pin = place / "tokens", place / "softhsm2.conf", place / "pin"
    tokens.mkdir()
    configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    words = ["--init-token", "--free", "--label", "bench", "--so-pin", "12345678", "--pin", PIN]
    subprocess.run([command, *words], check=True, capture_output=True)
    pin.write_text(PIN)
    pin.chmod(0o600)
    return f"pkcs11:token=bench?module-path={MODULE}&pin-source=file:{pin}"


def _sides(stack: contextlib.ExitStack, name: str, provider: KeyProvider, home: Home, place: Path) -> list[Side]:
    guarded = Guarded(provider)
    stack.callback(guarded.close)
    reference = provider.create("bench")
    public = provider.public(reference)
    journal = Journal(place / f"journal-{name}", "bench/stubs", home.stub_key)
    stack.callback(journal.close)
    signer = Signer(journal, {"main": guarded, "apart": guarded}, clock.now, MICROSOFT, Rate(10**9, 10**9))
    signer.certificate("tenant", "app", 1, 90, standby=False)
    use = Use("tenant", "app", "tenant/app/1", "job", "verify")
    audience = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"
    return [
        Side(f"{name}: key, PS256", _signing(lambda: provider.sign(reference, Algorithm.PS256, MESSAGE))),
        Side(f"{name}: verified", _signing(lambda: guarded.sign(reference, Algorithm.PS256, MESSAGE, public))),
        Side(f"{name}: assertion, stub durable first", _signing(lambda: signer.assertion(use, audience))),
    ]


def _signing(sign: Callable[[], object]) -> Callable[[], Spent]:
    def all_of_them() -> int:
        for _ in range(SIGNATURES):
            sign()
        return SIGNATURES

    return lambda: timed(all_of_them)


def _openssl() -> Spent:
    """One second of signing as OpenSSL itself measures it: on one core, by the processor's clock."""
    said = subprocess.run(["openssl", "speed", "-seconds", "1", "rsa2048"], check=True, capture_output=True, text=True)
    found = re.search(r"^rsa\s+2048 bits\s+\S+\s+\S+\s+([0-9.]+)", said.stdout, re.MULTILINE)
    if found is None:
        raise NotHere(f"an openssl whose speed can be read: {said.stdout[-200:]}")
    return Spent(float(found[1]), 1, 1)
