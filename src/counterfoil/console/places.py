"""Every page and every deed of the console, with the permission that each needs. Read this first."""

from collections.abc import Callable
from dataclasses import dataclass

from counterfoil.console import deeds, views
from counterfoil.console.deeds import Done, Form
from counterfoil.console.page import Asked, Page
from counterfoil.console.views import Sources
from counterfoil.operators.roles import Permission


@dataclass(frozen=True, slots=True)
class Place:
    """A page: where it is, what one needs to see it, what makes it.

    ``menu`` is its word in the menu; ``live`` says that it is drawn anew as things move. ``permission`` is
    ``None`` where everybody who is logged in may come, and each part looks after itself.
    """

    path: str
    permission: Permission | None
    make: Callable[[Sources, Asked], Page]
    menu: str = ""
    live: bool = False


@dataclass(frozen=True, slots=True)
class Deed:
    """A form's target: where it is, what one needs, what it does."""

    path: str
    permission: Permission
    act: Callable[[Sources, Asked, Form], Done]


P = Permission

PLACES = (
    Place("/", None, views.first, "Overview"),
    Place("/messages", P.SEE_MAIL, views.messages, "Messages"),
    Place("/messages/{id}", P.SEE_MAIL, views.message),
    Place("/quarantine", P.SEE_MAIL, views.held, "Quarantine"),
    Place("/quarantine/{id}", P.SEE_MAIL, views.held_message),
    Place("/tenants", P.SEE_TENANTS, views.all_tenants, "Tenants"),
    Place("/tenants/{name}", P.SEE_TENANTS, views.tenant),
    Place("/credentials", P.SEE_CONNECTIONS, views.credentials, "Credentials"),
    Place("/campaigns", P.SEE_CAMPAIGNS, views.campaigns, "Campaigns"),
    Place("/campaigns/{id}", P.SEE_CAMPAIGNS, views.campaign, live=True),
    Place("/incidents", P.SEE_INCIDENTS, views.incidents, "Incidents"),
    Place("/incidents/{id}", P.SEE_INCIDENTS, views.incident),
    Place("/ledger", P.SEE_LEDGER, views.ledger, "Ledger"),
)

DEEDS = (
    Deed("/quarantine/release", P.RELEASE, deeds.release),
    Deed("/quarantine/delete", P.DELETE, deeds.delete),
    Deed("/quarantine/{id}/text", P.READ_HELD, deeds.read),
    Deed("/campaigns/{id}/hold", P.HOLD, deeds.hold),
    Deed("/campaigns/{id}/resume", P.RESUME, deeds.resume),
    Deed("/ledger/verify", P.VERIFY_LEDGER, deeds.verify),
)
