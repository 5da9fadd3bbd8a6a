"""The ledger on PostgreSQL: the same promises as on SQLite, with several writers beside each other."""

import threading

import pytest
import sqlalchemy as sa

from counterfoil.database import open_database
from counterfoil.ledger import rows
from counterfoil.ledger.audit import audit
from counterfoil.ledger.high_water import HighWater
from counterfoil.ledger.ledger import Ledger, open_ledger
from counterfoil.model.errors import Unavailable
from counterfoil.model.instant import rfc3339
from tests.ledger.conftest import NOW, House, message
from tests.ledger.test_publish import verify
from tests.ledger.test_tree import plain_root


@pytest.fixture
def opened(postgresql_database, tmp_path):
    """A function that opens the ledger, on one database and one data directory, as several processes would."""
    houses = []

    def opened() -> House:
        engine = open_database(postgresql_database)
        houses.append(House(tmp_path, engine, open_ledger(engine, tmp_path, interval=3600)))
        return houses[-1]

    yield opened
    for house in houses:
        house.stop_without_publishing()


def test_two_writers_at_once_leave_one_unbroken_tree(opened):
    """Two ledgers on one database, eight threads each: every index is given once, and all verifies from outside."""
    houses = [opened(), opened()]
    got: list[int] = []
    lock = threading.Lock()

    def work(house, number):
        mine = [house.ledger.append(message(f"{number}-{n}")) for n in range(20)]
        with lock:
            got.extend(mine)

    threads = [threading.Thread(target=work, args=(houses[n % 2], n)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(320))
    house = houses[0]
    house.ledger.checkpoint()
    assert audit(house.engine, house.ledger.publication).wrong == ()
    assert verify("log", house.data / "ledger", house.ledger.publication.key)[1] == "320 entries verified"
    entries = [row.entry for row in house.ledger.stubs()]
    assert house.ledger.publication.latest()[0].root == plain_root(entries)


def test_rows_and_stub_are_one_commit(opened):
    """What ``also`` writes is there with the stub; if it fails, neither is, and the others of the batch stay."""
    house = opened()
    ledger = house.ledger

    def insert(connection):
        connection.execute(sa.insert(rows.facts).values(name="a", value="1"))

    assert ledger.append(message(1), also=insert) == 0
    with pytest.raises(sa.exc.IntegrityError):
        ledger.append(message(2), also=insert)
    assert ledger.append(message(3)) == 1
    assert [row.stub.body["id"] for row in ledger.stubs()] == ["m1", "m3"]


def test_a_restored_database_knows_its_gap(opened):
    """Rows behind the published checkpoint come back as entries without a stub, with a gap behind them."""
    house = opened()
    house.fill(300)
    house.ledger.checkpoint()
    house.stop_without_publishing()
    engine = sa.create_engine(house.engine.url)
    with engine.begin() as connection:
        connection.execute(sa.delete(rows.entries).where(rows.entries.c.leaf_index >= 250))
        connection.execute(sa.delete(rows.nodes).where(rows.nodes.c.number >= 250 // 256))
    engine.dispose()
    house = opened()
    found = audit(house.engine, house.ledger.publication)
    assert (found.wrong, found.size, found.without_stub) == ((), 301, 50)
    assert found.gaps[0].body["first"] == 250


def test_gateways_on_one_server_see_a_restore_each_and_a_new_one_sees_none(opened, tmp_path):
    """What was never published is missed by the mark of whoever wrote it, though another has written on meanwhile."""
    house = opened()
    house.fill(5)
    house.ledger.checkpoint()
    house.fill(5, 5)
    house.stop_without_publishing()
    engine = open_database(house.engine.url.render_as_string(hide_password=False))
    with engine.begin() as connection:
        connection.execute(sa.delete(rows.entries).where(rows.entries.c.leaf_index >= 8))
    other = Ledger(engine, high_water=HighWater(tmp_path / "another-gateway"))
    assert list(other.stubs(kinds=frozenset({"gap"}))) == [], "it is new here"
    other.append_all([message(f"other{n}") for n in range(9)])
    other.close()
    engine.dispose()
    house = opened()
    (gap,) = (row.stub for row in house.ledger.stubs(kinds=frozenset({"gap"})))
    assert gap.body["since"] == rfc3339(NOW)
    house.ledger.checkpoint()
    assert audit(house.engine, house.ledger.publication).wrong == ()


def test_a_server_that_goes_away_is_unavailable_and_nothing_is_half_written(opened):
    """A connection that is cut in the midst is no answer: the stub is not there, and the next one is written."""
    house = opened()
    house.fill(3)

    def cut(connection):
        mine = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar()
        with house.engine.connect() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
        connection.execute(sa.text("SELECT 1"))

    with pytest.raises(Unavailable, match="the ledger could not be written"):
        house.ledger.append(message("lost"), also=cut)
    assert house.ledger.append(message("next")) == 3
    assert [row.stub.body["id"] for row in house.ledger.stubs(start=3)] == ["mnext"]
    assert [row.stub.time for row in house.ledger.stubs()] == [NOW] * 4
