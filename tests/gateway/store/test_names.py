"""What an operator may call a tenant, a domain, a range or a certificate."""

import pytest

from counterfoil.gateway.store import names
from counterfoil.model.errors import Refused


@pytest.mark.parametrize("text", ["", "Acme", "-acme", "acme-", "a" * 64, "a/b", "../x", "a b"])
def test_tenant_names_that_are_refused(text: str):
    """A tenant's name is a plain word, so that it can stand in a path, a header and a table."""
    with pytest.raises(Refused, match="is no tenant name"):
        names.tenant_name(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("Example.ORG.", "example.org"), ("bücher.example", "xn--bcher-kva.example"), ("a_b.example", "a_b.example")],
)
def test_domains_are_made_canonical(text: str, canonical: str):
    """One domain has one spelling: lower case, A-labels, no trailing dot."""
    assert names.domain_name(text) == canonical


@pytest.mark.parametrize("text", ["", ".", "a..b", "-a.example", "ex ample.org", "a" * 64 + ".org", "b@c.org"])
def test_domains_that_are_refused(text: str):
    """What is no domain name never becomes a route."""
    with pytest.raises(Refused, match="is no domain name"):
        names.domain_name(text)


@pytest.mark.parametrize("text", ["40.107.1.2", "104.47.0.0/24", "40.0.0.0/16", "2a01:111:f403::/64", "52.100.0.0/16"])
def test_shared_ranges_are_refused(text: str):
    """Exchange Online's addresses are every tenant's, so they can prove none (40.0.0.0/16 does not hold them)."""
    if text == "40.0.0.0/16":
        assert names.owned_range(text) == text
        return
    with pytest.raises(Refused, match="every Microsoft 365 tenant shares"):
        names.owned_range(text)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "10.0.0.0/8", "::/0"])
def test_wide_ranges_are_refused(text: str):
    """A range as wide as a provider's is no tenant's own."""
    with pytest.raises(Refused, match="too wide"):
        names.owned_range(text)


def test_a_range_with_host_bits_is_refused():
    """A range that is not written exactly is more likely a mistake than a wish."""
    with pytest.raises(Refused, match="no address range"):
        names.owned_range("192.0.2.1/24")


@pytest.mark.parametrize("text", ["mail.protection.outlook.com", "outlook.com", "*.example.org"])
def test_certificate_names_that_are_refused(text: str):
    """Microsoft's certificate is every tenant's, and a wildcard is nobody's."""
    with pytest.raises(Refused, match=r"is Microsoft's|is no domain name"):
        names.certificate_name(text)
