from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scan.mime.leaves import contents, read

from counterfoil.model.mail import Uninspectable
from counterfoil.scan.ambiguity import AMBIGUITIES
from counterfoil.scan.limits import DEFAULT_LIMITS, Exhausted
from counterfoil.scan.mime.readings import PASSES, Leaf, Reader

PAYLOAD = b"this is the hidden payload, 40 octets...."
TOP = b"From: a@example.com\r\nMIME-Version: 1.0\r\n"
ENCODED = b64encode(PAYLOAD)
PART = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n" + ENCODED


def multipart(content_type: bytes, delimiter: bytes = b"--b1", part: bytes = PART) -> bytes:
    """A multipart of a plain text and the payload."""
    text = delimiter + b"\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
    return TOP + content_type + b"\r\n\r\n" + text + delimiter + b"\r\n" + part + b"\r\n" + delimiter + b"--\r\n"


CLEAN = multipart(b"Content-Type: multipart/mixed; boundary=b1")


def test_well_formed_has_one_reading():
    """A message in the grammar has exactly its parts, IMAP's ids, and no doubt."""
    leaves, doubts = read(CLEAN)
    assert [(leaf.id, leaf.data, leaf.via) for leaf in leaves] == [("1", b"hello", ()), ("2", PAYLOAD, ("base64",))]
    assert doubts == set()


def test_ids_are_those_of_imap():
    """Parts of parts are numbered as RFC 3501 section 6.4.5 does."""
    inner = b"Content-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\n\r\none\r\n--b2\r\n\r\ntwo\r\n--b2--"
    leaves, _ = read(multipart(b"Content-Type: multipart/mixed; boundary=b1", part=inner))
    assert [leaf.id for leaf in leaves] == ["1", "2.1", "2.2"]


BOUNDARIES = {
    "missing": (b"Content-Type: multipart/mixed", b"--b1", "mime:missing-boundary"),
    "empty": (b'Content-Type: multipart/mixed; boundary=""', b"--", "mime:missing-boundary"),
    "half-quoted": (b'Content-Type: multipart/mixed; boundary="b1', b"--b1", "mime:odd-boundary"),
    "single-quoted": (b"Content-Type: multipart/mixed; boundary='b1'", b"--b1", "mime:odd-boundary"),
    "angle-brackets": (b'Content-Type: multipart/mixed; boundary="<<x>>"', b"--<<x>>", None),
    "rfc2231": (b"Content-Type: multipart/mixed; boundary*0=b; boundary*1=1", b"--b1", "mime:odd-boundary"),
    "rfc2231-encoded": (b"Content-Type: multipart/mixed; boundary*=''%62%31", b"--b1", "mime:odd-boundary"),
    "rfc2047": (b'Content-Type: multipart/mixed; boundary="=?utf-8?q?b1?="', b"--b1", "mime:missing-boundary"),
    "comment": (b"Content-Type: multipart/mixed; boundary(x)=b1(y)", b"--b1", "mime:odd-boundary"),
    "escaped": (rb'Content-Type: multipart/mixed; boundary="b\1"', b"--b1", "mime:odd-boundary"),
    "blank": (b"Content-Type: multipart/mixed; boundary= b1", b"--b1", "mime:odd-boundary"),
    "twice": (b"Content-Type: multipart/mixed; boundary=zz; boundary=b1", b"--b1", "mime:odd-boundary"),
    "two fields": (
        b"Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b1",
        b"--b1",
        "mime:duplicate-content-type",
    ),
    "wrong key": (b"Content-Type: multipart/mixed; oundary=b1", b"--b1", "mime:missing-boundary"),
    "wrong type": (b"Content-Type: ultipart/mixed; boundary=b1", b"--b1", "mime:undeclared-boundary"),
    "no type": (b"X-Other: 1", b"--b1", "mime:undeclared-boundary"),
    "blank before colon": (b"Content-Type : multipart/mixed; boundary=b1", b"--b1", "mime:damaged-field-name"),
    "two colons": (b"Content-Type:: multipart/mixed; boundary=b1", b"--b1", None),
    "nul in name": (b"Content-\0Type: multipart/mixed; boundary=b1", b"--b1", "mime:damaged-field-name"),
    "behind cr": (b"X-Other: a\rContent-Type: multipart/mixed; boundary=b1", b"--b1", "mime:bare-cr"),
    "folded away": (b"X-Other: a\r\n Content-Type: multipart/mixed; boundary=b1", b"--b1", "mime:folded-field"),
    "prefix": (b"Content-Type: multipart/mixed; boundary=b", b"--b1", "mime:boundary-prefix"),
    "blank behind": (b"Content-Type: multipart/mixed; boundary=b1", b"--b1 x", "mime:boundary-prefix"),
}


@pytest.mark.parametrize(("declaration", "delimiter", "doubt"), BOUNDARIES.values(), ids=BOUNDARIES)
def test_hidden_boundaries_hide_nothing(declaration, delimiter, doubt):
    """However the boundary is declared, the payload is among the readings, and the doubt is named."""
    raw = multipart(declaration, delimiter)
    assert PAYLOAD in contents(raw)
    doubts = read(raw)[1]
    assert doubt is None or doubt in doubts
    assert doubts <= set(AMBIGUITIES)


ENCODINGS = {
    "two fields": b"Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64",
    "two fields, reversed": b"Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit",
    "two values": b"Content-Transfer-Encoding: quoted-printable, base64",
    "abbreviated": b"Content-Transfer-Encoding: 64",
    "overlong": b"Content-Transfer-Encoding: base645",
    "comment": b"Content-Transfer-Encoding: (x) base64",
    "encoded word": b"Content-Transfer-Encoding: =?utf-8?q?base64?=",
    "unknown": b"Content-Transfer-Encoding: x-what",
    "case": b"Content-Transfer-Encoding: bAsE64",
    "vertical tab": b"Content-Transfer-Encoding:\x0bbase64",
}


@pytest.mark.parametrize("field", ENCODINGS.values(), ids=ENCODINGS)
def test_confused_encodings_hide_nothing(field):
    """Whichever encoding a client believes in, its reading is scanned."""
    assert PAYLOAD in contents(TOP + b"Content-Type: application/octet-stream\r\n" + field + b"\r\n\r\n" + ENCODED)


STRUCTURES = {
    "truncated": (CLEAN[: CLEAN.rindex(b"--b1--")], "mime:unclosed-multipart"),
    "early end": (CLEAN.replace(b"hello\r\n--b1", b"hello\r\n--b1--\r\n--b1"), "mime:text-around-parts"),
    "byte order mark": (b"\xef\xbb\xbf" + CLEAN, "mime:bom"),
    "blank line first": (b"\r\n" + CLEAN, "mime:body-before-header"),
    "lf only": (CLEAN.replace(b"\r\n", b"\n"), None),
    "cr only in body": (CLEAN.replace(b"\r\nContent-Type: app", b"\rContent-Type: app"), None),
    "mbox line": (b"From a@example.com Thu Jan  1 00:00:00 1970\r\n" + CLEAN, None),
    "no blank line": (
        multipart(b"Content-Type: multipart/mixed; boundary=b1", part=PART.replace(b"\r\n\r\n", b"\r\n")),
        None,
    ),
    "encoded multipart": (
        TOP
        + b"Content-Type: multipart/mixed; boundary=b1\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + b64encode(CLEAN.partition(b"\r\n\r\n")[2]),
        "mime:encoded-composite",
    ),
    "in the preamble": (CLEAN.replace(b"--b1", PART + b"\r\n--b1", 1), "mime:text-around-parts"),
}


@pytest.mark.parametrize(("raw", "doubt"), STRUCTURES.values(), ids=STRUCTURES)
def test_damaged_structures_hide_nothing(raw, doubt):
    """Damage to the structure leaves the payload, or the text it is encoded in, among the readings."""
    assert {PAYLOAD, ENCODED} & {piece.rpartition(b"\r\n\r\n")[2] for piece in contents(raw)}
    assert doubt is None or doubt in read(raw)[1]


def test_fragments_and_external_bodies_are_named():
    """What is put together or fetched only at the recipient's is an ambiguity of its own."""
    assert "mime:partial" in read(TOP + b"Content-Type: message/partial; id=x; number=1\r\n\r\nx")[1]
    assert "mime:external-body" in read(TOP + b"Content-Type: message/external-body; access-type=URL\r\n\r\nx")[1]


def test_signed_field_lists_are_no_hidden_fields():
    """The list of field names in a DKIM signature is folded in every other message, and is no damage."""
    signature = b"DKIM-Signature: v=1; h=From:To:\r\n Content-Type:MIME-Version; b=x\r\n"
    assert read(signature + CLEAN)[1] == set()


def nested(levels: int) -> bytes:
    """Multiparts in multiparts."""
    return TOP + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%04d\r\n\r\n--b%04d\r\n" % (level, level) for level in range(levels)
    )


def test_depth_fails_closed():
    """3,000 levels end at the limit, and that is said."""
    found = list(Reader(nested(3_000), "", DEFAULT_LIMITS).read())
    assert any(isinstance(one, Uninspectable) and "nested deeper than 16" in one.reason for one in found)


def test_work_is_bounded_by_a_multiple_of_the_size():
    """All readings together look at no more than PASSES times the message, and a message cannot make them."""
    fields = b"".join(b"Content-Type: multipart/mixed; boundary=x%d\r\n" % number for number in range(200))
    level = fields + b"\r\n" + b"".join(b"--x%d\r\n" % number for number in range(200)) + b"z" * 2_000
    raw = TOP + level * 10
    try:
        total = sum(len(one.data) for one in Reader(raw, "", DEFAULT_LIMITS).read() if isinstance(one, Leaf))
    except Exhausted as error:
        assert "more readings" in str(error)  # noqa: PT017 - either end is right, and only one raises
    else:
        assert total <= (PASSES + 1) * len(raw) + (1 << 20)


JUNK = st.binary(max_size=200)
LINES = st.lists(
    st.sampled_from(
        [
            b"--b1",
            b"--b1--",
            b"--",
            b"",
            b" ",
            b"Content-Type: multipart/mixed; boundary=b1",
            b"Content-Type: text/plain",
            b"Content-Transfer-Encoding: base64",
            b"Content-Type: message/rfc822",
            b"\rContent-Type: a",
            b"=?x?b?",
            b"begin 644 x",
            b"Content-Disposition: attachment; filename*0*=''%41; filename*1=b",
            b"QUJD",
            b"A=",
            b"=A",
            b"\0:",
        ]
    )
    | JUNK,
    max_size=40,
)


@given(LINES, st.sampled_from([b"\r\n", b"\n", b"\r"]))
@settings(max_examples=150, deadline=None)
def test_nothing_crashes_the_reader(lines, end):
    """Any bytes have a reading, and every doubt is one of the closed set."""
    _, doubts = read(end.join(lines))
    assert doubts <= set(AMBIGUITIES)


@given(st.binary(min_size=1, max_size=3_000), st.sampled_from(["base64", "quoted-printable", "binary"]))
@settings(max_examples=100, deadline=None)
def test_the_plain_payload_is_in_the_union(payload, encoding):
    """Whatever the standard library encodes, one of the readings is exactly what went in."""
    import binascii

    coded = {
        "base64": b64encode,
        "quoted-printable": lambda data: binascii.b2a_qp(data, istext=False),
        "binary": lambda data: data,
    }[encoding](payload)
    raw = TOP + b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + coded
    assert payload in {leaf.data for leaf in read(raw)[0]}
