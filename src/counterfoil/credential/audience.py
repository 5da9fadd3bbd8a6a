"""For whom an assertion may be made: the token endpoint of the tenant, at an authority that we know. Pure.

Without this a thief inside the application could have assertions made for an endpoint of his own.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from counterfoil.model.errors import Misconfigured, Refused

MICROSOFT: Final = frozenset(
    {"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}
)
"""The authorities of the public and the national clouds."""

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


def authority(text: str) -> str:
    """Read a further authority: ``HOST``, ``HOST:PORT``, or the URL of either, which is how others print it.

    Raises:
        Misconfigured: If it is anything else; it would never match.
    """
    spelt = text.strip().lower()
    try:
        url = urlsplit(spelt if "://" in spelt else f"https://{spelt}")
        host = url.netloc if url.hostname and (url.port is None or url.port) else ""
    except ValueError:
        host = ""
    bare = url.path in {"", "/"} and not (url.query or url.fragment or url.username or url.password) if host else False
    if not bare or url.scheme != "https" or _HOST.fullmatch(host) is None:
        raise Misconfigured(f"{text!r} is no token authority", "say its host, such as --authority localhost:44473")
    return host


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
            f"it knows {', '.join(sorted(authorities))}; to know another: counterfoil signer --authority HOST",
        )
    path = [part.lower() for part in url.path.strip("/").split("/")]
    if (
        url.query
        or url.fragment
        or path not in ([tenant.lower(), "oauth2", "v2.0", "token"], [tenant.lower(), "oauth2", "token"])
    ):
        raise Refused(f"{audience!r} is not the token endpoint of the tenant {tenant}")
