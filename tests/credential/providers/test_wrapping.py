"""Where the wrapping key comes from."""

import pytest

from counterfoil.credential.providers.choose import open_provider
from counterfoil.credential.providers.wrapping import SYSTEMD_NAME, Wrapping, find_wrapping
from counterfoil.model.errors import Misconfigured


def test_a_systemd_credential_comes_first(tmp_path, monkeypatch):
    """With $CREDENTIALS_DIRECTORY the key is read there and nothing is written to the home."""
    (tmp_path / SYSTEMD_NAME).write_bytes(b"s" * 32)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    home = tmp_path / "home"
    home.mkdir()
    found = find_wrapping(home, passphrase=b"not looked at")
    assert (found.key, found.source) == (b"s" * 32, "systemd-credential")
    assert list(home.iterdir()) == []


def test_a_passphrase_gives_the_same_key_again_and_another_gives_another(tmp_path):
    """The salt is kept, so that the passphrase alone decides."""
    one, same, other = (
        find_wrapping(tmp_path, passphrase=p) for p in (b"correct horse", b"correct horse", b"battery staple")
    )
    assert one.key == same.key != other.key
    assert one.source == "passphrase"
    assert not (tmp_path / "wrapping.key").exists()


def test_a_forgotten_passphrase_never_falls_back_to_a_new_key_file(tmp_path):
    """Once keys are sealed with a passphrase, starting without one is an error and makes nothing."""
    find_wrapping(tmp_path, passphrase=b"correct horse")
    with pytest.raises(Misconfigured, match="sealed with a passphrase, and none was given"):
        find_wrapping(tmp_path)
    assert not (tmp_path / "wrapping.key").exists()


def test_a_key_file_is_made_0600_and_kept(tmp_path):
    """The last resort is a key file that only its owner may read."""
    first = find_wrapping(tmp_path)
    assert (tmp_path / "wrapping.key").stat().st_mode & 0o777 == 0o600
    assert (find_wrapping(tmp_path), first.source) == (first, "key-file")


def test_a_key_file_that_others_may_read_is_refused(tmp_path):
    """A key file that may have been read is not used; the hint is the command that helps."""
    find_wrapping(tmp_path)
    (tmp_path / "wrapping.key").chmod(0o640)
    with pytest.raises(Misconfigured, match="may be read by others") as caught:
        find_wrapping(tmp_path)
    assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_file_of_the_wrong_length_is_refused(tmp_path, length):
    """Only 32 octets are a key."""
    (tmp_path / "wrapping.key").write_bytes(b"k" * length)
    (tmp_path / "wrapping.key").chmod(0o600)
    with pytest.raises(Misconfigured, match=f"has {length} octets, not 32"):
        find_wrapping(tmp_path)


def test_a_short_passphrase_is_refused(tmp_path):
    """A passphrase that guards all keys is not seven letters."""
    with pytest.raises(Misconfigured, match="shorter than 8 octets"):
        find_wrapping(tmp_path, passphrase=b"seven77")


def test_a_secret_is_in_no_repr():
    """Printing a wrapping key does not print it."""
    assert "secret" not in repr(Wrapping(b"secret" * 6, "key-file"))


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("awskms:alias/key", "no key provider for"),
        ("pkcs11:token=t", "lacks 'module-path'"),
        ("pkcs11:object=o?module-path=/lib.so&pin-source=file:/pin", "lacks 'token'"),
        ("pkcs11:token=t?module-path=/lib.so&pin-source=file:/nowhere/pin", "the PIN cannot be read"),
    ],
)
def test_a_uri_that_is_not_understood_says_what_would_be(tmp_path, uri, why):
    """A wrong provider URI is Misconfigured and says what is lacking."""
    with pytest.raises(Misconfigured, match=why):
        open_provider(uri, tmp_path, Wrapping(b"k" * 32, "test"))
