"""One suite for every key provider: what holds for sealed files holds for a PKCS #11 token."""

import itertools
import random
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.providers.choose import open_provider
from counterfoil.credential.providers.provider import Guarded
from counterfoil.credential.providers.wrapping import find_wrapping
from counterfoil.model.errors import Misconfigured, Refused, Unavailable

_numbers = itertools.count()
MESSAGE = b"header.claims"


@dataclass(frozen=True)
class Kind:
    """A fresh provider of one kind: its URI, where its secret lies, and where its keys do."""

    uri: str
    secret: Path
    keys: Path


@pytest.fixture(params=["file", "pkcs11"])
def kind(request, tmp_path):
    """A fresh provider of each kind; the secret of sealed files is their wrapping key, that of a token its PIN."""
    if request.param == "file":
        return Kind("file:", tmp_path / "wrapping.key", tmp_path / "keys")
    softhsm = request.getfixturevalue("softhsm")
    before = set((softhsm.home / "tokens").iterdir())
    name = f"conformance-{next(_numbers)}"
    uri = softhsm.token(name)
    (place,) = set((softhsm.home / "tokens").iterdir()) - before
    return Kind(uri, softhsm.home / f"{name}.pin", place)


@pytest.fixture
def uri(kind):
    """Its URI alone."""
    return kind.uri


@pytest.fixture
def opened(uri, tmp_path):
    """A function that opens the provider anew, as after a restart."""
    held = []

    def opened():
        held.append(open_provider(uri, tmp_path, find_wrapping(tmp_path)))
        return held[-1]

    yield opened
    for provider in held:
        provider.close()


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_signatures_verify_with_plain_cryptography(opened, algorithm):
    """PS256 (salt 32, MGF1-SHA-256) and RS256 signatures verify under the public half, spelt out here anew."""
    provider = opened()
    reference = provider.create("key")
    public = provider.public(reference)
    assert public.key_size == 2048
    schemes = {
        Algorithm.PS256: padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32),
        Algorithm.RS256: padding.PKCS1v15(),
    }
    public.verify(provider.sign(reference, algorithm, MESSAGE), MESSAGE, schemes[algorithm], hashes.SHA256())


def test_a_key_outlives_the_process_that_made_it(opened):
    """Opened anew, the provider lists the key and signs with it under the same public half."""
    first = opened()
    reference, before = first.create("key"), None
    before = first.public(reference).public_numbers()
    first.close()
    again = opened()
    assert again.references() == [reference]
    assert again.public(reference).public_numbers() == before
    Guarded(again).sign(reference, Algorithm.RS256, MESSAGE, again.public(reference))


def test_two_keys_are_two_keys(opened):
    """Keys under two labels differ, and each signs only for itself."""
    provider = opened()
    one, two = provider.create("one"), provider.create("two")
    assert provider.public(one).public_numbers() != provider.public(two).public_numbers()
    with pytest.raises(Misconfigured, match="does not verify"):
        Guarded(provider).sign(one, Algorithm.PS256, MESSAGE, provider.public(two))


def test_a_label_is_taken_once(opened):
    """Creating or adopting under a label that exists is refused and the key stays what it was."""
    provider = opened()
    reference = provider.create("key")
    before = provider.public(reference).public_numbers()
    with pytest.raises(Refused, match="there is a key key already"):
        provider.create("key")
    with pytest.raises(Refused, match="there is a key key already"):
        provider.adopt("key", rsa.generate_private_key(65537, 2048))
    assert provider.public(reference).public_numbers() == before


def test_a_label_cannot_mean_something_else(opened):
    """Labels that a file system or a URI could read otherwise are refused before anything is made."""
    provider = opened()
    guarded = Guarded(provider)
    for label in ("", "../out", "a/b", ".hidden", "x" * 121, "a b", "k\nk", "ключ"):
        with pytest.raises(Refused, match="is no label for a key"):
            guarded.create(label)
    assert provider.references() == []


def test_a_key_that_is_not_there_is_refused(opened):
    """Signing with, or asking for, an unknown key names it; destroying it is no error."""
    provider = opened()
    stranger = f"{provider.create('key')}-stranger"
    for ask in (provider.public, lambda r: provider.sign(r, Algorithm.PS256, MESSAGE)):
        with pytest.raises(Refused, match=r"there is no key .*stranger"):
            ask(stranger)
    provider.destroy(stranger)


def test_references_of_another_provider_are_refused(opened):
    """A reference in another scheme is never guessed at."""
    with pytest.raises(Refused, match=r"is no .* key"):
        opened().public("awskms:key")


def test_a_destroyed_key_is_gone(opened):
    """After destroy the key neither lists nor signs, also when opened anew."""
    provider = opened()
    reference = provider.create("key")
    provider.sign(reference, Algorithm.PS256, MESSAGE)
    provider.destroy(reference)
    for each in (provider, opened()):
        assert each.references() == []
        with pytest.raises(Refused, match="there is no key"):
            each.sign(reference, Algorithm.PS256, MESSAGE)


def test_an_adopted_key_signs_as_before(opened):
    """A key made elsewhere signs from inside the provider under its old public half."""
    key = rsa.generate_private_key(65537, 2048)
    guarded = Guarded(opened())
    reference = guarded.adopt("imported", key)
    signature = guarded.sign(reference, Algorithm.RS256, MESSAGE, key.public_key())
    assert signature == key.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256())


def test_a_wrong_secret_opens_nothing(opened, kind, tmp_path):
    """With another wrapping key or a wrong PIN no key signs, and the words say what was wrong and what to do."""
    provider = opened()
    reference = provider.create("key")
    provider.close()
    right = kind.secret.read_bytes()
    kind.secret.write_bytes(b"0" * len(right))
    with pytest.raises(Misconfigured, match=r"does not open with|does not take the PIN") as caught:
        opened().sign(reference, Algorithm.PS256, MESSAGE)
    assert caught.value.hint
    kind.secret.write_bytes(right)
    assert opened().sign(reference, Algorithm.PS256, MESSAGE)


def test_keys_whose_place_is_gone_are_unavailable_and_work_again_once_it_is_back(opened, kind, tmp_path):
    """A token pulled out or a disk not mounted is no empty one: nothing is signed, nothing said to be destroyed."""
    provider = opened()
    reference = provider.create("key")
    provider.close()
    provider = opened()
    away = kind.keys.rename(tmp_path / "away")
    for use in (
        lambda: provider.sign(reference, Algorithm.PS256, MESSAGE),
        lambda: provider.public(reference),
        lambda: provider.destroy(reference),
    ):
        with pytest.raises(Unavailable, match="not there"):
            use()
    away.rename(kind.keys)
    assert provider.references() == [reference]
    assert provider.sign(reference, Algorithm.PS256, MESSAGE)


class Lying:
    """A provider whose signatures are by another key."""

    def __init__(self, provider):
        self._provider = provider
        self._other = rsa.generate_private_key(65537, 2048)

    def __getattr__(self, name):
        return getattr(self._provider, name)

    def sign(self, reference, algorithm, message):
        return self._other.sign(message, algorithm.padding, hashes.SHA256())


class Slow:
    """A provider that does not answer until it is let go."""

    def __init__(self, provider):
        self._provider = provider
        self.go = threading.Event()

    def __getattr__(self, name):
        return getattr(self._provider, name)

    def sign(self, reference, algorithm, message):
        self.go.wait(30)
        return self._provider.sign(reference, algorithm, message)


def test_a_signature_that_does_not_verify_never_gets_out(opened):
    """A lying provider is caught when the key is made, and when it signs."""
    provider = opened()
    reference = provider.create("key")
    lying = Guarded(Lying(provider))
    with pytest.raises(Misconfigured, match=r"returned a signature for .* that does not verify"):
        lying.sign(reference, Algorithm.PS256, MESSAGE, provider.public(reference))
    with pytest.raises(Misconfigured, match="that does not verify"):
        lying.create("another")
    lying.close()


def test_a_slow_provider_is_unavailable_and_recovers(opened):
    """A call over its time is Unavailable and so is the one behind it; once the provider answers, all is well."""
    slow = Slow(opened())
    reference = slow.create("key")
    public = slow.public(reference)
    guarded = Guarded(slow, seconds=0.3)
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
            guarded.sign(reference, Algorithm.PS256, MESSAGE, public)
    slow.go.set()
    patient = Guarded(slow, seconds=10)
    patient.sign(reference, Algorithm.PS256, MESSAGE, public)
    guarded.close()
    patient.close()


def _kill_while_creating(uri: str, home: Path, seed: int, kills: int) -> set[str]:
    """Kill a creating process again and again, a little after an acknowledgement; return what was acknowledged."""
    chance = random.Random(seed)
    made: set[str] = set()
    for number in range(kills):
        command = [sys.executable, str(Path(__file__).with_name("creating.py")), uri, str(home), str(1000 * number)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        made.add(process.stdout.readline().strip())
        threading.Event().wait(chance.uniform(0, 0.25))
        process.kill()
        made |= {line.strip() for line in process.stdout if line.endswith("\n")}
        process.wait()
        process.stdout.close()
    return made


def _check_after_kills(opened, made: set[str]) -> tuple[int, int]:
    """Clear halves, then use every key; return how many halves there were, and how many keys."""
    provider = opened()
    cleared = provider.clear_halves()
    there = set(provider.references())
    assert made <= there, "an acknowledged key is gone"
    for reference in sorted(there):
        Guarded(provider).sign(reference, Algorithm.PS256, MESSAGE, provider.public(reference))
    assert provider.clear_halves() == []
    return len(cleared), len(there)


@pytest.mark.parametrize("kills", [3, pytest.param(120, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
def test_crash_while_making_keys_loses_no_acknowledged_key(opened, uri, tmp_path, capsys, kills):
    """Kill -9 while keys are made: every acknowledged key works, halves are found and cleared, counts are printed."""
    made = _kill_while_creating(uri, tmp_path, seed=kills, kills=kills)
    cleared, there = _check_after_kills(opened, made)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{uri[:6]}: {kills} kills, {len(made)} keys acknowledged, {there} whole, {cleared} halves\n"
        )
    assert len(made) >= kills
