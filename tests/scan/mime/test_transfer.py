from base64 import b64encode

import pytest

from counterfoil.scan.limits import Exhausted
from counterfoil.scan.mime import base64s, inline
from counterfoil.scan.mime.transfer import decode, encoding_of

PLAIN = b"PK\x03\x04\x00\x00\x00\x00 a payload of octets, bin."
LETTERS = b64encode(PLAIN)


def readings(name: bytes, body: bytes) -> tuple[set[bytes], dict[str, str]]:
    """The contents of all readings of a body, and the doubts."""
    found, doubts = decode(body, encoding_of([name]))
    return {one.data for one in found}, doubts


def test_regular_base64_has_one_reading():
    """Lines of equal length, CRLF or LF, padding at the end: nothing to doubt."""
    assert base64s.readings(LETTERS[:8] + b"\r\n" + LETTERS[8:] + b"\r\n") == ([PLAIN], "")


BASE64 = {
    "junk between": b".".join(LETTERS[at : at + 1] for at in range(len(LETTERS))),
    "padding between": b"=".join(LETTERS[at : at + 4] for at in range(0, len(LETTERS), 4)),
    "padding first": b"====" + LETTERS,
    "no padding": LETTERS.rstrip(b"="),
    "dashes": b"-".join((LETTERS[:10], LETTERS[10:])),
    "junk line": b"begin-base64 644 x.zip\n" + LETTERS,
    "junk behind each line": LETTERS[:4] + b"#abc012\n" + LETTERS[4:] + b"#abc012\n",
    "letters behind each group": b"\n".join(LETTERS[at : at + 4] + b"XX" for at in range(0, len(LETTERS), 4)),
    "padding as a letter": LETTERS.rstrip(b"=").replace(b"A", b"="),
    "one letter and a blank line": b"A\n\n" + LETTERS,
    "two pieces": b64encode(PLAIN[:10]) + b64encode(PLAIN[10:]),
}


@pytest.mark.parametrize("body", BASE64.values(), ids=BASE64)
def test_irregular_base64_is_read_in_every_way(body):
    """Whatever is wrong with it, one reading is the payload, and base64-junk says so."""
    found, doubts = readings(b"base64", body)
    assert any(data.startswith(PLAIN) for data in found)
    assert "mime:base64-junk" in doubts


def test_a_second_file_behind_the_padding_is_found():
    """A decoder that stops at the padding and one that goes on both have their reading."""
    found, _ = readings(b"base64", b64encode(b"innocent") + b64encode(PLAIN))
    assert any(data == b"innocent" for data in found)
    assert any(data.endswith(PLAIN) for data in found)


QUOTED = {
    "lower case": (b"=4d=5a", b"MZ", None),
    "blanks behind the soft break": (b"M= \t\r\nZ", b"MZ", None),
    "invalid kept": (b"M=XZ", b"M=XZ", "mime:quoted-printable-junk"),
    "invalid sign dropped": (b"=4D=Z", b"MZ", "mime:quoted-printable-junk"),
    "bare cr as a soft break": (b"M=\rZ\n", b"MZ\n", None),
    "lower case as junk": (b"=0a=4D=0a=5A", b"MZ", None),
}


@pytest.mark.parametrize(("body", "wanted", "doubt"), QUOTED.values(), ids=QUOTED)
def test_quoted_printable_is_read_in_every_way(body, wanted, doubt):
    """The standard's reading and those of sloppy decoders are among the readings."""
    found, doubts = readings(b"quoted-printable", body)
    assert wanted in found
    assert doubt is None or doubt in doubts


def test_nothing_is_lost_behind_a_bare_carriage_return():
    """The library function drops everything from ``=CR`` to the next LF; we do not."""
    assert any(b"hidden" in data for data in readings(b"quoted-printable", b"a=\rhidden\nb")[0])


def test_inline_files_are_found_in_text():
    """uuencode, its base64 form, yEnc and BinHex lie in text without any MIME field."""
    import binascii

    uu = b"begin 644 a.exe\n" + binascii.b2a_uu(PLAIN) + b"`\nend\n"
    assert [(one.name, one.data) for one in inline.files(b"hello\n" + uu)] == [("a.exe", PLAIN)]
    coded = b"begin-base64 644 b.exe\n" + LETTERS + b"\n====\n"
    assert [one.data for one in inline.files(coded)] == [PLAIN]
    y = bytes((octet + 42) % 256 for octet in b"plain")
    assert [one.data for one in inline.files(b"=ybegin line=128 size=5 name=c\r\n" + y + b"\r\n=yend\r\n")] == [
        b"plain"
    ]


def test_more_inline_files_than_we_follow_fail_closed():
    """Files beyond the limit are not passed over: the reading ends with a reason."""
    with pytest.raises(Exhausted, match="more than 200 encoded files"):
        list(inline.files(b"begin 644 a\n#86)C\n`\nend\n" * 300))


def test_an_unfinished_uuencoded_file_goes_to_the_end():
    """A missing end line hides nothing."""
    import binascii

    assert [one.data for one in inline.files(b"begin 644 a\n" + binascii.b2a_uu(b"abc"))] == [b"abc"]
