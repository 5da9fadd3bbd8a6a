"""Errors of the token service: texts, codes and HTTP statuses (Microsoft Entra, AADSTS error codes).

Where the reference knows no real text, the text here is in its spirit; a program may rely on ``error``
and the codes only, as with Microsoft's.
"""

import json

from counterfoil.lab.faults import Struck
from counterfoil.lab.spelling import american, spaced, utc
from counterfoil.lab.wire import Reply

_STATUS = {"invalid_client": 401}
"""All others are 400."""

_TAIL = "Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id"
_REVIEW = (
    "Review the documentation at "
    "https://learn.microsoft.com/entra/identity-platform/certificate-credentials to correct the issue."
)


class TokenError(Exception):
    """A token is refused.

    Args:
        code: The AADSTS number.
        error: The OAuth error (RFC 6749 section 5.2).
        text: The description without its number and tail.
        key_id: The registered key that was meant, where that is known.
        thumbprint: SHA-1 of the certificate that was named, upper-case hex.
    """

    def __init__(self, code: int, error: str, text: str, *, key_id: str = "", thumbprint: str = "") -> None:
        super().__init__(f"AADSTS{code}: {text}")
        self.code = code
        self.error = error
        self.text = text
        self.key_id = key_id
        self.thumbprint = thumbprint


UMBRELLA = 50012
_SHELTERED = frozenset({700021, 700023, 700024, 700027})


def umbrella(error: TokenError) -> TokenError:
    """Spell what is wrong with an assertion as was done of old: one code for all of it, the text as it is."""
    if error.code not in _SHELTERED:
        return error
    return TokenError(UMBRELLA, error.error, error.text, key_id=error.key_id, thumbprint=error.thumbprint)


def error_reply(error: TokenError, trace_id: str, correlation_id: str, now: float) -> Reply:
    """Make the answer; ``trace_id`` is the request id of the sign-in."""
    stamp = spaced(now)
    document = {
        "error": error.error,
        "error_description": f"AADSTS{error.code}: {error.text} Trace ID: {trace_id} "
        f"Correlation ID: {correlation_id} Timestamp: {stamp}",
        "error_codes": [error.code],
        "timestamp": stamp,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
        "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
    }
    body = json.dumps(document).encode()
    return Reply(_STATUS.get(error.error, 400), body, {"Content-Type": "application/json; charset=utf-8"})


def struck_reply(struck: Struck, trace_id: str, correlation_id: str, now: float) -> Reply:
    """Make the answer of a service that is busy or broken; a program tries again later."""
    error = TokenError(struck.code, "temporarily_unavailable", struck.text)
    reply = error_reply(error, trace_id, correlation_id, now)
    reply.status, reply.delay = struck.status, struck.delay
    reply.headers |= struck.headers
    return reply


def tenant_not_found(segment: str) -> TokenError:
    """The URL names no tenant."""
    return TokenError(
        90002,
        "invalid_request",
        f"Tenant '{segment}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    )


def missing_parameter(name: str) -> TokenError:
    """The form lacks a field."""
    return TokenError(900144, "invalid_request", f"The request body must contain the following parameter: '{name}'.")


def not_in_directory(app_id: str, tenant: str) -> TokenError:
    """Nobody knows this client id, or it is another tenant's own."""
    return TokenError(
        700016,
        "unauthorized_client",
        f"Application with identifier '{app_id}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant.",
    )


def no_principal(app_id: str, tenant: str) -> TokenError:
    """A multi-tenant application to which this tenant has not consented, or whose enterprise app it deleted."""
    return TokenError(
        7000229,
        "invalid_client",
        f"The client application {app_id} is missing service principal in the tenant {tenant}. "
        "See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119",
    )


def disabled(app_id: str, name: str) -> TokenError:
    """The service principal is switched off."""
    return TokenError(7000112, "unauthorized_client", f"Application '{app_id}'({name}) is disabled.")


def key_not_found(thumbprint: str, app_id: str) -> TokenError:
    """No registered key has this thumbprint: nothing could be verified."""
    return TokenError(
        700027,
        "invalid_client",
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        f"[Reason - The key was not found., Thumbprint of key used by client: '{thumbprint}', {_TAIL} '{app_id}'. "
        f"{_REVIEW}]",
        thumbprint=thumbprint,
    )


def key_expired(thumbprint: str, app_id: str, key_id: str, start: float, end: float) -> TokenError:
    """The key is registered and past its end."""
    return TokenError(
        700027,
        "invalid_client",
        "Client assertion contains an invalid signature. [Reason - The key used is expired., Thumbprint of key used by "
        f"client: '{thumbprint}', Found key 'Start={american(start)}, End={american(end)}', {_TAIL} '{app_id}'. "
        f"{_REVIEW}]",
        key_id=key_id,
        thumbprint=thumbprint,
    )


def signature_wrong(thumbprint: str, app_id: str, key_id: str, start: float, end: float) -> TokenError:
    """The key is registered, and did not make this signature."""
    return TokenError(
        700027,
        "invalid_client",
        "Client assertion contains an invalid signature. [Reason - The key was found, but use of the key to verify the "
        f"signature failed., Thumbprint of key used by client: '{thumbprint}', Found key 'Start={american(start)}, "
        f"End={american(end)}', {_TAIL} '{app_id}'. {_REVIEW}]",
        key_id=key_id,
        thumbprint=thumbprint,
    )


def subject_not_allowed(names: list[str]) -> TokenError:
    """The certificate is of the right issuer, and has a name that may not stand for the application."""
    return TokenError(
        700030,
        "invalid_client",
        "Invalid certificate - subject name in certificate is not authorized. SubjectNames/SubjectAlternativeNames "
        f"(up to 10) in token certificate are: {', '.join(names[:10])}.",
    )


def public_client() -> TokenError:
    """A client without credentials presented one."""
    return TokenError(
        700025,
        "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    )


def no_credential() -> TokenError:
    """Another grant than client credentials, of a confidential client, without a credential."""
    return TokenError(
        7000218,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    )


def outside_time(now: float, start: float, end: float) -> TokenError:
    """The assertion is not valid yet, or no longer."""
    stamps = [utc(at).strftime("%Y-%m-%dT%H:%M:%S.%f0Z") for at in (now, start, end)]
    return TokenError(
        700024,
        "invalid_client",
        f"Client assertion is not within its valid time range. Current time: {stamps[0]}, assertion valid from "
        f"{stamps[1]}, expiry time of assertion {stamps[2]}. {_REVIEW}",
    )


def resource_not_found(resource: str, tenant: str) -> TokenError:
    """There is no such API here."""
    return TokenError(
        500011,
        "invalid_resource",
        f"The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You might have sent your authentication request to the wrong tenant.",
    )


def bad_scope(scope: str) -> TokenError:
    """Not ``<resource>/.default``."""
    return TokenError(
        70011,
        "invalid_scope",
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        f"'scope' is not valid. The scope {scope} is not valid.",
    )


def several_resources(scope: str) -> TokenError:
    """A token is for one resource."""
    return TokenError(
        700022,
        "invalid_scope",
        f"The provided value for the input parameter scope '{scope}' is not valid because it contains more than one "
        "resource.",
    )
