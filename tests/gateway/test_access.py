import pytest

from counterfoil.gateway.access import Access, AccessLimits, network


def test_connections_are_counted_in_and_out():
    """A place that is left can be taken again."""
    access = Access(AccessLimits(connections=3, connections_per_client=2))
    assert access.enter("192.0.2.1") is None
    assert access.enter("192.0.2.1") is None
    assert str(access.enter("192.0.2.1")) == "421 4.7.0 too many connections from your address"
    assert access.enter("192.0.2.2") is None
    assert str(access.enter("192.0.2.3")) == "421 4.3.2 too many connections; come again later"
    access.leave("192.0.2.1")
    assert access.enter("192.0.2.3") is None


def test_messages_flow_back_evenly():
    """Of 60 messages a minute one is allowed again after a second; other addresses are not concerned."""
    access = Access(AccessLimits(messages_per_minute=60))
    assert [access.message("192.0.2.1", 0.0) for _ in range(60)] == [None] * 60
    assert str(access.message("192.0.2.1", 0.5)) == "451 4.7.1 too many messages from your address; come again later"
    assert access.message("192.0.2.2", 0.5) is None
    assert access.message("192.0.2.1", 1.6) is None


def test_octets_of_all_messages_are_bounded():
    """Above the bound there is no room, until what was held is dropped."""
    access = Access(AccessLimits(octets=100))
    assert access.hold(60)
    assert not access.hold(60)
    access.drop(60)
    access.drop(60)
    assert access.hold(100)


def test_addresses_are_forgotten():
    """What was counted of many addresses does not grow for ever."""
    access = Access(AccessLimits())
    for number in range(10_001):
        access.message(f"client-{number}", 0.0)
    access.message("another", 100.0)
    assert len(access._messages) == 1


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("", ""),
    ],
)
def test_what_a_client_is_counted_by(address, counted):
    """An IPv6 client has a whole /64 to come from, so it is counted by that."""
    assert network(address) == counted
