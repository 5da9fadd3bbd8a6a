"""What makes a campaign hold by itself is read from the ledger's own stubs."""

from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.app.gauging import FEWEST, WINDOW, Gauging
from counterfoil.credential.waves import Gauges
from counterfoil.database import open_database
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.stubs import stub_at

NOW = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
TENANT = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
def ledger(tmp_path):
    """An empty ledger."""
    engine = open_database(tmp_path / "counterfoil.db")
    made = Ledger(engine)
    yield made
    made.close()
    engine.dispose()


def call(status, at=NOW):
    """The stub of a call and of its answer."""
    return stub_at("call", at, TENANT, app="app", client_request_id="c", method="GET", job="j", status=status)


def test_the_share_of_throttled_calls_is_that_of_the_last_minutes(ledger):
    """A quarter of the answers are 429: 0.25; once the window has passed there is nothing to say."""
    now = [NOW]
    gauging = Gauging(ledger, lambda: now[0])
    ledger.append_all([call(429 if number % 4 == 0 else 200) for number in range(40)])
    ledger.append(call(None))
    assert gauging.read() == Gauges(throttled_share=0.25)
    now[0] = NOW + WINDOW + timedelta(seconds=1)
    assert gauging.read() == Gauges()


def test_a_few_calls_make_no_share(ledger):
    """One throttled call of the first two holds nobody."""
    gauging = Gauging(ledger, lambda: NOW)
    ledger.append_all([call(429)] * (FEWEST - 1))
    assert gauging.read().throttled_share == 0
    ledger.append(call(503))
    assert gauging.read().throttled_share == 1


def test_mail_is_old_until_it_has_a_home(ledger):
    """The age is that of the oldest message without a disposition; what was before counts for nothing."""
    ledger.append(stub_at("message", NOW - timedelta(days=1), id="before", sha256="00", size=1))
    gauging = Gauging(ledger, lambda: NOW)
    ledger.append(stub_at("message", NOW - timedelta(seconds=90), id="one", sha256="00", size=1))
    ledger.append(stub_at("message", NOW - timedelta(seconds=30), id="two", sha256="00", size=1))
    assert gauging.read().oldest_mail == 90
    ledger.append(stub_at("disposition", NOW, id="one", outcome="handed-on"))
    assert gauging.read().oldest_mail == 30
