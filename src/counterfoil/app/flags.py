"""What a person should know of a connection at a glance: flags, from what the books say. Pure.

Each flag is a name of a closed set, with a cause and what to do (``doctor`` prints those).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from counterfoil.app.standing import Standing
from counterfoil.model.trust import Connection, Credential, CredentialState

FLAGS: Mapping[str, tuple[str, str]] = {
    "no-credential": (
        "it has no current credential, so nothing can be done in the tenant",
        "publish its certificate, then: counterfoil connection test TENANT",
    ),
    "expired": (
        "the certificate of its current credential is not valid any more",
        "see that the clock is right; then rotate by hand: counterfoil credential create",
    ),
    "past-half-life": (
        "its current credential is past half of its life",
        "rotate it: counterfoil rotate plan NAME --only TENANT",
    ),
    "shared": (
        "other connections use the same certificate, so one theft opens all of them",
        "move each to a key of its own: counterfoil rotate plan NAME",
    ),
    "tainted": (
        "its current credential is tainted: it was or may have been stolen",
        "rotate: counterfoil rotate plan NAME --compromise --only TENANT",
    ),
    "roles-unknown": (
        "nobody said which permissions it has, so all logs are required of it",
        "see what was granted: counterfoil connection test TENANT",
    ),
}
"""Every flag: its cause, and what to do."""


def flags_of(
    connection: Connection, current: Credential | None, shared: Iterable[str], now: datetime
) -> tuple[str, ...]:
    """Return the flags of a connection; ``shared`` are SHA-256 thumbprints that several connections have."""
    found = [] if connection.roles is not None else ["roles-unknown"]
    if current is None:
        return ("no-credential", *found)
    if not current.not_before <= now < current.not_after:
        found.append("expired")
    elif now >= current.not_before + (current.not_after - current.not_before) / 2:
        found.append("past-half-life")
    if current.thumbprint_sha256 in set(shared):
        found.append("shared")
    if current.state is CredentialState.TAINTED:
        found.append("tainted")
    return tuple(found)


def troubles(duties: Mapping[str, Standing]) -> tuple[tuple[str, Standing], ...]:
    """Return the duties of a connection that need a look."""
    return tuple((name, standing) for name, standing in sorted(duties.items()) if not standing.good)
