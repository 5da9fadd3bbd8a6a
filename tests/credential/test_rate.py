"""The token bucket of each credential."""

from datetime import timedelta

import pytest

from counterfoil.credential.rate import Rate
from counterfoil.model.errors import Unavailable
from tests.credential.conftest import NOW


def test_a_burst_and_then_one_each_interval():
    """Sixty a minute with a burst of three: three at once, then one a second."""
    rate = Rate(60, 3)
    for _ in range(3):
        rate.spend("c", NOW)
    with pytest.raises(Unavailable, match="signs too often") as caught:
        rate.spend("c", NOW)
    assert caught.value.hint == "try again in 1.0 s"
    rate.spend("c", NOW + timedelta(seconds=1))


def test_each_credential_has_a_bucket_of_its_own():
    """One tenant's storm does not stop another."""
    rate = Rate(60, 1)
    rate.spend("one", NOW)
    rate.spend("other", NOW)


def test_a_clock_set_back_refills_nothing():
    """Time that runs backwards neither refills nor raises."""
    rate = Rate(60, 1)
    rate.spend("c", NOW)
    with pytest.raises(Unavailable):
        rate.spend("c", NOW - timedelta(days=1))
