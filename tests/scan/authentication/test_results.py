"""Our own Authentication-Results field: nothing from outside can speak in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model.mail import Authentication
from counterfoil.scan.authentication import results


def test_the_field_names_each_method_with_what_it_rests_on():
    """The field reads as RFC 8601 section 2.2 has it."""
    found = Authentication(
        spf="pass",
        dkim="pass",
        dmarc="fail",
        arc="none",
        detail={
            "spf": {"result": "pass", "identity": "mailfrom", "domain": "example.org"},
            "dkim": [
                {"result": "pass", "domain": "example.org", "selector": "s1", "algorithm": "rsa-sha256"},
                {"result": "fail", "domain": "example.com"},
            ],
            "dmarc": {"result": "fail", "domain": "example.net"},
            "helo": {"result": "none", "identity": "helo", "domain": "mail.example.org"},
        },
    )

    assert results.write("mx.example.net", found) == (
        b"Authentication-Results: mx.example.net;\r\n"
        b"\tspf=pass smtp.mailfrom=example.org;\r\n"
        b"\tspf=none smtp.helo=mail.example.org;\r\n"
        b"\tdkim=pass header.d=example.org header.s=s1 header.a=rsa-sha256;\r\n"
        b"\tdkim=fail header.d=example.com;\r\n"
        b"\tdmarc=fail header.from=example.net;\r\n"
        b"\tarc=none\r\n"
    )


def test_what_was_not_checked_is_not_said():
    """Without a result the field says none, as section 2.2 demands."""
    assert results.write("mx.example.net", Authentication()) == b"Authentication-Results: mx.example.net;\r\n\tnone\r\n"


EVIL = "pass\r\nX-Evil: 1"


@pytest.mark.parametrize(
    "found",
    [
        Authentication(spf=EVIL, dkim=EVIL, dmarc=EVIL, arc=EVIL),
        Authentication(spf="pass", detail={"spf": {"result": EVIL, "identity": EVIL, "domain": EVIL}}),
        Authentication(spf="pass", detail={"spf": EVIL, "helo": [EVIL]}),
        Authentication(dkim="pass", detail={"dkim": [{"result": [], "selector": EVIL, "domain": 1}, EVIL, None]}),
    ],
)
def test_a_scan_that_lies_cannot_write_a_field_of_its_own(found):
    """The scan comes from a worker that hostile bytes may own; no word of it ends our field."""
    written = results.write("mx.example.net", found)

    assert b"X-Evil" not in [line.partition(b":")[0] for line in written.split(b"\r\n")]
    assert all(line.startswith(b"\t") for line in written.removesuffix(b"\r\n").split(b"\r\n")[1:])


@pytest.mark.parametrize(
    ("value", "spelt"),
    [
        ("example.org", "example.org"),
        ("anna@example.org", "anna@example.org"),
        ("legitimate.com(.attacker.com", '"legitimate.com(.attacker.com"'),
        ("legitimate.com'a.attacker.com", "legitimate.com'a.attacker.com"),
        ('x"; dkim=pass header.d="bank.example', '"x\\"; dkim=pass header.d=\\"bank.example"'),
        ("a\\", '"a\\\\"'),
        ("a;b", '"a;b"'),
        ("a\r\nX-Evil: 1", '"a??X-Evil: 1"'),
        ("a\0b\u00e9", '"a?b?"'),
        ("", '""'),
        ("x" * 1000, "x" * results.MAX_VALUE),
    ],
)
def test_a_value_from_outside_is_quoted(value, spelt):
    """Quotes, comments, separators and line ends cannot end a value early."""
    assert results.quote(value) == spelt


@given(st.text())
def test_no_value_leaves_its_quotes(value):
    """Whatever the value, what is written is one token or one quoted string of printable ASCII."""
    spelt = results.quote(value)

    assert spelt.isascii()
    assert spelt.isprintable()
    if spelt.startswith('"'):
        inside = spelt[1:-1].replace("\\\\", "").replace('\\"', "")
        assert '"' not in inside
        assert "\\" not in inside
    else:
        assert not set(spelt) & set(' ();"\\,<>:=[]?/')


@pytest.mark.parametrize("name", ["a b", "a;b", "", "a\r\nb", 'a"'])
def test_our_own_name_must_be_a_token(name):
    """A configured name that would break the field is refused."""
    with pytest.raises(ValueError, match="no authserv-id"):
        results.write(name, Authentication())
