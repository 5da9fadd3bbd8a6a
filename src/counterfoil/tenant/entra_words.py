"""What the token service says when it refuses, in a line that a person can read. Values only."""

import re
from collections.abc import Mapping

HINTS: Mapping[str, str] = {
    "AADSTS700027": "the certificate is not on the application, or not yet everywhere (a new one takes some minutes), "
    "or has expired. Print it: counterfoil credential certificate NAME, as counterfoil credential list has it; have "
    "the tenant's administrator upload it to the application; then: counterfoil connection test",
    "AADSTS700024": "the clock of this machine is wrong: set it by NTP, then try again",
    "AADSTS700016": "the application is not in this tenant: check the tenant id and the application id",
    "AADSTS7000229": "the tenant's administrator has not consented or has deleted the enterprise application",
    "AADSTS7000112": "the application is disabled in the tenant: its administrator can enable it",
    "AADSTS90002": "there is no such tenant: check the tenant id",
    "AADSTS53003": "a Conditional Access policy blocks this address: its administrator can allow it",
}
"""What to do, by code (Microsoft Entra, AADSTS error codes)."""

LONGEST = 240
_MOST = 4096
_TAIL = re.compile(r"\s*Trace ID:.*", re.DOTALL)
_BRACKET = re.compile(r" \[Reason - (?P<reason>.*?)(?:\.,|\.?\]|$)")
_THUMBPRINT = re.compile(r"Thumbprint of key used by client: '(?P<hex>[0-9A-Fa-f]{40,64})'")


def in_short(description: str, code: str, trace: str | None) -> str:
    """Return a description without what it repeats and recommends: its first words, the reason, and the trace id.

    Descriptions are long (one of AADSTS700027 has 800 characters) and end with ``Trace ID: … Correlation ID: …
    Timestamp: …``. The trace id is what Microsoft's support asks for; the correlation id is in our stub.

    Args:
        description: ``error_description`` of the answer.
        code: Stands for a description that says nothing.
        trace: The trace id.
    """
    said = _TAIL.sub("", description[:_MOST]).strip().partition("\n")[0].strip()
    bracket = _BRACKET.search(said)
    if bracket is not None:
        mark = _THUMBPRINT.search(said)
        named = f" (thumbprint {mark['hex']})" if mark is not None else ""
        said = f"{said[: bracket.start()].rstrip('.:')}: {bracket['reason']}{named}"
    if len(said) > LONGEST:
        said = f"{said[:LONGEST].rpartition(' ')[0] or said[:LONGEST]} …"
    return f"{said or code} (trace id {trace})" if trace else said or code
