"""Plans and operators' words, on registers alone: who is in a campaign, who is not and why, and who joins it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from counterfoil import clock
from counterfoil.app.campaigning import CONTROL, Wanted, make_plan, see_somebody, still_by_hand
from counterfoil.app.commanding import tell_all
from counterfoil.app.driving import joiners
from counterfoil.credential import registry
from counterfoil.credential.campaigns import Campaigns, Why
from counterfoil.credential.rotation import Kind, Move, Observation, State, Step
from counterfoil.database import open_database
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.rows import microseconds
from counterfoil.model.errors import Refused
from counterfoil.model.trust import Connection, CredentialState
from counterfoil.tenant.registry import Connections

NOW = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
SHARED = "AB" * 32


@dataclass
class Shelf:
    """The registers; credentials are rows alone, for nobody signs here."""

    ledger: Ledger
    connections: Connections

    def enter(self, name, *, control=True, mark=None, current=True):
        """Enter a tenant with a mail application, and with a control application unless it is by hand."""
        if control:
            self._application(name, "control", (CONTROL,), f"{name}-control", current=True)
        return self._application(name, "mail", ("Mail.ReadWrite",), mark or f"{name}-1", current=current)

    def _application(self, name, app, roles, mark, *, current):
        connection = Connection(name, f"id-{name}", f"{name}-{app}", "object", "principal", roles)
        self.connections.add(connection, NOW, "test")
        self.key(connection, 1, mark, CredentialState.CURRENT)
        if current:
            self.choose(connection, 1)
        return connection

    def key(self, connection, generation, mark, state):
        """Write down a credential."""
        row = {"credential": f"{connection.tenant_id}/{connection.app}/{generation}", "tenant": connection.tenant_id}
        row |= {"app": connection.app, "generation": generation, "state": state.value, "key": "k", "place": "file"}
        row |= {"thumbprint_sha256": mark.upper(), "thumbprint_sha1": f"SHA1 {mark}".upper(), "certificate": b""}
        row |= {"not_before": microseconds(NOW), "not_after": microseconds(NOW + timedelta(days=90)), "marked": 0}
        with self.ledger.engine.begin() as writing:
            writing.execute(sa.insert(registry.credentials).values(**row))

    def choose(self, connection, generation):
        """Make a credential current."""
        name = f"{connection.tenant_id}/{connection.app}/{generation}"
        assert self.connections.make_current(registry.find(self.ledger.engine, name), 0, NOW, "test")

    def plan(self, *marks, kind=Kind.ROUTINE, **wish):
        """Plan a campaign."""
        return make_plan(self, "c1", kind, Wanted(marks, **wish), now=NOW, actor="test")

    def opened(self, plan):
        """Write a plan down as a campaign; return it as it is read back."""
        Campaigns(self.ledger).open(plan.campaign, plan.places)
        return Campaigns(self.ledger).campaign(plan.campaign.id)


def stem(connection):
    """As the signer names it."""
    return f"{connection.tenant_id}/{connection.app}"


@pytest.fixture
def shelf(tmp_path):
    """Empty registers."""
    engine = open_database(tmp_path / "counterfoil.db")
    ledger = Ledger(engine)
    yield Shelf(ledger, Connections(ledger))
    ledger.close()
    engine.dispose()


def test_our_own_test_tenant_is_the_first_wave(shelf):
    """The configured tenant comes before the first single one; one that there is not is refused by name."""
    for name in ("alpha", "beta", "ours"):
        shelf.enter(name)
    plan = shelf.plan(own_test="ours")
    assert [[plan.names[one] for one in wave] for wave in plan.campaign.waves] == [["ours"], ["alpha"], ["beta"]]
    with pytest.raises(Refused, match="there is no connection of theirs"):
        shelf.plan(own_test="theirs")


def test_one_mistyped_certificate_among_several_is_refused(shelf):
    """A campaign that would silently leave out who was meant is not planned."""
    shelf.enter("alpha", mark="AA")
    shelf.enter("beta", mark="BB")
    assert len(shelf.plan("AA", "BB").places) == 2
    with pytest.raises(Refused, match="nobody has the certificate BC in use"):
        shelf.plan("AA", "BC")


def test_a_certificate_that_is_tainted_already_names_its_connection(shelf):
    """After an emergency cut-over to a standby the stolen one is not in use, and is proven dead by its thumbprint."""
    mail = shelf.enter("alpha")
    shelf.key(mail, 2, "STANDBY", CredentialState.CURRENT)
    shelf.choose(mail, 2)
    change = sa.update(registry.credentials).where(registry.credentials.c.credential == f"{stem(mail)}/1")
    with shelf.ledger.engine.begin() as writing:
        writing.execute(change.values(state=CredentialState.TAINTED.value))
    (place,) = shelf.plan("ALPHA-1", kind=Kind.COMPROMISE).places
    assert place.old == ("STANDBY", "ALPHA-1")
    assert place.label == f"{stem(mail)}/3"


def test_who_has_no_control_application_is_passed_over_and_stays_named(shelf):
    """The plan says so, the campaign remembers it, and it is told until another credential is in use there."""
    shelf.enter("alpha", mark=SHARED)
    by_hand = shelf.enter("beta", mark=SHARED, control=False)
    plan = shelf.plan(SHARED, kind=Kind.COMPROMISE)
    assert [place.tenant.partition("/")[0] for place in plan.places] == ["id-alpha"]
    assert plan.words()[-2] == "cannot be rotated by us, no control application: beta"
    assert "give them one" in plan.words()[-1]
    campaign = shelf.opened(plan)
    assert still_by_hand(shelf, campaign) == ["beta"]
    shelf.key(by_hand, 2, "NEW", CredentialState.CURRENT)
    shelf.choose(by_hand, 2)
    assert still_by_hand(shelf, campaign) == []


def test_a_campaign_of_nobody_is_none(shelf):
    """Where everybody has to do it by hand, nothing is begun that would be done at once."""
    shelf.enter("alpha", control=False)
    plan = shelf.plan()
    assert plan.left(Why.BY_HAND) == ("alpha",)
    with pytest.raises(Refused, match="nobody here can be rotated by us, no control application: alpha"):
        see_somebody(plan)
    with pytest.raises(Refused, match="no connection fits"):
        shelf.plan(spared=("alpha",))


@pytest.mark.parametrize("wish", [{"spared": ("beta",)}, {"tenants": ("alpha",)}])
def test_who_was_left_out_does_not_join(shelf, wish):
    """With the same certificate and --except or --only, a tenant stays out, and the plan says what that means."""
    shelf.enter("alpha", mark=SHARED)
    shelf.enter("beta", mark=SHARED)
    plan = shelf.plan(SHARED, **wish)
    assert "goes on with the same certificate, not chosen: beta" in plan.words()
    campaign = shelf.opened(plan)
    assert joiners(shelf)(campaign, Campaigns(shelf.ledger).places("c1")) == []


def test_who_is_entered_first_and_tested_later_joins(shelf):
    """A connection that has no credential in use when it is entered gets its place as soon as it has."""
    shelf.enter("alpha", mark=SHARED)
    campaign, find = shelf.opened(shelf.plan(SHARED)), joiners(shelf)
    places = Campaigns(shelf.ledger).places("c1")
    late = shelf.enter("beta", mark=SHARED, current=False)
    shelf.enter("gamma", mark="ANOTHER")
    assert find(campaign, places) == []
    shelf.choose(late, 1)
    (joined,) = find(campaign, places)
    assert (joined.tenant, joined.old) == (stem(late), (SHARED,))


def test_planning_takes_as_many_queries_for_many_as_for_few(shelf):
    """Registers are read once, not once a tenant."""
    counts = []

    def asked(*_):
        counts[-1] += 1

    sa.event.listen(shelf.ledger.engine, "before_cursor_execute", asked)
    for names in (("a", "b"), tuple(f"t{number}" for number in range(20))):
        counts.append(0)
        for name in names:
            shelf.enter(name)
        counts[-1] = 0
        shelf.plan("A-1")
        shelf.plan()
    assert counts[0] == counts[1]


def test_a_word_reaches_everybody_who_can_take_it(shelf):
    """On the way back one that is past it and one that a worker has are named, and keep nobody else."""
    for name in ("alpha", "beta", "gamma"):
        shelf.enter(name)
    shelf.opened(shelf.plan())
    campaigns = Campaigns(shelf.ledger)
    alpha, beta, gamma = campaigns.places("c1").values()
    past = campaigns.lease(alpha, clock.now())
    campaigns.save(replace(past, here=Move(State.RETIRING, Step.RETIRE)), clock.now())
    campaigns.lease(beta, clock.now())
    told = tell_all(shelf.ledger, "c1", Observation.ROLL_BACK, lambda _: True, patience=0)
    assert (told.took, told.busy) == ((gamma.tenant,), (beta.tenant,))
    assert "has no way back" in told.cannot[alpha.tenant]
    states = {place.tenant: place.state for place in campaigns.places("c1").values()}
    assert states == {
        alpha.tenant: State.RETIRING,
        beta.tenant: State.STAGED,
        gamma.tenant: State.ROLLING_BACK,
    }
