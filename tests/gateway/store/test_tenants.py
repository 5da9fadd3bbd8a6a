"""The register of tenants: one domain one tenant, one proof one tenant, and a stub for every change."""

import pytest
from tests.gateway.store.conftest import BY, DECISION, RAW, Store, received, scan

from counterfoil.gateway.routing import Client, NextHop, Tls
from counterfoil.gateway.store.tenants import Domain, Sender, secret_hash
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Direction

HOP = NextHop("mx.acme.test", 25, Tls.VERIFY)


@pytest.fixture
def two(store: Store) -> Store:
    """A store with two tenants, of which one has a domain."""
    store.tenants.add("acme", "Acme Ltd", BY)
    store.tenants.add("beta", "", BY)
    store.tenants.set_domain(Domain("acme.test", "acme", HOP), BY)
    return store


def test_a_tenant_is_told_as_it_was_added(two: Store):
    """Name, display name, domain and next hop come back."""
    acme = two.tenants.one("acme")
    assert (acme.name, acme.display, acme.domains) == ("acme", "Acme Ltd", (Domain("acme.test", "acme", HOP),))
    assert [tenant.name for tenant in two.tenants.all()] == ["acme", "beta"]


def test_every_change_leaves_a_stub(two: Store):
    """Each change is an action of a named operator in the ledger."""
    two.tenants.remove_domain("acme", "acme.test", BY)
    did = [(body["actor"], body["action"], body["subject"]) for body in two.stubs("action")]
    assert did == [
        ("anna", "tenant-add", "acme"),
        ("anna", "tenant-add", "beta"),
        ("anna", "domain-set", "acme"),
        ("anna", "domain-remove", "acme"),
    ]


def test_a_refused_change_leaves_nothing(two: Store):
    """A change that is refused writes neither row nor stub."""
    before = two.ledger.size()
    with pytest.raises(Refused, match="there is a tenant acme already"):
        two.tenants.add("acme", "again", BY)
    assert two.ledger.size() == before
    assert two.tenants.one("acme").display == "Acme Ltd"


def test_a_tenant_whose_domain_is_taken_was_never_there(two: Store):
    """With a first domain a tenant is added in one step: refused, it leaves no row, and no deed that nobody did."""
    before = two.ledger.size()
    with pytest.raises(Refused, match=r"the domain acme\.test is taken"):
        two.tenants.add("other", "", BY, Domain("acme.test", "other", HOP))
    assert two.ledger.size() == before
    assert [tenant.name for tenant in two.tenants.all()] == ["acme", "beta"]
    two.tenants.add("other", "", BY, Domain("other.test", "other", HOP))
    assert [body["action"] for body in two.stubs("action")][-2:] == ["tenant-add", "domain-set"]
    assert two.tenants.one("other").domains == (Domain("other.test", "other", HOP),)


def test_a_domain_is_one_tenants_only(two: Store):
    """A second tenant cannot take a domain, and is not told whose it is."""
    with pytest.raises(Refused, match=r"the domain acme\.test is taken") as refusal:
        two.tenants.set_domain(Domain("acme.test", "beta", HOP), BY)
    assert "acme " not in refusal.value.message


async def test_a_changed_next_hop_holds_at_once(two: Store):
    """The directory answers with the next hop of this moment, in any case of letters."""
    other = NextHop("::1", 2525, Tls.NONE)
    two.tenants.set_domain(Domain("acme.test", "acme", other), BY)
    route = await two.directory.route("Ann@ACME.test")
    assert route is not None
    assert (route.tenant, route.next_hop) == ("acme", other)


@pytest.mark.parametrize("address", ["ann@sub.acme.test", "ann@acme", "ann", "", "ann@", "ann@acme.test.evil.test"])
async def test_others_domains_have_no_route(two: Store, address: str):
    """Only the very domain has a route: no subdomain, no suffix, no fragment. This is what makes us no open relay."""
    assert await two.directory.route(address) is None


async def test_the_policy_is_part_of_the_route(two: Store):
    """A policy that was set is what the next message is judged by."""
    two.tenants.set_policy("acme", {"hold_days": 3}, BY)
    route = await two.directory.route("ann@acme.test")
    assert route is not None
    assert route.policy == {"hold_days": 3}


async def test_a_secret_names_its_tenant(two: Store):
    """The digest of a tenant's secret leads to that tenant; the secret itself is nowhere in the database."""
    secret = two.tenants.new_secret("acme", BY)
    account = await two.directory.secret(bytes.fromhex(secret_hash(secret)))
    assert account is not None
    assert (account.tenant, account.domains) == ("acme", frozenset({"acme.test"}))
    assert account.secrets == (bytes.fromhex(secret_hash(secret)),)
    assert await two.directory.secret(bytes.fromhex(secret_hash("guess"))) is None
    assert secret not in str(two.tenants.one("acme"))


async def test_a_range_names_its_tenant(two: Store):
    """An address inside a tenant's range is its own, also when written as IPv4 in IPv6; others are nobody's."""
    two.tenants.add_sender(Sender("range", "192.0.2.0/28", "acme"), BY)
    inside = await two.directory.host(Client("192.0.2.7", Direction.OUTBOUND))
    mapped = await two.directory.host(Client("::ffff:192.0.2.7", Direction.OUTBOUND))
    assert inside is not None
    assert mapped == inside
    assert inside.tenant == "acme"
    assert await two.directory.host(Client("192.0.2.16", Direction.OUTBOUND)) is None


async def test_range_and_certificate_of_two_tenants_prove_neither(two: Store):
    """A host in one tenant's range with another tenant's certificate is nobody's."""
    two.tenants.add_sender(Sender("range", "192.0.2.0/28", "acme"), BY)
    two.tenants.add_sender(Sender("certificate", "mail.beta.test", "beta"), BY)
    both = Client("192.0.2.7", Direction.OUTBOUND, certificates=("mail.beta.test",))
    assert await two.directory.host(both) is None
    alone = await two.directory.host(Client("198.51.100.1", Direction.OUTBOUND, certificates=("mail.beta.test",)))
    assert alone is not None
    assert alone.tenant == "beta"


@pytest.mark.parametrize("other", ["192.0.2.0/28", "192.0.2.4/32", "192.0.2.0/24"])
def test_overlapping_ranges_are_refused(two: Store, other: str):
    """A range that overlaps one that is taken would prove two tenants at once."""
    two.tenants.add_sender(Sender("range", "192.0.2.0/28", "acme"), BY)
    with pytest.raises(Refused, match=r"the range .* is taken"):
        two.tenants.add_sender(Sender("range", other, "beta"), BY)


async def test_a_removed_proof_proves_nothing(two: Store):
    """What is taken away stops counting with the next message; another tenant cannot take it away."""
    proof = Sender("range", "192.0.2.0/28", "acme")
    two.tenants.add_sender(proof, BY)
    with pytest.raises(Refused, match="beta has no range"):
        two.tenants.remove_sender(Sender("range", "192.0.2.0/28", "beta"), BY)
    two.tenants.remove_sender(proof, BY)
    assert await two.directory.host(Client("192.0.2.7", Direction.OUTBOUND)) is None


async def test_a_removed_tenant_takes_its_routes_with_it(two: Store):
    """After the removal nothing is accepted for its domains, and the domain is free again."""
    two.tenants.new_secret("acme", BY)
    two.tenants.remove("acme", BY)
    assert await two.directory.route("ann@acme.test") is None
    two.tenants.set_domain(Domain("acme.test", "beta", HOP), BY)


async def test_a_tenant_with_held_messages_stays(two: Store):
    """Removing a tenant never makes held messages unreachable."""
    message = received("m1")
    await two.journal.intent(message)
    await two.journal.hold(message, RAW, scan(), DECISION)
    with pytest.raises(Refused, match="1 message of acme is held"):
        two.tenants.remove("acme", BY)


@pytest.mark.parametrize("name", ["nobody", "'; DROP TABLE tenants; --"])
def test_unknown_tenants_are_refused(two: Store, name: str):
    """Nothing can be given to a tenant that is not there."""
    with pytest.raises(Refused, match="there is no tenant"):
        two.tenants.set_policy(name, {}, BY)
