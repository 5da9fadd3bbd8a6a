"""Our own Authentication-Results field: nothing from outside can speak in it, and nobody else's passes for it."""

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


KEPT = b"Received: from a\r\n\tby b\r\nAuthentication-Results: other.example; spf=pass\r\nFrom: a@b.org\r\n"
BODY = b"\r\nAuthentication-Results: mx.example.net; spf=pass\r\n"


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.example.net; spf=pass\r\n",
        b"authentication-RESULTS:MX.Example.NET.; spf=pass\r\n",
        b"Authentication-Results : mx.example.net; spf=pass\r\n",
        b"Authentication-Results\0: mx.example.net; spf=pass\r\n",
        b"Authentication-Results: mx.example.net 1; spf=pass\r\n",
        b"Authentication-Results:\r\n\tmx.example.net;\r\n\tspf=pass\r\n",
        b"Authentication-Results: (hello) mx.example.net; spf=pass\r\n",
        b'Authentication-Results: "mx.example.net"; spf=pass\r\n',
        b'Authentication-Results: "mx.ex\\ample.net"; spf=pass\r\n',
        b"Authentication-Results: mx.example.net(comment); spf=pass\r\n",
        b"Authentication-Results: (without an end mx.other.example; spf=pass\r\n",
        b"Authentication-Results: ;\r\n",
        b"Authentication-Results:\r\n",
    ],
)
@pytest.mark.parametrize("place", ["top", "bottom"])
def test_a_field_that_claims_to_be_ours_is_taken_away(field, place):
    """Every spelling of our name, and what cannot be read, goes; all else stays octet for octet."""
    raw = field + KEPT + BODY if place == "top" else KEPT + field + BODY

    assert results.strip(raw, "mx.example.net") == (KEPT + BODY, 1)


def test_others_and_the_body_stay():
    """A field of another service and the text of a body are none of ours."""
    assert results.strip(KEPT + BODY, "mx.example.net") == (KEPT + BODY, 0)
    assert results.strip(KEPT, "mx.example.net") == (KEPT, 0)
    assert results.strip(b"", "mx.example.net") == (b"", 0)
