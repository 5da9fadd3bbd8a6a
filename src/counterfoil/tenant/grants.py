"""What was granted to a connection: by use, as its tokens say, and by what the tenant lists."""

from counterfoil.model.trust import Job
from counterfoil.tenant.endpoints import EXCHANGE, GRAPH, MANAGEMENT
from counterfoil.tenant.known_permissions import KNOWN, name_of
from counterfoil.tenant.registration import Registration
from counterfoil.tenant.token import TokenRefused, Tokens

NO_SUCH_RESOURCE = "AADSTS500011"
"""The tenant does not have this service at all, so nothing of it can have been granted."""
NOT_HEARD_OF = "AADSTS700027"
PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between tries; what is published has reached every token server after 4 to 18, mostly."""


def by_use(tokens: Tokens, job: Job) -> frozenset[str]:
    """Ask for a token for each resource through which mail and logs are reached, and return the roles in them.

    Each of them is asked, wanted or not: what was granted too much is rarely where it is expected.

    Raises:
        TokenRefused: If the token service says no.
        Unavailable: If no answer came.
    """
    held = set(tokens.token(GRAPH, job).roles)
    return frozenset(held.union(_roles(tokens, EXCHANGE, job), _roles(tokens, MANAGEMENT, job)))


def _roles(tokens: Tokens, audience: str, job: Job) -> tuple[str, ...]:
    """Ask for one more; where Graph's was given, a key that is not known meets a server that has not heard of it."""
    for pause in (*PAUSES, None):
        try:
            return tokens.token(audience, job).roles
        except TokenRefused as error:
            if error.code == NO_SUCH_RESOURCE:
                return ()
            if error.code != NOT_HEARD_OF or pause is None:
                raise
            tokens.means.pause(pause)
    return ()


def by_listing(registration: Registration, job: Job) -> frozenset[str]:
    """Return the name of every permission that the tenant lists, those of other resources with their resource.

    Raises:
        CallRefused: If the connection may not look.
    """
    return frozenset(_named(entry) for entry in registration.grants(job))


def _named(entry: dict[str, object]) -> str:
    name = name_of(str(entry.get("appRoleId")))
    return name if name in KNOWN else f"{name} of {entry.get('resourceDisplayName') or entry.get('resourceId')}"
