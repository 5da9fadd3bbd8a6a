"""How often somebody may try to log in."""

from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.console.throttle import MOST_KEYS, PER_ACCOUNT, PER_ADDRESS, WINDOW, Throttle, network_of

NOW = datetime(2026, 3, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_an_address_waits_after_so_many_tries_and_no_longer():
    """The wait ends exactly when the oldest try leaves the window; tries that had to wait do not prolong it."""
    throttle = Throttle()
    for number in range(PER_ADDRESS):
        assert throttle.wait("192.0.2.1", f"a{number}", NOW + number * SECOND) is None
    for later in (PER_ADDRESS, 100, 500):
        assert throttle.wait("192.0.2.1", "b", NOW + later * SECOND) == WINDOW - later * SECOND
    assert throttle.wait("192.0.2.2", "b", NOW + 500 * SECOND) is None
    assert throttle.wait("192.0.2.1", "b", NOW + WINDOW) is None


def test_an_account_waits_after_tries_from_many_addresses():
    """Many addresses are no way around it."""
    throttle = Throttle()
    for number in range(PER_ACCOUNT):
        assert throttle.wait(f"192.0.2.{number}", "chief", NOW) is None
    assert throttle.wait("198.51.100.1", "chief", NOW) == WINDOW
    assert throttle.wait("198.51.100.1", "other", NOW) is None


def test_a_success_forgives_its_address():
    """Who got in begins anew; the tries of others on the account stay counted."""
    throttle = Throttle()
    for _ in range(PER_ADDRESS):
        throttle.wait("192.0.2.1", "chief", NOW)
    throttle.forgive("192.0.2.1", "chief")
    assert throttle.wait("192.0.2.1", "chief", NOW) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
    ],
)
def test_a_subscriber_is_one_address(one: str, other: str, same: bool):
    """An IPv6 subscriber has a whole /64 to try from."""
    assert (network_of(one) == network_of(other)) is same


def test_memory_has_an_end():
    """However many addresses there are, so many are remembered."""
    throttle = Throttle()
    for number in range(MOST_KEYS):
        throttle.wait(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"n{number}", NOW)
    assert len(throttle._tries) == MOST_KEYS
