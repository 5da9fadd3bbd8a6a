"""What works on in a tenant without a key: named in exact words, for the end of a campaign and for each pull.

Subscriptions, since we make none ourselves; after a compromise also consents beyond what we asked for, inbox rules
that the old credential may have made, and import sessions, which nobody can list.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from counterfoil.credential.campaign import Pace, Place, token_may_live_until
from counterfoil.credential.rotation import Kind
from counterfoil.model.instant import rfc3339
from counterfoil.model.trust import Connection, Job
from counterfoil.tenant import grants
from counterfoil.tenant.door import CallRefused, Door
from counterfoil.tenant.registration import Registration
from counterfoil.tenant.rules import lacking, list_rules, makers, shown
from counterfoil.tenant.token import Tokens

IMPORTS = "MailboxItem.ImportExport.All"
POWERSHELL = "Exchange.ManageAsApp"
SUBSCRIPTION, SESSIONS = "subscription ", "import sessions "
"""How the words of those begin that nobody can accept."""

UNKNOWN_ROLES = "permissions that nobody wrote down"


def announced(registration: Registration, job: Job) -> Iterator[str]:
    """Name the change notifications of this connection's application."""
    for entry in registration.subscriptions(job):
        yield f"{SUBSCRIPTION}{shown(str(entry['id']))} to {shown(str(entry.get('notificationUrl')))}"


def unasked(granted: Iterable[str], connection: Connection) -> Iterator[str]:
    """Name the permissions that were granted and that we did not ask for; none where nobody knows what we asked for."""
    if connection.roles is not None:
        for role in sorted(set(granted) - set(connection.roles)):
            yield f"a consent to {shown(role)} that we did not ask for"


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Looks for them in one tenant, with the tokens of the new credential."""

    connection: Connection
    tokens: Tokens
    pace: Pace

    def named(self, place: Place, job: Job, now: datetime) -> tuple[str, ...]:
        """Name what is left, each thing in the same words at every look."""
        door = Door(self.tokens)
        left = [*announced(Registration(door, self.connection), job)]
        if place.kind is Kind.COMPROMISE:
            held = grants.by_use(self.tokens, job)
            left += [*unasked(held, self.connection), *self._rules(door, held, job), *self._sessions(place, now)]
        return tuple(left)

    def _rules(self, door: Door, held: frozenset[str], job: Job) -> Iterator[str]:
        """Name the rules that the old credential may have made, or that they cannot be listed."""
        roles = held | set(self.connection.roles or ())
        by = makers(roles)
        if not by and self.connection.roles is not None:
            return
        who = f"{' or '.join(by) or UNKNOWN_ROLES} may have"
        if wanting := lacking(roles):
            yield f"inbox rules that {who} made: they cannot be listed without {' and '.join(wanting)}"
        else:
            try:
                yield from list_rules(door, job).words
            except CallRefused as error:
                # The code alone: what else the answer says is another at each look.
                yield f"inbox rules that {who} made: Microsoft 365 refuses the list ({shown(error.code)})"
        if POWERSHELL in by:
            yield f"forwarding and transport rules that {POWERSHELL} may have set: no call of Graph lists those"

    def _sessions(self, place: Place, now: datetime) -> Iterator[str]:
        """Name import sessions until the last that an old token may have opened has ended."""
        roles, until = self.connection.roles, token_may_live_until(place, self.pace)
        if until is None or (roles is not None and IMPORTS not in roles):
            return
        if now < until + self.pace.import_session_life:
            ends = rfc3339(until + self.pace.import_session_life)
            yield f"{SESSIONS}that an old token may have opened, until {ends}: none can be listed"


def may_list_rules(connection: Connection) -> bool:
    """Say whether a connection could make inbox rules and may list those of all mailboxes."""
    roles = connection.roles or ()
    return bool(makers(roles)) and not lacking(roles)
