"""The identifier spellings, with vectors from Microsoft's tools and published records."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.evidence import ids

SHA1 = "B45A29F60A83B210302B174E58386EFBB612EAA1"
SHA256 = "8D9B6721944DC870E9C5B2944259DF5D8B1243844E27B65F6690C621BB9C24A6"


@pytest.mark.parametrize(
    ("spelled", "guid", "spelling"),
    [
        ("OPD3UZnmTkud24wRw6ATAA", "51f7f038-e699-4b4e-9ddb-8c11c3a01300", "uti"),
        ("rz5rUAYQq0S1V8wRbG1vAA", "506b3eaf-1006-44ab-b557-cc116c6d6f00", "uti"),
        ("rz5rUAYQq0S1V8wRbG1vAA==", "506b3eaf-1006-44ab-b557-cc116c6d6f00", "uti-padded"),
        ("NTA2YjNlYWYtMTAwNi00NGFiLWI1NTctY2MxMTZjNmQ2ZjAw", "506b3eaf-1006-44ab-b557-cc116c6d6f00", "text"),
        ("JYpgIpsdtUSw8suU8GstAA", "22608a25-1d9b-44b5-b0f2-cb94f06b2d00", "uti"),
        ("Hmw7nypdd0yOEEt6LJ0eAA", "9f3b6c1e-5d2a-4c77-8e10-4b7a2c9d1e00", "uti"),
        ("9F3B6C1E-5D2A-4C77-8E10-4B7A2C9D1E00", "9f3b6c1e-5d2a-4c77-8e10-4b7a2c9d1e00", "guid"),
    ],
)
def test_token_ids_of_every_vintage_meet(spelled, guid, spelling):
    """Every published spelling of a token id comes to the GUID that Microsoft gives for it."""
    read = ids.token_id(spelled)

    assert read is not None
    assert (ids.dashed(read.hex), read.spelling) == (guid, spelling)


def test_a_textual_guid_is_read_in_both_byte_orders():
    """An application-only Exchange record may spell the GUID in either order, so both are kept."""
    read = ids.token_id("1e6c3b9f-2a5d-774c-8e10-4b7a2c9d1e00")

    assert read is not None
    assert read.other == "9f3b6c1e5d2a4c778e104b7a2c9d1e00"


@pytest.mark.parametrize("value", [None, "", "none", " None ", "null", "00000000-0000-0000-0000-000000000000"])
def test_what_logs_print_for_nothing_is_nothing(value):
    """Texts that stand for nothing are absent, not identifiers."""
    assert ids.present(value) is None
    assert ids.token_id(value) is None


@pytest.mark.parametrize(
    "value",
    ["Hmw7nypdd0yOEEt6LJ0eAB", "Hmw7nypdd0yOEEt6LJ0e", "hello", "Hmw7nypdd0yOEEt6LJ0e!!", "A" * 48, "é" * 22],
)
def test_an_unknown_spelling_is_refused(value):
    """What no encoder writes (stray low bits, wrong length, no GUID inside) is no token id."""
    assert ids.token_id(value) is None


def test_case_matters_in_a_uti():
    """Two utis that differ only in case are two tokens; a folding reader would merge them."""
    assert ids.token_id("OPD3UZnmTkud24wRw6ATAA") != ids.token_id("opD3UZnmTkud24wRw6ATAA")


@pytest.mark.parametrize(
    ("spelled", "algorithm", "digits"),
    [
        (SHA1, "sha1", SHA1),
        (SHA1.lower(), "sha1", SHA1),
        ("B4:5A:29:F6:0A:83:B2:10:30:2B:17:4E:58:38:6E:FB:B6:12:EA:A1", "sha1", SHA1),
        ("tFop9gqDshAwKxdOWDhu-7YS6qE=", "sha1", SHA1),
        ("tFop9gqDshAwKxdOWDhu-7YS6qE", "sha1", SHA1),
        ("tFop9gqDshAwKxdOWDhu+7YS6qE=", "sha1", SHA1),
        ("52ED9B5038A47B9E2E2190715CC238359D4F8F73", "sha1", "52ED9B5038A47B9E2E2190715CC238359D4F8F73"),
        ("jZtnIZRNyHDpxbKUQlnfXYsSQ4ROJ7ZfZpDGIbucJKY=", "sha256", SHA256),
        (SHA256, "sha256", SHA256),
    ],
)
def test_thumbprints_in_hex_and_base64_meet(spelled, algorithm, digits):
    """Hex, x5t, x5t#S256 and both customKeyIdentifier spellings come to the same digest."""
    assert ids.thumbprint(spelled) == ids.Thumbprint(algorithm, digits)


@given(st.uuids())
def test_every_spelling_we_write_we_read(number: uuid.UUID):
    """A token id survives the way through each of its spellings."""
    for spelled in (ids.uti(number.hex), ids.uti(number.hex) + "==", ids.text_form(number.hex), str(number)):
        read = ids.token_id(spelled)
        if number.int:
            assert read is not None
            assert read.hex == number.hex
    assert ids.swapped(ids.swapped(number.hex)) == number.hex


@given(st.text())
def test_no_text_breaks_the_normaliser(text: str):
    """Whatever a field holds, the normaliser answers a value or None and never raises."""
    ids.token_id(text)
    ids.thumbprint(text)
    ids.spellings(text)
