"""Whose name stands in From, in every way that somebody behind us may read it."""

import pytest

from counterfoil.gateway.authors import domains, upwards


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ([b"From: ann@acme.example\r\n"], {"acme.example"}),
        ([b"From: Ann <ann@ACME.example>\r\n"], {"acme.example"}),
        ([b'From: "boss@beta.example" <ann@acme.example>\r\n'], {"acme.example"}),
        ([b'From: "<boss@beta.example>" <ann@acme.example>\r\n'], {"acme.example", "beta.example"}),
        ([b"From: ann@acme.example\r\n", b"from : boss@beta.example\r\n"], {"acme.example", "beta.example"}),
        ([b"From: ann@acme.example,\r\n boss@beta.example\r\n"], {"acme.example", "beta.example"}),
        ([b"From: Group: ann@acme.example, b@beta.example;\r\n"], {"acme.example", "beta.example"}),
        ([b"From: boss@beta.example (x@acme.example)\r\n"], {"acme.example", "beta.example"}),
        ([b"From: <@acme.example:boss@beta.example>\r\n"], {"beta.example"}),
        ([b"From: <boss@\r\n beta.example>\r\n"], {"beta.example"}),
        ([b"From: boss @ beta.example.\r\n"], {"beta.example"}),
        ([b"From: =?utf-8?q?boss=40beta.example?=\r\n"], {"beta.example"}),
        ([b"From: =?utf-8?b?PGJvc3NAYmV0YS5leGFtcGxlPg==?= <a@acme.example>\r\n"], {"acme.example", "beta.example"}),
        ([b"From: =?nosuch?q?boss=40beta.example?=\r\n"], set()),
        ([b"From: b\xc3\xb6ss@b\xc3\xbccher.example\r\n"], {"bücher.example"}),
        ([b"Subject: boss@beta.example\r\n", b"From:\r\n"], set()),
    ],
)
def test_every_reading_counts(fields, found):
    """What any reader could take for an author's domain is one; a name in quotes beside an address is not."""
    assert domains(fields) == found


def test_hostile_bytes_end():
    """A long run of brackets, signs and encoded words is read in no time that matters."""
    for junk in (b"<" * 50_000, b"@" * 50_000, b"<@" * 50_000, b"=?utf-8?q?=40" * 5_000, b"a@" + b"b." * 50_000):
        domains([b"From: " + junk + b"\r\n"])


def test_domains_above():
    """The nearest comes first, and a top-level domain alone is nobody's."""
    assert upwards("a.b.example") == ["a.b.example", "b.example"]
    assert upwards("example") == ["example"]
    assert len(upwards("x." * 500 + "example")) == 7
