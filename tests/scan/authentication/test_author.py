"""The From field read strictly: what is plainly one address, and every way not to be."""

import pytest

from counterfoil.scan.authentication import author, canonical
from counterfoil.scan.authentication.tags import Malformed


def read(*values):
    """The author's domain of a message with these From fields."""
    head = b"".join(b"From: " + value + b"\r\n" for value in values)
    return author.domain(canonical.split(head + b"\r\n").named("from"))


@pytest.mark.parametrize(
    "value",
    [
        b"anna@example.org",
        b" anna@Example.ORG ",
        b"<anna@example.org>",
        b"Anna <anna@example.org>",
        b"Anna\r\n <anna@example.org>",
        b'"Anna, of <Example>" <anna@example.org>',
        b'"a \\" b" <anna@example.org>',
        b"Anna (home, <b@c.d>) <anna@example.org>",
        b"anna@example.org (Anna (nested) B)",
        b"=?utf-8?q?Anna?= <anna@example.org>",
        b'"odd local"@example.org',
        b"anna@example.org <anna@example.org>",
        "Ännä <anna@example.org>".encode(),
        b"A. N. Na <anna@example.org>",
    ],
)
def test_a_plain_author_is_read(value):
    """One address in any lawful spelling gives its domain."""
    assert read(value) == "example.org"


def test_an_international_domain_is_read_as_a_labels():
    """A U-label is compared as the A-label that the DNS has."""
    assert read("anna@bücher.example".encode()) == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "no From field"),
        ([b"a@example.org", b"b@example.com"], "2 From fields"),
        ([b"a@example.org, b@example.com"], "no plain address"),
        ([b"a@example.org, <b@example.com>"], "separates addresses"),
        ([b"<a@example.org>, <b@example.com>"], "angle brackets"),
        ([b"A <a@example.org> B"], "angle brackets"),
        ([b"<<a@example.org>>"], "angle brackets"),
        ([b"friends: a@example.org;"], "no plain address"),
        ([b"friends: <a@example.org>"], "separates addresses"),
        ([b"<@relay.example,@b.example:a@example.org>"], "no plain address"),
        ([b"a@bank.example <a@example.org>"], "address of another domain"),
        ([b"a@[192.0.2.1]"], "no plain address"),
        ([b"a@localhost"], "domain is none"),
        ([b"a@@example.org"], "no plain address"),
        ([b"a@example.org\0.evil.example"], "control characters"),
        ([b"a@example.org\x0b"], "control characters"),
        ([b"a\xff@example.org"], "broken UTF-8"),
        ([b"=?utf-8?q?a=40bank.example?="], "no plain address"),
        ([b'"a@example.org'], "has no end"),
        ([b"(a@example.org"], "has no end"),
        ([b"a@example.org\\"], "has no end"),
        ([b""], "no plain address"),
        ([b"a@" + b"x." * 121 + b"bank.example.evil.example"], "no plain address"),
        ([b"a@" + b"x" * 3000 + b".org"], "out of all measure"),
    ],
)
def test_what_is_not_plain_is_refused(values, reason):
    """A list, a group, a route, a second field or a disguise has its own reason."""
    with pytest.raises(Malformed, match=reason):
        read(*values)
