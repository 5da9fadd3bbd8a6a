"""What every answer carries, and which requests may change something. Pure.

* Nothing from elsewhere, no script or style inside a page, no frame around it (CSP level 3).
* A request that changes something comes from our own page: the browser says so (Sec-Fetch-Site or Origin), and
  the form carries the session's own token. Cookies are ``__Host-``, HttpOnly, Secure and SameSite=Lax: a link in
  a ticket works, a form from elsewhere does not.
* After a log-in one is sent only to a path of ours.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS: Mapping[str, str] = {
    "content-security-policy": CSP,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
"""On every answer, errors too."""

_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/_.,:@%~+-]*(\?[A-Za-z0-9/_.,:@%~+=&-]*)?")


def own_path(text: str) -> str:
    """Return a path of ours to go to, or the first page where it is anything else: no open redirect."""
    return text if len(text) <= 2000 and _PATH.fullmatch(text) else "/"


def from_our_page(headers: Mapping[str, str]) -> bool:
    """Say whether a browser sent this from a page of ours; without either header it is no browser of today."""
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == headers.get("host", "") and origin != "null"
    return True
