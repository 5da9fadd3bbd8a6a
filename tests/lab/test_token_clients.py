"""The real MSAL for Python and azure-identity get tokens from the laboratory over TLS."""

import msal
import pytest
from tests.lab.bench import GRAPH, KEYS, payload


@pytest.mark.parametrize("form", ["thumbprint", "public_certificate", "both"])
def test_the_real_msal_gets_tokens(running, joined, own_roots, form):
    """MSAL for Python, RS256 and PS256, over TLS with the laboratory's authority, gets a token that Graph takes."""
    credential = {"private_key": joined.pair.key_pem}
    if form != "public_certificate":
        credential["thumbprint"] = joined.pair.sha1.hex()
    if form != "thumbprint":
        credential["public_certificate"] = joined.pair.pem
    client = msal.ConfidentialClientApplication(
        joined.app["app_id"],
        client_credential=credential,
        authority=f"{running.endpoints.login}/{joined.tenant}",
        instance_discovery=False,
        verify=str(running.endpoints.ca),
    )

    answer = client.acquire_token_for_client([f"{GRAPH}/.default"])

    assert answer["token_source"] == "identity_provider"
    assert payload(answer["access_token"])["tid"] == joined.tenant


def test_msal_by_oidc_authority_and_its_errors(running, joined, own_roots):
    """The issuer passes MSAL's own check, and a refusal arrives as MSAL reports Microsoft's."""
    client = msal.ConfidentialClientApplication(
        joined.app["app_id"],
        client_credential={"private_key": KEYS[1].key_pem, "thumbprint": KEYS[1].sha1.hex()},
        oidc_authority=f"{running.endpoints.login}/{joined.tenant}/v2.0",
        verify=str(running.endpoints.ca),
    )

    answer = client.acquire_token_for_client([f"{GRAPH}/.default"])

    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [700027])
    assert KEYS[1].sha1.hex().upper() in answer["error_description"]


def test_azure_identity_gets_tokens(joined, credential):
    """azure-identity's CertificateCredential gets a token from the laboratory."""
    token = credential.get_token(f"{GRAPH}/.default")

    assert payload(token.token)["appid"] == joined.app["app_id"]
