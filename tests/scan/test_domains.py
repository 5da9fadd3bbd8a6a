"""Hosts and registrable domains, by the Public Suffix List."""

import pytest

from counterfoil.scan.domains import ascii_host, is_public_suffix, registrable


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.example.com", "example.com"),
        ("a.b.example.co.uk.", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("user.github.io", "user.github.io"),
        ("WWW.Bücher.example", "xn--bcher-kva.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("", ""),
    ],
)
def test_the_registrable_domain_is_what_somebody_owns(host, domain):
    """Public suffixes, private ones too, are no owner's domain; case, dots and scripts do not matter."""
    assert registrable(host) == domain


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("paypal.com", True),
        ("file.txt", False),
        ("version.2", False),
        ("", False),
        ("shop.example", False),
        ("a.museum", True),
    ],
)
def test_only_real_top_level_domains_make_a_host(host, known):
    """Text is taken for a host only if it ends in a top-level domain."""
    assert is_public_suffix(host) is known


def test_a_host_that_is_none_is_kept():
    """What IDNA refuses is compared as it is written."""
    assert ascii_host("ü" * 80 + ".example").startswith("ü")
