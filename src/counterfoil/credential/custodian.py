"""What may be asked of the signer by those who get no signature from it: new keys, states, stubs, checkpoints."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from counterfoil.credential.wire import ask, stub_from
from counterfoil.ledger.note import Checkpoint, VerifierKey
from counterfoil.model.errors import Misconfigured
from counterfoil.model.trust import CredentialState, Stub


class Custodian:
    """Asks the signer over its Unix socket; blocking.

    Args:
        socket: Path of the socket.
        seconds: How long to wait; making a key takes longer than signing.
    """

    def __init__(self, socket: Path, seconds: float = 60.0) -> None:
        self._socket, self._seconds = socket, seconds

    def _ask(self, **question: Any) -> dict[str, Any]:
        return ask(self._socket, self._seconds, question)

    def certificate(self, tenant: str, app: str, generation: int, days: int, *, standby: bool = False) -> Stub:
        """Have a key pair and its certificate made; the DER is in the stub's body, base64, under ``certificate``."""
        question = {"tenant": tenant, "app": app, "generation": generation, "days": days, "standby": standby}
        return stub_from(self._ask(op="certificate", **question)["stub"])

    def adopt(self, tenant: str, app: str, generation: int, octets: bytes, passphrase: str | None) -> Stub:
        """Have a key and certificate taken in (PKCS #12 or PEM)."""
        encoded = base64.b64encode(octets).decode()
        question = {"tenant": tenant, "app": app, "generation": generation, "file": encoded, "passphrase": passphrase}
        return stub_from(self._ask(op="import", **question)["stub"])

    def mark(self, tenant: str, app: str, credential: str, state: CredentialState) -> Stub:
        """Move a credential to another state."""
        answer = self._ask(op="mark", tenant=tenant, app=app, credential=credential, state=state.value)
        return stub_from(answer["stub"])

    def destroy(self, tenant: str, app: str, credential: str) -> Stub | None:
        """Have the private key of a dead credential destroyed; ``None`` if it was before, or others still use it."""
        stub = self._ask(op="destroy", tenant=tenant, app=app, credential=credential)["stub"]
        return None if stub is None else stub_from(stub)

    def stubs(self, since: int) -> list[Stub]:
        """Return the signer's stubs after a sequence number, a page of them; empty when there are no more."""
        return [stub_from(document) for document in self._ask(op="stubs", since=since)["stubs"]]

    def status(self) -> dict[str, Any]:
        """Say who the signer is, how it keeps its keys, and how it is shut in."""
        return self._ask(op="status")

    def stub_key(self) -> VerifierKey:
        """Return the key that the signer's stubs are signed with."""
        return VerifierKey.parse(self.status()["stub_key"])

    def checkpoint_key(self) -> VerifierKey:
        """Return the key that its checkpoints are signed with; the name is the origin of the ledger."""
        return VerifierKey.parse(self.status()["checkpoint_key"])

    def former_log(self) -> tuple[VerifierKey, bytes | None] | None:
        """Return key and last checkpoint of the log that the signer signed for before this one, if any."""
        former = self.status()["former_log"]
        if former is None:
            return None
        note = None if former["note"] is None else base64.b64decode(former["note"])
        return VerifierKey.parse(former["key"]), note

    def sign_checkpoint(self, checkpoint: Checkpoint, prove: Callable[[int], list[bytes]]) -> bytes:
        """Have a checkpoint signed (a ``CheckpointSigner``): proves that it grew out of the last one.

        Raises:
            Misconfigured: If the signer has seen more than the ledger holds: the ledger was restored.
        """
        size = self.status()["checkpoint_size"]
        if size > checkpoint.size:
            raise Misconfigured(
                f"the signer has signed a ledger of {size} stubs, and this one has {checkpoint.size}",
                "the ledger and its published tiles are older copies: restore newer ones and start again; if there are "
                "none, begin a new log (docs/ledger.md, «After a restore»)",
            )
        proof = prove(size) if 0 < size < checkpoint.size else []
        question = {"size": checkpoint.size, "root": base64.b64encode(checkpoint.root).decode()}
        question |= {"origin": checkpoint.origin, "proof": [base64.b64encode(step).decode() for step in proof]}
        return base64.b64decode(self._ask(op="checkpoint", **question)["note"])
