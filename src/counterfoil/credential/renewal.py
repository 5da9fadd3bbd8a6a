"""Begin a new log where the newest part of the old one is lost and its signer will not forget it.

The stubs that are left keep their places: the new log begins with them and is, up to there, the same tree, so
an older checkpoint of the old log still proves what it proved. Behind them stands a ``gap`` stub that names
the old log, its last checkpoint and the time that cannot be judged; reconciling then says "cannot say" for it.
What the old log published is kept beside the new one.
"""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from counterfoil.credential.collect import CHECKPOINT_KEY, SOCKET, newest_time
from counterfoil.credential.custodian import Custodian
from counterfoil.ledger import durable, rows
from counterfoil.ledger.high_water import FOLDER, HighWater
from counterfoil.ledger.keyfile import embedded_key
from counterfoil.ledger.ledger import EMBEDDED_KEY, Ledger
from counterfoil.ledger.note import Checkpoint, NoteError, VerifierKey, open_checkpoint
from counterfoil.ledger.stubs import check
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import Stub


@dataclass(frozen=True, slots=True)
class Renewed:
    """The keys of both logs, the stub between them, and where the old log's publication lies now."""

    old: VerifierKey
    new: VerifierKey
    gap: Stub
    kept: Path | None


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants the new log; the name and the time of the backup are asked for where no signer signs."""

    actor: str
    name: str | None = None
    since: datetime | None = None


def renew(engine: sa.Engine, data: Path, now: datetime, wish: Wish) -> Renewed:
    """Begin the new log.

    Args:
        engine: The database.
        data: The data directory.
        now: The time.
        wish: Who wants it, and since when stubs may be lost.

    Raises:
        Refused: If the signer has begun no new log, the name is that of the old one, or the time is not known.
    """
    with engine.connect() as connection:
        fact = connection.execute(sa.select(rows.facts.c.value).where(rows.facts.c.name == CHECKPOINT_KEY)).scalar()
    if fact is None:
        return _by_key_file(engine, data, now, wish)
    old = VerifierKey.parse(fact)
    custodian = Custodian(data / SOCKET)
    new, former = custodian.checkpoint_key(), custodian.former_log()
    if new == old or former is None or former[0] != old:
        raise Refused(
            "the signer has begun no new log after this one",
            "stop the signer, then as its user: counterfoil signer --new-log NAME, and start it again",
        )

    def change(connection: sa.Connection) -> None:
        connection.execute(sa.update(rows.facts).where(rows.facts.c.name == CHECKPOINT_KEY).values(value=str(new)))

    since = wish.since or _certain_until(engine, data, old)
    last = former[1] or _published(data)
    kept = _put_aside(data, old)
    # If we die here, the old log has its rows and no publication; the signer signs no more of it, and this runs again.
    gap = _gap(engine, (since, now), (old, new), last, wish.actor)
    ledger = Ledger(engine, high_water=HighWater(data / FOLDER))
    try:
        ledger.append(gap, also=change)
    finally:
        ledger.close()
    # If we die here, the new log stands and is published with the next checkpoint.
    return Renewed(old, new, gap, kept)


def _by_key_file(engine: sa.Engine, data: Path, now: datetime, wish: Wish) -> Renewed:
    path = data / EMBEDDED_KEY
    if not path.exists():
        raise Misconfigured(f"there is no ledger in {data}", "say --data DIR, or set COUNTERFOIL_DATA")
    old, _ = embedded_key(path)
    if wish.since is None:
        # A key file signs whatever it is given: after a restore its newest checkpoint tells nothing.
        raise Refused("since when stubs may be lost is not known", "say when the backup was made: --since TIME")
    draft = path.with_name(f"{path.name}.next")
    draft.unlink(missing_ok=True)
    new, _ = embedded_key(draft, wish.name)
    if new.name == old.name:
        draft.unlink()
        raise Refused(f"{wish.name!r} is the name of the old log", "give a new one: --name host/path")
    last = _published(data)
    kept = _put_aside(data, old)
    gap = _gap(engine, (wish.since, now), (old, new), last, wish.actor)
    ledger = Ledger(engine, high_water=HighWater(data / FOLDER))
    try:
        ledger.append(gap)
    finally:
        ledger.close()
    # If we die here, the gap is written and the old key still signs; this runs again and writes another gap.
    durable.write(data / f"{EMBEDDED_KEY}.{old.key_id.hex()}", path.read_bytes(), mode=0o600)
    draft.replace(path)
    durable.sync_directory(data)
    return Renewed(old, new, gap, kept)


def _certain_until(engine: sa.Engine, data: Path, old: VerifierKey) -> datetime:
    """Return the time up to which no stub can be lost.

    After the restore the house went on writing, but published nothing more, since the signer refused: what the
    published checkpoint covers is old, and what lies behind it may be from after the loss.
    """
    note = _published(data) or _published_aside(data, old)
    signed = _opened(note, old)
    newest = None if signed is None else newest_time(engine, signed.size)
    return newest or datetime(1970, 1, 1, tzinfo=UTC)


def _published_aside(data: Path, old: VerifierKey) -> bytes | None:
    path = data / f"ledger.{old.key_id.hex()}" / "checkpoint"
    return path.read_bytes() if path.exists() else None


def _published(data: Path) -> bytes | None:
    path = data / "ledger" / "checkpoint"
    return path.read_bytes() if path.exists() else None


def _put_aside(data: Path, old: VerifierKey) -> Path | None:
    here, aside = data / "ledger", data / f"ledger.{old.key_id.hex()}"
    if not (here / "checkpoint").exists():
        return aside if aside.exists() else None
    if aside.exists():
        raise Misconfigured(f"{aside} is there already", "move it away: it is evidence, keep it")
    shutil.move(here, aside)
    durable.sync_directory(data)
    return aside


def _gap(
    engine: sa.Engine,
    span: tuple[datetime, datetime],
    logs: tuple[VerifierKey, VerifierKey],
    last: bytes | None,
    actor: str,
) -> Stub:
    with engine.connect() as connection:
        size = rows.size(connection)
    said: dict[str, Json] = {
        "since": rfc3339(span[0]),
        "until": rfc3339(span[1]),
        "reason": "new-log",
        "old_log": str(logs[0]),
        "new_log": str(logs[1]),
        "actor": actor,
    }
    signed = _opened(last, logs[0])
    if last is not None and signed is not None:
        said["old_checkpoint"] = last.decode()
        if signed.size > size:
            said |= {"first": size, "last": signed.size - 1}
    stub = Stub("gap", span[1], None, said)
    check(stub)
    return stub


def _opened(note: bytes | None, key: VerifierKey) -> Checkpoint | None:
    """Read the old log's last checkpoint; one that is damaged is not repeated."""
    if note is None:
        return None
    try:
        return open_checkpoint(note, key)
    except NoteError:
        return None
