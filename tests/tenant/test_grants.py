"""What was granted, asked for service by service: what a refusal means, and what is asked again."""

from types import SimpleNamespace

import pytest

from counterfoil.tenant import grants
from counterfoil.tenant.endpoints import EXCHANGE, GRAPH, MANAGEMENT
from counterfoil.tenant.token import TokenRefused

ROLES = {GRAPH: ("Mail.Read",), EXCHANGE: ("full_access_as_app",), MANAGEMENT: ("ActivityFeed.Read",)}


class Script:
    """A token service that refuses as it is told, and notes what it was asked and how long one waited."""

    def __init__(self, *refusals):
        self.refusals, self.asked, self.paused = list(refusals), [], []
        self.means = SimpleNamespace(pause=self.paused.append)

    def token(self, audience, job):
        """Refuse if the next refusal is for this service, or give a token with its role."""
        self.asked.append(audience)
        if self.refusals and self.refusals[0][0] == audience:
            raise TokenRefused(self.refusals.pop(0)[1], "no", None)
        return SimpleNamespace(roles=ROLES[audience])


def test_every_service_is_asked():
    """Nothing is wanted of Exchange, and what was granted there is found."""
    service = Script()
    assert grants.by_use(service, None) == {"Mail.Read", "full_access_as_app", "ActivityFeed.Read"}
    assert (service.asked, service.paused) == ([GRAPH, EXCHANGE, MANAGEMENT], [])


def test_a_service_that_the_tenant_does_not_have_grants_nothing():
    """AADSTS500011 for Exchange is no fault of the connection."""
    assert grants.by_use(Script((EXCHANGE, "AADSTS500011")), None) == {"Mail.Read", "ActivityFeed.Read"}


def test_a_token_server_that_lags_behind_is_asked_again():
    """Graph knew the key; the next server does not yet, and does after two pauses."""
    service = Script(*[(MANAGEMENT, "AADSTS700027")] * 2)
    assert grants.by_use(service, None) == {"Mail.Read", "full_access_as_app", "ActivityFeed.Read"}
    assert service.paused == [0.5, 1.0]


@pytest.mark.parametrize(
    ("refusals", "code", "pauses"),
    [
        ([(GRAPH, "AADSTS700027")], "AADSTS700027", 0),
        ([(EXCHANGE, "AADSTS53003")], "AADSTS53003", 0),
        ([(EXCHANGE, "AADSTS700027")] * 5, "AADSTS700027", 4),
    ],
)
def test_any_other_refusal_is_one(refusals, code, pauses):
    """A key that Graph does not know, a policy, and a key that nobody comes to know are told as they are."""
    service = Script(*refusals)
    with pytest.raises(TokenRefused) as caught:
        grants.by_use(service, None)
    assert (caught.value.code, len(service.paused)) == (code, pauses)
