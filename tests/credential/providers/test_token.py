"""What only a PKCS #11 token can do, and do wrong."""

import pkcs11
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.providers.choose import open_provider
from counterfoil.credential.providers.wrapping import Wrapping
from counterfoil.model.errors import Misconfigured, Refused, Unavailable
from tests.credential.conftest import MODULE

NOTHING = Wrapping(b"\0" * 32, "test")


def private_object(label: str, key: str, pin: str = "648219"):
    """Find a private key by other means than our own code."""
    session = pkcs11.lib(MODULE).get_token(token_label=label).open()
    return list(
        session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.Attribute.LABEL: key})
    )


@pytest.mark.parametrize("how", ["created", "adopted"])
def test_the_private_half_does_not_come_out(softhsm, tmp_path, how):
    """The token calls the key sensitive and not extractable, and refuses to hand its exponent over."""
    provider = open_provider(softhsm.token(f"secret-{how}"), tmp_path, NOTHING)
    if how == "created":
        provider.create("key")
    else:
        provider.adopt("key", rsa.generate_private_key(65537, 2048))
    (found,) = private_object(f"secret-{how}", "key")
    assert found[pkcs11.Attribute.SENSITIVE] is True
    assert found[pkcs11.Attribute.EXTRACTABLE] is False
    with pytest.raises(pkcs11.AttributeSensitive):
        found[pkcs11.Attribute.PRIVATE_EXPONENT]
    provider.close()


def test_a_wrong_pin_is_said_and_not_tried_again(softhsm, tmp_path):
    """A wrong PIN is Misconfigured with the warning that tokens lock."""
    uri = softhsm.token("wrong-pin")
    (softhsm.home / "wrong-pin.pin").write_text("000000")
    with pytest.raises(Misconfigured, match=r"does not take the PIN \(PinIncorrect\)") as caught:
        open_provider(uri, tmp_path, NOTHING)
    assert "tokens lock" in caught.value.hint


def test_a_removed_token_is_unavailable_and_works_again_once_it_is_back(softhsm, tmp_path):
    """With the token's directory away nothing is signed; put back, the same key signs."""
    before = set((softhsm.home / "tokens").iterdir())
    provider = open_provider(softhsm.token("removed"), tmp_path, NOTHING)
    (place,) = set((softhsm.home / "tokens").iterdir()) - before
    reference = provider.create("key")
    public = provider.public(reference)
    away = tmp_path / "away"
    place.rename(away)
    with pytest.raises(Unavailable, match="the token removed could not make a key"):
        provider.create("another")
    with pytest.raises(Unavailable, match="the token removed is not there"):
        provider.sign(reference, Algorithm.PS256, b"message")
    away.rename(place)
    assert provider.public(reference).public_numbers() == public.public_numbers()
    assert provider.sign(reference, Algorithm.PS256, b"message")
    provider.close()


def test_a_library_that_is_initialised_anew_mixes_up_no_tokens(softhsm, tmp_path):
    """Looking hard for a key that is not in one token ends every session; the other token's key signs all the same."""
    left = open_provider(softhsm.token("left"), tmp_path, NOTHING)
    right = open_provider(softhsm.token("right"), tmp_path, NOTHING)
    reference = left.create("key")
    public = left.public(reference)
    for _ in range(2):
        with pytest.raises(Refused, match="there is no key"):
            right.sign(reference, Algorithm.PS256, b"message")
        signature = left.sign(reference, Algorithm.PS256, b"message")
        public.verify(signature, b"message", Algorithm.PS256.padding, hashes.SHA256())
    right.destroy(reference)
    assert (left.references(), right.references()) == ([reference], [])
    left.close()
    right.close()


def test_halves_are_found_and_cleared(softhsm, tmp_path):
    """A public half alone and a private half alone are removed; the whole key stays."""
    provider = open_provider(softhsm.token("halves"), tmp_path, NOTHING)
    for label in ("whole", "lost-private", "lost-public"):
        provider.create(label)
    session = pkcs11.lib(MODULE).get_token(token_label="halves").open(rw=True)
    for kind, label in (
        (pkcs11.ObjectClass.PRIVATE_KEY, "lost-private"),
        (pkcs11.ObjectClass.PUBLIC_KEY, "lost-public"),
    ):
        for found in list(session.get_objects({pkcs11.Attribute.CLASS: kind, pkcs11.Attribute.LABEL: label})):
            found.destroy()
    assert provider.references() == ["pkcs11:object=whole"]
    assert provider.clear_halves() == ["lost-private", "lost-public"]
    assert provider.clear_halves() == []
    assert provider.references() == ["pkcs11:object=whole"]
    provider.close()


def test_a_module_that_is_none_is_said(softhsm, tmp_path):
    """A wrong library path is Misconfigured and names it."""
    uri = softhsm.token("no-module").replace(MODULE, "/nowhere/lib.so")
    with pytest.raises(Misconfigured, match=r"the PKCS #11 module /nowhere/lib\.so cannot be used"):
        open_provider(uri, tmp_path, NOTHING)
