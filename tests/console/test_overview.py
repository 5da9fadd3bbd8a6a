"""The mail equation of the first page says what the ledger's own says of the same messages."""

from datetime import UTC, datetime

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.console.books import Books
from counterfoil.console.pages.overview import equation
from counterfoil.database import metadata
from counterfoil.gateway.store.dispositions import disposition, settle, tell
from counterfoil.gateway.store.tables import messages
from counterfoil.ledger.equation import balance
from counterfoil.model.mail import Outcome
from counterfoil.model.trust import Stub
from counterfoil.operators.roles import Scope

NOW = datetime(2026, 3, 4, tzinfo=UTC)
LIVES = st.lists(
    st.sampled_from(
        [
            (),
            (Outcome.HANDED_ON,),
            (Outcome.HANDED_ON, Outcome.UNKNOWN),
            (Outcome.HELD,),
            (Outcome.HELD, Outcome.UNKNOWN),
            (Outcome.HELD, Outcome.RELEASED),
            (Outcome.HELD, Outcome.UNKNOWN, Outcome.RELEASED),
            (Outcome.HELD, Outcome.DELETED),
            (Outcome.HELD, Outcome.EXPIRED),
            (Outcome.REFUSED,),
            (Outcome.DEFERRED,),
            (Outcome.UNKNOWN,),
            (Outcome.UNKNOWN, Outcome.HELD),
            (Outcome.UNKNOWN, Outcome.HANDED_ON),
        ]
    ),
    max_size=12,
)


def lived(engine: sa.Engine, lives: list[tuple[Outcome, ...]]) -> list[Stub]:
    """Write messages with their dispositions as the gateway does; return the stubs of the same."""
    stubs = []
    row = dict.fromkeys(("direction", "via", "gateway", "sender", "client_address", "helo", "sha256", "time"), "")
    with engine.begin() as connection:
        for number, life in enumerate(lives):
            name = f"m{number}"
            connection.execute(sa.insert(messages).values(**row, id=name, tenant="acme", utf8=False, size=1))
            stubs.append(Stub("message", NOW, "acme", {"id": name}))
            for step in life:
                stub = disposition(name, "acme", step, words="", actor="smtp", now=NOW)
                stubs.append(stub)
                # Doubt about a message that has a home does not move it.
                doubt = step is Outcome.UNKNOWN and life[0] is not Outcome.UNKNOWN
                tell(connection, stub) if doubt else settle(connection, stub, {})
    return stubs


@settings(max_examples=40, deadline=None)
@given(LIVES)
def test_the_page_and_the_ledger_agree(lives: list[tuple[Outcome, ...]]):
    """Each term is the ledger's, both lines come out, and another tenant's account counts nothing."""
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    try:
        truth = balance(lived(engine, lives))
        found = equation(Books(engine).outcomes(Scope(None)))
        assert equation(Books(engine).outcomes(Scope(frozenset({"beta"})))) is None
    finally:
        engine.dispose()
    if found is None:
        assert lives == []
        return
    ends = {"handed-on": truth.handed_on, "held": truth.held, "refused": truth.refused, "deferred": truth.deferred}
    assert found["ends"] == ends | {"unknown": truth.unknown, "open": truth.open}
    assert found["taken"] == truth.intents == sum(found["ends"].values())
    assert found["quarantined"] == truth.quarantined == sum(found["parts"].values())
    after = {"released": truth.released, "deleted": truth.deleted, "expired": truth.expired}
    assert found["parts"] == after | {"still held": truth.still_held}
