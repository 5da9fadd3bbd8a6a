"""Canonical forms: the examples of RFC 6376, and bodies made to cost time."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from counterfoil.scan.authentication import canonical

# RFC 6376 section 3.4.5.
EXAMPLE = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n"


def test_the_example_of_the_rfc_relaxed():
    """Section 3.4.5, example 1."""
    message = canonical.split(EXAMPLE)

    assert b"".join(canonical.header(field, "relaxed") for field in message.fields) == b"a:X\r\nb:Y Z\r\n"
    assert canonical.body(message.body, "relaxed") == b" C\r\nD E\r\n"


def test_the_example_of_the_rfc_simple():
    """Section 3.4.5, example 2."""
    message = canonical.split(EXAMPLE)

    assert b"".join(canonical.header(field, "simple") for field in message.fields) == b"A: X\r\nB : Y\t\r\n\tZ  \r\n"
    assert canonical.body(message.body, "simple") == b" C \r\nD \t E\r\n"


@pytest.mark.parametrize(("form", "empty"), [("simple", b"\r\n"), ("relaxed", b"")])
@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n\r\n"])
def test_an_empty_body(form, empty, body):
    """Sections 3.4.3 and 3.4.4: no text is one line end, or nothing at all."""
    assert canonical.body(body, form) == empty


@given(st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"\r"]), max_size=14).map(b"".join))
@example(b"a\r\r\n\r\n")
@example(b"\r\r\n")
def test_a_body_is_what_the_rules_say_step_by_step(text):
    """Both forms agree with the rules written down naively."""
    trimmed = re.sub(rb"(?:\r\n)*\Z", b"", text)
    assert canonical.body(text, "simple") == trimmed + b"\r\n"
    relaxed = re.sub(rb"[ \t]+", b" ", re.sub(rb"[ \t]+(?=\r\n|\Z)", b"", text))
    relaxed = re.sub(rb"(?:\r\n)*\Z", b"", relaxed)
    assert canonical.body(text, "relaxed") == (relaxed + b"\r\n" if relaxed else b"")


@pytest.mark.parametrize("piece", [b" ", b"\t ", b"\r\n", b" \r\n", b"\r", b"a \t", b"\r\r\n"])
@pytest.mark.parametrize("form", ["simple", "relaxed"])
def test_a_body_of_megabytes_is_read_in_linear_time(piece, form):
    """Ten megabytes of one piece are done within the test's time, which a quadratic rule would not be."""
    assert canonical.body(piece * (10_000_000 // len(piece)), form) is not None


def test_a_field_without_a_colon_has_no_name():
    """Text in the header section that is no field is kept, and named by nothing that could be signed."""
    message = canonical.split(b"From: a@b.org\r\nno field here\r\n folded\r\nTo: c\r\n\r\nbody")

    assert [field.name for field in message.fields] == ["from", "", "to"]
    assert message.fields[1].raw == b"no field here\r\n folded\r\n"


@pytest.mark.parametrize(
    ("raw", "names", "body"),
    [
        (b"", [""], b""),
        (b"\r\nbody", [], b"body"),
        (b"A: b", ["a"], b""),
        (b"A: b\nB: c\n\nbody\n", ["a", "b"], b"body\r\n"),
        (b" folded first\r\nA: b\r\n\r\n", ["", "a"], b""),
    ],
)
def test_odd_messages_are_taken_apart(raw, names, body):
    """Bare line feeds, no body, no header: each has its place."""
    message = canonical.split(raw)

    assert [field.name for field in message.fields] == names
    assert message.body == body


@pytest.mark.parametrize(
    ("value", "emptied"),
    [
        (b" a=1; b=xyz; c=2", b" a=1; b=; c=2"),
        (b" a=1;\r\n\tb = x y\r\n z ;bh=b=c", b" a=1;\r\n\tb =;bh=b=c"),
        (b" bb=1; b=", b" bb=1; b="),
    ],
)
def test_only_the_signature_s_own_value_is_emptied(value, emptied):
    """The b= tag loses its value with the blanks around it, and no tag that ends in b does."""
    field = canonical.Field("dkim-signature", b"DKIM-Signature:" + value + b"\r\n")

    assert canonical.without_signature(field).raw == b"DKIM-Signature:" + emptied + b"\r\n"
