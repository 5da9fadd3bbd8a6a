"""Checkpoint signing inside the signer: it signs only a tree that grew out of the last one it signed.

So whoever owns the application and the data directory still cannot make the ledger forget or fork.
"""

import threading

from counterfoil.credential.home import Former, Home
from counterfoil.ledger import durable
from counterfoil.ledger.note import Checkpoint, NoteError, open_checkpoint, sign_note
from counterfoil.ledger.tree import ProofError, verify_consistency
from counterfoil.model.errors import Misconfigured, Refused, Unavailable


class CheckpointKeeper:
    """Remembers the newest checkpoint and signs the next."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._path = home.checkpoint_path
        self._lock = threading.Lock()

    def latest(self) -> Checkpoint | None:
        """Return the newest checkpoint that was signed.

        Raises:
            Misconfigured: If the file was changed.
        """
        try:
            return open_checkpoint(self._path.read_bytes(), self._home.checkpoint_verifier)
        except FileNotFoundError:
            return None
        except NoteError as error:
            raise Misconfigured(f"{self._path} was changed: {error}", "restore it from a backup") from error

    def former(self) -> Former | None:
        """Return the log before this one, if there was one."""
        return self._home.former()

    def sign(self, checkpoint: Checkpoint, proof: list[bytes]) -> bytes:
        """Sign a checkpoint and return the note.

        Args:
            checkpoint: Of the log this signer signs for, without extension lines.
            proof: That it grew out of ``latest``; empty for the first, and for the same one again.

        Raises:
            Refused: If it is of another log, smaller, or not proven to have grown.
            Unavailable: If it cannot be remembered; then it is not signed either.
        """
        with self._lock:
            if checkpoint.origin != self._home.origin or checkpoint.extensions:
                raise Refused(
                    f"this signer signs checkpoints of {self._home.origin!r} alone",
                    "if a new log was begun at the signer: counterfoil ledger renew",
                )
            latest = self.latest()
            if latest is not None:
                try:
                    verify_consistency(latest.size, checkpoint.size, proof, latest.root, checkpoint.root)
                except ProofError as error:
                    raise Refused(
                        f"the ledger of {checkpoint.size} stubs did not grow out of the one of {latest.size} "
                        f"that was signed last: {error}",
                        "run `counterfoil ledger verify`, keep everything; how to begin a new log: docs/ledger.md",
                    ) from error
            note = sign_note(checkpoint.body, self._home.origin, self._home.checkpoint_key)
            try:
                durable.write(self._path, note, mode=0o600)
            except OSError as error:
                raise Unavailable(f"the checkpoint could not be remembered: {error}", "free the disk") from error
            # If we die here, the same checkpoint can be asked for again.
            return note
