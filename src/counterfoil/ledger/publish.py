"""Publishing the ledger: tiles, then a checkpoint that signs them; and coming back after a crash or a restore.

What an attacker who can change the directory gains: nothing that verification does not show, since the
checkpoint is signed and the tiles hash up to it. Who can change the rows as well is caught by any
checkpoint that somebody else kept.
"""

import shutil
from pathlib import Path

import sqlalchemy as sa

from counterfoil.ledger import durable, rows
from counterfoil.ledger.note import (
    Checkpoint,
    CheckpointSigner,
    NoteError,
    VerifierKey,
    open_checkpoint,
    parse_note,
    read_signature,
    signed_by_one,
)
from counterfoil.ledger.tiles import WIDTH, Tile, pack_entries, tiles_between, unpack_entries
from counterfoil.ledger.tree import Frontier, consistency_proof, leaf_hash
from counterfoil.model.errors import Misconfigured

_FORK_HINT = "run `counterfoil ledger verify`; keep the data directory as it is, it is evidence"


class Publication:
    """The directory ``checkpoint`` + ``tile/`` of one log.

    Args:
        directory: Where it lies; made if it is not there.
        key: Whom its checkpoints must be signed by; the name is the origin of the log.
        sign: Signs the body of a checkpoint.
    """

    def __init__(self, directory: Path, key: VerifierKey, sign: CheckpointSigner) -> None:
        self.directory = directory
        self.key = key
        self._sign = sign

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self.key.name

    def latest(self) -> tuple[Checkpoint, bytes] | None:
        """Return the published checkpoint and its signed note, or ``None`` before the first.

        Raises:
            Misconfigured: If the file is there and is not a checkpoint of this log.
        """
        try:
            octets = (self.directory / "checkpoint").read_bytes()
        except FileNotFoundError:
            return None
        try:
            return open_checkpoint(octets, self.key), octets
        except NoteError as error:
            place = self.directory / "checkpoint"
            raise Misconfigured(f"{place} is no checkpoint of this ledger: {error}", _FORK_HINT) from error

    def publish(self, engine: sa.Engine) -> Checkpoint:
        """Write the tiles for all rows there are, then a checkpoint; return it.

        Raises:
            Misconfigured: If the rows do not begin with what was published.
            OSError: If a file cannot be written; the old checkpoint then still stands.
        """
        with durable.lock(self.directory / ".lock"), engine.connect() as connection:
            latest = self.latest()
            size = rows.size(connection)
            if latest is not None:
                agree(connection, latest[0], size)
                if latest[0].size == size:
                    return latest[0]
            # Tiles from the last checkpoint on are written again even where a crash left some of them:
            # the rows alone decide what is in them, and a tile that no checkpoint covers promises nothing.
            published = latest[0].size if latest is not None else 0
            for place in {self._write(connection, tile) for tile in tiles_between(published, size)}:
                durable.sync_directory(place)
            # If we die here, tiles run ahead of the checkpoint; the next publication overwrites or keeps them.
            checkpoint = Checkpoint(self.origin, size, rows.frontier(connection, size).root())
            note = self._sign(checkpoint, lambda old: consistency_proof(old, size, rows.reader(connection, size)))
            if open_checkpoint(note, self.key) != checkpoint:
                raise Misconfigured("the signer signed another checkpoint than the one it was asked for", _FORK_HINT)
            # If we die here, the signer has seen a checkpoint that nobody else has; it signs the same one again.
            durable.write(self.directory / "checkpoint", note)
            # If we die here, all is published.
        self._tidy(published, size)
        return checkpoint

    def add_cosignature(self, cosigned: bytes, key: VerifierKey) -> bool:
        """Add a witness's line to the published checkpoint; ``False`` if a newer one has taken its place.

        Raises:
            OSError: If the file cannot be written; the one without the line then still stands.
        """
        with durable.lock(self.directory / ".lock"):
            latest = self.latest()
            given = parse_note(cosigned)
            if latest is None or parse_note(latest[1]).text != given.text:
                return False
            line = signed_by_one(given, key).removeprefix(given.text + b"\n")
            kept = [old for old in latest[1].splitlines(keepends=True) if not _is_by(old, key)]
            durable.write(self.directory / "checkpoint", b"".join([*kept, line]))
            # If we die before this line, the witness is asked again for the same checkpoint and signs it again.
            return True

    def _write(self, connection: sa.Connection, tile: Tile) -> Path:
        if tile.level < 0:
            start = tile.number * WIDTH
            octets = pack_entries(rows.bundle(connection, start, start + tile.width))
        else:
            octets = rows.tile(connection, tile)
        path = self.directory / tile.path
        durable.write_unsynced(path, octets)
        return path.parent

    def _tidy(self, published: int, size: int) -> None:
        """Remove partial tiles whose full tile is there (tlog-tiles allows it)."""
        for tile in tiles_between(published, size):
            if tile.width == WIDTH:
                full = self.directory / tile.path
                shutil.rmtree(full.with_name(f"{full.name}.p"), ignore_errors=True)

    def read(self, tile: Tile) -> bytes:
        """Read a tile from the directory; a partial one may be served by the front of the full one.

        Raises:
            OSError: If it is not there.
            ValueError: If it is too short.
        """
        full = self.directory / tile._replace(width=WIDTH).path
        path = self.directory / tile.path
        octets = (path if path.exists() or not full.exists() else full).read_bytes()
        if tile.level < 0:
            return octets
        if len(octets) < 32 * tile.width:
            message = f"{tile.path} has {len(octets)} octets, not {32 * tile.width}"
            raise ValueError(message)
        return octets[: 32 * tile.width]

    def lost_entries(self, connection: sa.Connection, checkpoint: Checkpoint, size: int) -> list[bytes]:
        """Return the entries that were published and are no longer in the rows, from ``size`` on.

        Raises:
            Misconfigured: If the rows and the tiles together are not the tree that was signed.
        """
        grown: Frontier = rows.frontier(connection, size)
        lost: list[bytes] = []
        try:
            for number in range(size // WIDTH, (checkpoint.size + WIDTH - 1) // WIDTH):
                width = min(WIDTH, checkpoint.size - number * WIDTH)
                bundle = unpack_entries(self.read(Tile(-1, number, width)))[:width]
                lost += bundle[max(0, size - number * WIDTH) :]
        except (OSError, ValueError) as error:
            raise Misconfigured(f"published entries cannot be read back: {error}", _FORK_HINT) from error
        grown.extend(leaf_hash(entry) for entry in lost)
        if grown.size != checkpoint.size or grown.root() != checkpoint.root:
            raise Misconfigured("the rows and the published tiles are not the tree that was signed", _FORK_HINT)
        return lost


def _is_by(line: bytes, key: VerifierKey) -> bool:
    """Say whether a line of a checkpoint is a signature by this key; the text itself holds no em dash in front."""
    try:
        signature = read_signature(line.decode().removesuffix("\n"))
    except NoteError:
        return False
    return (signature.name, signature.key_id) == (key.name, key.key_id)


def agree(connection: sa.Connection, checkpoint: Checkpoint, size: int) -> None:
    """See that the rows begin with the tree that a checkpoint signs.

    Raises:
        Misconfigured: If they are fewer, or hash to another root.
    """
    if checkpoint.size > size:
        raise Misconfigured(
            f"the database has {size} stubs and {checkpoint.size} were published: it is an older copy",
            "start counterfoil again: it records the gap and goes on behind it",
        )
    if rows.frontier(connection, checkpoint.size).root() != checkpoint.root:
        raise Misconfigured("the rows of the ledger are not those that were published", _FORK_HINT)
