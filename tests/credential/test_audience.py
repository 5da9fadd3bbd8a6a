"""An assertion is made for the tenant's own token endpoint or not at all."""

import pytest

from counterfoil.credential.audience import MICROSOFT, authority, check_audience
from counterfoil.model.errors import Misconfigured, Refused
from tests.credential.conftest import TENANT

HOST = "https://login.microsoftonline.com"


@pytest.mark.parametrize(
    "audience",
    [
        f"{HOST}/{TENANT}/oauth2/v2.0/token",
        f"{HOST}/{TENANT.upper()}/oauth2/token",
        f"https://login.microsoftonline.us/{TENANT}/oauth2/v2.0/token",
    ],
)
def test_the_tenants_token_endpoint_is_allowed(audience):
    """Both versions of the endpoint, at every Microsoft authority."""
    check_audience(audience, TENANT, MICROSOFT)


@pytest.mark.parametrize(
    "audience",
    [
        f"http://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token",
        f"https://login.microsoftonline.com.evil.example/{TENANT}/oauth2/v2.0/token",
        f"https://user@login.microsoftonline.com/{TENANT}/oauth2/v2.0/token",
        f"https://login.microsoftonline.com:444/{TENANT}/oauth2/v2.0/token",
        f"{HOST}/common/oauth2/v2.0/token",
        f"{HOST}/33333333-3333-3333-3333-333333333333/oauth2/v2.0/token",
        f"{HOST}/{TENANT}/oauth2/v2.0/token?x=1",
        f"{HOST}/{TENANT}/../x/oauth2/v2.0/token",
        f"{HOST}/{TENANT}/oauth2/v2.0/authorize",
        "https://[",
        "",
    ],
)
def test_any_other_audience_is_refused(audience):
    """Another scheme, host, port, tenant or path is refused."""
    with pytest.raises(Refused, match=r"authority|token endpoint"):
        check_audience(audience, TENANT, MICROSOFT)


@pytest.mark.parametrize(
    ("spelt", "host"),
    [
        ("localhost:44473", "localhost:44473"),
        ("https://Localhost:44473", "localhost:44473"),
        ("https://login.example/", "login.example"),
        ("https://[::1]:8443", "[::1]:8443"),
    ],
)
def test_a_further_authority_is_known_by_host_or_url(spelt, host):
    """The URL that a laboratory prints means its host, and what is read is what an audience there matches."""
    assert authority(spelt) == host
    check_audience(f"https://{host}/{TENANT}/oauth2/v2.0/token", TENANT, frozenset({authority(spelt)}))


@pytest.mark.parametrize(
    "spelt",
    [
        "nonsense://x",
        "http://localhost:44473",
        "localhost:44473/tenant",
        "user@login.example",
        "localhost:port",
        "a b",
        "https://[",
        "https://",
        "",
    ],
)
def test_an_authority_that_would_never_match_is_refused(spelt):
    """It is said when the signer starts, with an example, and not at the first signature."""
    with pytest.raises(Misconfigured, match="is no token authority") as refusal:
        authority(spelt)
    assert "--authority localhost:44473" in str(refusal.value.hint)


def test_a_refusal_names_the_command_that_takes_the_authority():
    """The option belongs to another program than the one that shows the refusal."""
    with pytest.raises(Refused, match="is at no authority") as refusal:
        check_audience(f"https://localhost:1/{TENANT}/oauth2/token", TENANT, MICROSOFT)
    assert "counterfoil signer --authority HOST" in str(refusal.value.hint)
