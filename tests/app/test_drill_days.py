"""The days before the drill: they are over when it begins, and the thief had been somewhere."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from counterfoil.app.drill import days
from counterfoil.app.drill.cast import Part
from counterfoil.cases.cast import Setting, tenant
from counterfoil.cases.story import tell
from counterfoil.model.instant import from_rfc3339

START = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_of_the_days_before_lies_in_the_time_of_the_drill(seed):
    """An hour counts as gone by after so many of its minutes: whatever a case writes in its last hour is older."""
    stage = Setting(START, days.DAYS * 24, days.CALLS_AN_HOUR, seed)
    end = START + timedelta(days=days.DAYS) - timedelta(hours=1) + days.LAST_ACT
    for number in range(10):
        one = tenant(seed, number, style="graph", shared=True, faults=(), thief="stolen-key")
        books = tell(one, stage).books
        rows = [row.time for log in (books.sign_ins, books.graph, books.mailbox) for row in log]
        stubs = [from_rfc3339(stub["time"]) for stub in books.stubs if stub.get("time")]
        assert max(rows + stubs) < end


def test_the_thief_had_been_somewhere_and_only_where_he_reads_mail():
    """By the seed in one, in some or in all of them; the same seed gives the same."""
    parts = [Part.READ, Part.READ, Part.READ, Part.REPLAYED, Part.CLEAN]
    cast = [SimpleNamespace(name=f"c{number}", part=part) for number, part in enumerate(parts)]
    chosen = [days._visited(cast, seed) for seed in range(40)]
    assert {len(one) for one in chosen} == {1, 2, 3}
    assert set().union(*chosen) == {"c0", "c1", "c2"}
    assert chosen == [days._visited(cast, seed) for seed in range(40)]
