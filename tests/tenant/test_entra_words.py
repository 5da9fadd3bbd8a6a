"""A refusal of the token service in a line: first words, reason, which certificate, trace id."""

import pytest

from counterfoil.tenant.entra_words import LONGEST, in_short

TRACE = "0bdc7a3e-9f6e-4a51-9a2d-6a1f54d20a00"
TAIL = f" Trace ID: {TRACE} Correlation ID: 5f3e8d1c-0000-4000-8000-000000000000 Timestamp: 2026-10-05 09:13:22Z"
NOT_REGISTERED = (
    "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application. "
    "[Reason - The key was not found., Thumbprint of key used by client: 'B45A29F60A83B210302B174E58386EFBB612EAA1', "
    "Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id "
    "'11111111-1111-4111-8111-111111111111'. Review the documentation at https://docs.example/ for the endpoint.]"
)
MARK = "B45A29F60A83B210302B174E58386EFBB612EAA1"
EXPIRED = (
    "AADSTS700027: Client assertion contains an invalid signature. [Reason - The key used is expired., Thumbprint of "
    f"key used by client: '{MARK}', Found key 'Start=06/29/2021 21:13:15, End=06/29/2023 21:13:15', Please visit]"
)
OTHER_KEY = (
    "AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was found, but use of the key to "
    f"verify the signature failed., Thumbprint of key used by client: '{MARK}']"
)


@pytest.mark.parametrize(
    ("description", "short"),
    [
        (NOT_REGISTERED, f"is not registered on application: The key was not found (thumbprint {MARK})"),
        (EXPIRED, f"Client assertion contains an invalid signature: The key used is expired (thumbprint {MARK})"),
        (OTHER_KEY, f": The key was found, but use of the key to verify the signature failed (thumbprint {MARK})"),
        ("AADSTS90002: Tenant 'x' not found.\r\n", "AADSTS90002: Tenant 'x' not found."),
        ("AADSTS1: two\nlines", "AADSTS1: two"),
        ("", "AADSTS7"),
        ("AADSTS1: bad [Reason - ", "AADSTS1: bad [Reason -"),
        ("AADSTS1: bad. [Reason - odd", "AADSTS1: bad: odd"),
    ],
)
def test_a_description_is_cut_to_what_it_says(description: str, short: str):
    """Recommendations, the correlation id and the time go; code, reason, thumbprint and trace id stay."""
    said = in_short(description + TAIL, "AADSTS7", TRACE)
    assert said.endswith(f"{short} (trace id {TRACE})")
    assert "Correlation ID" not in said


def test_an_endless_description_has_an_end():
    """Whoever answers in the token service's place fills no screen; without a trace id there is none."""
    assert len(in_short("AADSTS1: " + "word " * 100_000, "AADSTS1", None)) <= LONGEST + 2
    assert len(in_short("x" * 100_000, "AADSTS1", None)) <= LONGEST + 2
