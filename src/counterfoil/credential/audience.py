"""For whom an assertion may be made: the token endpoint of the tenant, at an authority that we know. Pure.

Without this a thief inside the application could have assertions made for an endpoint of his own.
"""

from typing import Final
from urllib.parse import urlsplit

from counterfoil.model.errors import Refused

MICROSOFT: Final = frozenset(
    {"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}
)
"""The authorities of the public and the national clouds."""


def check_audience(audience: str, tenant: str, authorities: frozenset[str]) -> None:
    """See that the audience is ``https://AUTHORITY/TENANT/oauth2/(v2.0/)token``.

    Raises:
        Refused: If it is anything else.
    """
    try:
        url = urlsplit(audience)
        host = url.netloc.lower()
    except ValueError as error:
        raise Refused(f"{audience!r} is no URL of a token endpoint") from error
    if url.scheme != "https" or host not in authorities:
        raise Refused(
            f"{audience!r} is at no authority that this signer makes assertions for",
            f"it knows {', '.join(sorted(authorities))}; name another with --authority",
        )
    path = [part.lower() for part in url.path.strip("/").split("/")]
    if (
        url.query
        or url.fragment
        or path not in ([tenant.lower(), "oauth2", "v2.0", "token"], [tenant.lower(), "oauth2", "token"])
    ):
        raise Refused(f"{audience!r} is not the token endpoint of the tenant {tenant}")
