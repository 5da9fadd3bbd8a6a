"""What is kept of a password, and which ones are refused."""

import hashlib

import pytest

from counterfoil.model.errors import Refused
from counterfoil.operators import passwords


def test_the_password_fits_and_no_other():
    """What was sealed fits itself; another letter, case or blank does not."""
    kept = passwords.sealed("four words nobody expects")
    assert passwords.fits("four words nobody expects", kept)
    for other in ("four words nobody expect", "Four words nobody expects", "four words nobody expects ", ""):
        assert not passwords.fits(other, kept)


def test_nothing_of_the_password_is_kept_and_no_two_are_alike():
    """Each has a salt of its own, and the digest is what another scrypt gives."""
    import base64

    one, other = passwords.sealed("correct horse battery"), passwords.sealed("correct horse battery")
    assert one != other
    assert "correct" not in one
    _, n, r, p, salt, digest = one.split("$")
    assert (int(n), int(r), int(p)) == (32768, 8, 3)
    again = hashlib.scrypt(
        b"correct horse battery", salt=base64.b64decode(salt), n=32768, r=8, p=3, maxmem=2**26, dklen=32
    )
    assert base64.b64encode(again).decode() == digest


def test_a_lone_surrogate_is_a_password_that_fits_nothing():
    """Text that UTF-8 cannot spell does not end in an exception."""
    assert not passwords.fits("\ud800" * 12, passwords.NOBODY)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "12 to 1024 characters"),
        ("x" * 1025, "12 to 1024 characters"),
        ("alexandra123", "mostly the account's name"),
        ("aaaaaaaaaaaaaaaa", "same few characters"),
    ],
)
def test_weak_passwords(password: str, reason: str):
    """Each is refused with its reason."""
    with pytest.raises(Refused, match=reason):
        passwords.check_strength(password, "alexandra")


def test_made_passwords_are_strong_enough_for_ourselves():
    """What --generate prints passes the check."""
    passwords.check_strength(passwords.new_password(), "alex")
