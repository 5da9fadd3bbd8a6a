"""Signatures a second: bare OpenSSL, each layer, and with the durable stub. ``python -m bench.signer``."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from counterfoil import clock
from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.audience import MICROSOFT
from counterfoil.credential.book import Use
from counterfoil.credential.home import open_home
from counterfoil.credential.journal import Journal
from counterfoil.credential.providers.provider import Guarded
from counterfoil.credential.providers.sealed import SealedFiles
from counterfoil.credential.rate import Rate
from counterfoil.credential.signer import Signer

SECONDS = 2.0


def rate(sign: Callable[[], object]) -> float:
    """Call it for a while and return how often a second it went."""
    sign()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        sign()
        count += 1
    return count / (time.perf_counter() - start)


def openssl() -> str:
    """RSA-2048 signatures a second as OpenSSL itself measures them, on one core."""
    program = shutil.which("openssl")
    if program is None:
        return "not here: openssl"
    command = [program, "speed", "-seconds", str(int(SECONDS)), "rsa2048"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return said.splitlines()[-1]


def main() -> None:
    """Measure and print."""
    print(f"openssl speed                {openssl()}")
    key = rsa.generate_private_key(65537, 2048)
    for algorithm in Algorithm:
        plain = rate(lambda algorithm=algorithm: key.sign(b"m" * 500, algorithm.padding, hashes.SHA256()))
        print(f"cryptography, {algorithm}          {plain:8.0f} /s")
    with tempfile.TemporaryDirectory() as place:
        home = open_home(Path(place))
        keys = SealedFiles(Path(place) / "keys", home.wrapping)
        guarded = Guarded(keys)
        reference = keys.create("bench")
        public = keys.public(reference)
        print(f"file: key, PS256             {rate(lambda: keys.sign(reference, Algorithm.PS256, b'm')):8.0f} /s")
        checked = rate(lambda: guarded.sign(reference, Algorithm.PS256, b"m", public))
        print(f"the same, verified           {checked:8.0f} /s")
        journal = Journal(Path(place) / "journal", "bench/stubs", home.stub_key)
        signer = Signer(journal, {"main": guarded, "apart": guarded}, clock.now, MICROSOFT, Rate(10**9, 10**9))
        signer.certificate("tenant", "app", 1, 90, standby=False)
        use = Use("tenant", "app", "tenant/app/1", "job", "verify")
        audience = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"
        print(f"assertion with durable stub  {rate(lambda: signer.assertion(use, audience)):8.0f} /s")
        guarded.close()
        journal.close()


if __name__ == "__main__":
    main()
