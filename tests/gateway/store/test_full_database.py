"""A SQLite database on a full disk: nothing is acknowledged that is not written."""

import asyncio
import contextlib
import threading

import pytest
import sqlalchemy as sa
from tests.gateway.store.conftest import NOW, Store, received

from counterfoil.gateway.store.tables import messages
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Unavailable


@contextlib.contextmanager
def no_more_pages(engine: sa.Engine):
    """Let the database grow no further, as a full disk would."""

    def bound(connection, *_):
        connection.execute(f"PRAGMA max_page_count={pages}")

    with engine.connect() as connection:
        pages = connection.execute(sa.text("PRAGMA page_count")).scalar_one()
    sa.event.listen(engine, "checkout", bound)
    yield
    sa.event.remove(engine, "checkout", bound)
    engine.dispose()


MANY = tuple(f"{number:0200}@acme.test" for number in range(500))


async def test_full_database_is_unavailable(store: Store):
    """A database that may not grow gives ``Unavailable`` at the intent, and once there is room it goes on."""
    with no_more_pages(store.engine), pytest.raises(Unavailable, match="full"):
        await store.journal.intent(received("m1", recipients=MANY))
    await store.journal.intent(received("m2", recipients=MANY))
    assert [stub["id"] for stub in store.stubs("message")] == ["m2"]


async def test_full_database_takes_the_whole_batch_back(store: Store):
    """Where one of several intents fills the disk, SQLite undoes them all; none of them may be acknowledged."""
    gate, entered = threading.Event(), threading.Event()

    def wait(_: sa.Connection) -> None:
        entered.set()
        gate.wait(60)

    with no_more_pages(store.engine):
        first = asyncio.create_task(store.ledger.record(stub_at("action", NOW, actor="a", action="b"), also=wait))
        await asyncio.to_thread(entered.wait, 60)
        batch = [
            asyncio.create_task(store.journal.intent(received(name, recipients=to)))
            for name, to in (("small", ("a@acme.test",)), ("big", MANY), ("last", ("a@acme.test",)))
        ]
        await asyncio.sleep(0)
        gate.set()
        await first
        answers = await asyncio.gather(*batch, return_exceptions=True)
    assert any(isinstance(answer, Unavailable) for answer in answers)
    told = {name for name, answer in zip(("small", "big", "last"), answers, strict=True) if answer is None}
    with store.engine.connect() as connection:
        rows = set(connection.execute(sa.select(messages.c.id)).scalars())
    assert told == rows == {stub["id"] for stub in store.stubs("message")}
