"""Sealed files: what a thief of files gains, and what a crash leaves."""

import pytest

from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.providers.sealed import SealedFiles
from counterfoil.credential.providers.wrapping import Wrapping
from counterfoil.model.errors import Misconfigured

WRAPPING = Wrapping(b"w" * 32, "key-file")


@pytest.fixture
def keys(tmp_path):
    """A directory of sealed keys."""
    return SealedFiles(tmp_path / "keys", WRAPPING)


def test_the_file_does_not_hold_the_key_in_clear(keys, tmp_path):
    """The prime factors of the key are nowhere in its file, which is 0600 in a 0700 directory."""
    reference = keys.create("key")
    numbers = keys._key(reference).private_numbers()
    octets = (tmp_path / "keys" / "key.key").read_bytes()
    for secret in (numbers.p, numbers.q, numbers.d):
        assert secret.to_bytes((secret.bit_length() + 7) // 8, "big") not in octets
    assert (tmp_path / "keys" / "key.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_another_wrapping_key_does_not_open_it(keys, tmp_path):
    """With a wrong passphrase or key file nothing opens, and the message says which source was used."""
    reference = keys.create("key")
    stranger = SealedFiles(tmp_path / "keys", Wrapping(b"x" * 32, "passphrase"))
    with pytest.raises(Misconfigured, match="key does not open with the wrapping key from the passphrase"):
        stranger.sign(reference, Algorithm.PS256, b"message")


@pytest.mark.parametrize("at", [0, 22, 40, -1])
def test_a_changed_octet_is_noticed(keys, tmp_path, at):
    """A flipped bit in magic, nonce, ciphertext or tag keeps the key from opening."""
    reference = keys.create("key")
    path = tmp_path / "keys" / "key.key"
    octets = bytearray(path.read_bytes())
    octets[at] ^= 1
    path.write_bytes(octets)
    with pytest.raises(Misconfigured, match="does not open"):
        SealedFiles(tmp_path / "keys", WRAPPING).public(reference)


def test_a_sealed_key_cannot_pass_for_another(keys, tmp_path):
    """Renaming a file does not give its key another label: the label is authenticated."""
    keys.create("retired")
    (tmp_path / "keys" / "retired.key").rename(tmp_path / "keys" / "current.key")
    with pytest.raises(Misconfigured, match="current does not open"):
        SealedFiles(tmp_path / "keys", WRAPPING).public("file:current")


def test_drafts_are_cleared(keys, tmp_path):
    """What a crash left of a file is no key, and is removed."""
    keys.create("key")
    (tmp_path / "keys" / ".half.key.new").write_bytes(b"half")
    assert keys.references() == ["file:key"]
    assert keys.clear_halves() == ["half"]
    assert keys.clear_halves() == []
