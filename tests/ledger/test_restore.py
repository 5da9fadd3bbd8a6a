"""Coming back from a backup: the gap is known, named and bounded; the tree never forks."""

import shutil

import pytest

from counterfoil.ledger.audit import audit
from counterfoil.model.errors import Misconfigured
from tests.ledger.test_publish import verify


def back_up_then_lose(opened, *, kept: int, lost: int):
    """Back the database up at ``kept`` stubs, publish ``kept + lost``, and put the backup back."""
    house = opened()
    house.fill(kept)
    house.ledger.checkpoint()
    house.close()
    for name in ("counterfoil.db",):
        shutil.copy(house.data / name, house.data / f"{name}.backup")
    house = opened()
    house.fill(lost, kept)
    house.close()
    shutil.copy(house.data / "ledger" / "checkpoint", house.data / "before")
    for name in ("counterfoil.db-wal", "counterfoil.db-shm"):
        (house.data / name).unlink(missing_ok=True)
    shutil.move(house.data / "counterfoil.db.backup", house.data / "counterfoil.db")


@pytest.mark.parametrize(("kept", "lost"), [(0, 1), (5, 3), (250, 20), (256, 256), (10, 800)])
def test_a_restored_database_knows_its_gap(opened, kept, lost):
    """Behind the published checkpoint, the ledger takes the lost entries back and names the time it cannot judge."""
    back_up_then_lose(opened, kept=kept, lost=lost)
    house = opened()
    rows = list(house.ledger.stubs())
    gap = rows[-1].stub
    assert gap.kind == "gap"
    assert (gap.body["first"], gap.body["last"], gap.body["reason"]) == (kept, kept + lost - 1, "restored-from-backup")
    assert gap.body["since"] <= gap.body["until"]
    assert [row.stub for row in rows[kept:-1]] == [None] * lost
    house.fill(5, 10_000)
    house.ledger.checkpoint()
    code, words = verify("log", house.data / "ledger", house.ledger.publication.key, "--old", house.data / "before")
    assert (code, words) == (0, f"{kept + lost + 6} entries verified, grown from {kept + lost}")
    found = audit(house.engine, house.ledger.publication)
    assert (found.wrong, found.gaps, found.without_stub) == ((), (gap,), lost)


def test_the_gap_is_recorded_once(opened):
    """Opening again after the gap was recorded finds nothing new."""
    back_up_then_lose(opened, kept=3, lost=4)
    opened().close()
    house = opened()
    assert sum(row.stub is not None and row.stub.kind == "gap" for row in house.ledger.stubs()) == 1


def test_a_gap_whose_tiles_are_damaged_is_not_papered_over(opened, tmp_path):
    """If the lost entries cannot be taken back as they were signed, the ledger does not open, and changes nothing."""
    back_up_then_lose(opened, kept=3, lost=4)
    bundle = tmp_path / "ledger" / "tile" / "entries" / "000.p" / "7"
    octets = bytearray(bundle.read_bytes())
    octets[-1] ^= 1
    bundle.write_bytes(octets)
    with pytest.raises(Misconfigured, match="are not the tree that was signed"):
        opened()
    bundle.unlink()
    with pytest.raises(Misconfigured, match="published entries cannot be read back"):
        opened()
