"""The ledger as its callers see it: durable, ordered, all or nothing, provable."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from counterfoil.database import open_database
from counterfoil.ledger import rows
from counterfoil.ledger.ledger import Ledger, open_ledger
from counterfoil.ledger.stubs import canonical, entry_of, stub_at
from counterfoil.model.errors import Misconfigured, Refused, Unavailable
from counterfoil.model.trust import Stub

NOW = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)


def message(number: int | str) -> Stub:
    """A mail intent with an id of its own."""
    return stub_at("message", NOW, id=f"m{number}", size=7)


@pytest.fixture
def ledger(tmp_path):
    """A published ledger that publishes only when asked."""
    engine = open_database(tmp_path / "counterfoil.db")
    ledger = open_ledger(engine, tmp_path, interval=3600)
    yield ledger
    ledger.close()
    engine.dispose()


def test_an_appended_stub_is_in_the_database_when_append_returns(ledger, tmp_path):
    """Another connection sees the stub, its salt and its entry as soon as append has returned."""
    index = ledger.append(message(1))
    other = open_database(tmp_path / "counterfoil.db")
    with other.connect() as connection:
        (row,) = rows.select(connection)
    other.dispose()
    assert (row.index, row.stub) == (index, message(1)) == (0, message(1))
    assert row.entry == entry_of(row.salt, canonical(message(1)))
    assert len(row.salt) == 32


def test_many_threads_get_distinct_consecutive_indexes(ledger):
    """Eight threads append at once; every index is given once and none is left out."""
    indexes = []
    threads = [
        threading.Thread(target=lambda n=n: indexes.extend(ledger.append(message(f"{n}-{i}")) for i in range(40)))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(indexes) == list(range(320))


async def test_record_is_append_for_asyncio(ledger):
    """A thousand concurrent records come back with a thousand indexes."""
    indexes = await asyncio.gather(*(ledger.record(message(i)) for i in range(1000)))
    assert sorted(indexes) == list(range(1000))


def test_a_stub_and_its_rows_commit_together_or_not_at_all(ledger):
    """If ``also`` fails, its caller gets the error, neither stub nor row exists, and the next index is not skipped."""

    def fails(connection):
        connection.execute(sa.insert(rows.facts).values(name="half", value="made"))
        raise Misconfigured("no such policy")

    with pytest.raises(Misconfigured, match="no such policy"):
        ledger.append(message("lost"), also=fails)
    assert ledger.append(message("kept"), also=lambda c: None) == 0
    with ledger.engine.connect() as connection:
        assert "half" not in connection.execute(sa.select(rows.facts.c.name)).scalars().all()
    assert [row.stub.body["id"] for row in ledger.stubs()] == ["mkept"]


def test_a_failing_request_leaves_its_batch_mates_alone(ledger):
    """Requests of one batch fail one by one: those beside a failing one are committed, in order."""
    hold = threading.Event()
    first = threading.Thread(target=lambda: ledger.append(message("first"), also=lambda c: hold.wait(10) and None))
    first.start()
    outcomes = {}

    def attempt(name, also):
        try:
            outcomes[name] = ledger.append(message(name), also=also)
        except ZeroDivisionError as error:
            outcomes[name] = error

    others = [threading.Thread(target=attempt, args=(n, (lambda c: 1 / 0) if n % 3 == 0 else None)) for n in range(12)]
    for thread in others:
        thread.start()
    hold.set()
    for thread in [first, *others]:
        thread.join()
    good = sorted(v for v in outcomes.values() if isinstance(v, int))
    assert good == list(range(1, 9))
    assert sum(isinstance(v, ZeroDivisionError) for v in outcomes.values()) == 4
    assert [row.index for row in ledger.stubs()] == list(range(9))


def test_two_processes_share_one_tree(ledger, tmp_path):
    """Two ledgers on one database interleave; indexes stay consecutive and the checkpoint covers all of them."""
    engine = open_database(tmp_path / "counterfoil.db")
    other = Ledger(engine)
    indexes = [(ledger, other)[i % 2].append(message(i)) for i in range(20)]
    other.close()
    engine.dispose()
    assert indexes == list(range(20))
    assert ledger.checkpoint().size == 20
    ledger.prove(13).verify(next(iter(ledger.stubs(start=13))).entry, ledger.publication.key)


def test_a_stub_that_is_none_of_ours_is_refused_before_it_is_queued(ledger):
    """An unknown kind is refused with the list of kinds, and nothing is written."""
    with pytest.raises(Refused, match="'gossip' is no kind of stub"):
        ledger.append(Stub("gossip", NOW, None, {}))
    assert ledger.size() == 0


def test_a_closed_ledger_says_so(tmp_path):
    """After close an append is Unavailable, not a hang."""
    engine = open_database(tmp_path / "c.db")
    ledger = Ledger(engine)
    ledger.close()
    with pytest.raises(Unavailable, match="the ledger is closed"):
        ledger.append(message(1))
    engine.dispose()


def test_closing_commits_and_publishes_what_was_queued(tmp_path):
    """What was appended before close is under the checkpoint afterwards."""
    engine = open_database(tmp_path / "c.db")
    ledger = open_ledger(engine, tmp_path, interval=3600)
    ledger.append(message(1))
    ledger.close()
    assert ledger.publication.latest()[0].size == 1
    engine.dispose()


def test_stubs_arriving_are_published_by_themselves(tmp_path):
    """Without anybody asking, a checkpoint covers new stubs after the interval."""
    engine = open_database(tmp_path / "c.db")
    ledger = open_ledger(engine, tmp_path, interval=0.02)
    ledger.append(message(1))
    for _ in range(500):
        if ledger.publication.latest() is not None:
            break
        threading.Event().wait(0.02)
    assert ledger.publication.latest()[0].size == 1
    ledger.close()
    engine.dispose()


def test_a_tenant_sees_only_its_own_rows(ledger):
    """Selecting by tenant yields that tenant's stubs and no other's."""
    for tenant in ("a", "b", "a"):
        ledger.append(stub_at("message", NOW, tenant, id=f"of {tenant}"))
    assert {row.stub.tenant for row in ledger.stubs(tenant="a")} == {"a"}
    assert len(list(ledger.stubs(tenant="a"))) == 2


def test_an_entry_without_checkpoint_has_no_proof_yet(ledger):
    """Asking for a proof too early is Unavailable, with the command that helps."""
    ledger.append(message(1))
    with pytest.raises(Unavailable, match="no checkpoint covers entry 0 yet"):
        ledger.prove(0)


def test_a_full_disk_is_unavailable_and_leaves_nothing_half_made(tmp_path):
    """When SQLite cannot grow its file the caller is told what to do, and the ledger goes on once there is room."""
    engine = open_database(tmp_path / "c.db")
    ledger = Ledger(engine)
    ledger.append(message("before"))
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        engine.pool.dispose()
    sa.event.listen(engine, "checkout", lambda c, r, p: c.execute(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(Unavailable, match="the ledger could not be written: database or disk is full"):
        ledger.append_all([message(n) for n in range(500)])
    sa.event.listen(engine, "checkout", lambda c, r, p: c.execute("PRAGMA max_page_count=100000"))
    assert ledger.append(message("after")) == 1
    ledger.close()
    engine.dispose()


def test_appending_from_inside_also_is_an_error_and_no_deadlock(ledger):
    """``also`` runs in the writer: an append in it would wait for itself, so it is refused and undone."""
    with pytest.raises(RuntimeError, match="would wait for itself"):
        ledger.append(message(1), also=lambda c: ledger.append(message(2)) and None)
    assert ledger.size() == 0
