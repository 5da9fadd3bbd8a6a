"""An assertion is made for the tenant's own token endpoint or not at all."""

import pytest

from counterfoil.credential.audience import MICROSOFT, check_audience
from counterfoil.model.errors import Refused
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
