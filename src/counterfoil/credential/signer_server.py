"""The signer's process: a Unix socket, the peer's user checked, every question answered by one operation.

Questions come from a process that may be in a thief's hands: whatever is wrong with one is refused in words,
and nothing in it reaches a key but through the operations of ``signer``.
"""

import base64
import logging
import os
import socket
import socketserver
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.book import Use
from counterfoil.credential.checkpoints import CheckpointKeeper
from counterfoil.credential.shield import Shield
from counterfoil.credential.signer import Signed, Signer
from counterfoil.credential.wire import error_document, receive, send, stub_document
from counterfoil.ledger.note import Checkpoint, VerifierKey, strict_base64
from counterfoil.model.errors import CounterfoilError, Misconfigured, Refused
from counterfoil.model.mail import Json
from counterfoil.model.trust import CredentialState, Stub

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 30.0
_PEER = struct.Struct("3i")
_LONGEST_PATH = 107  # sockaddr_un.sun_path, less its final zero


class Operations:
    """Turns questions into operations; ``answer`` never raises for what is in a question."""

    def __init__(self, signer: Signer, keeper: CheckpointKeeper, checkpoint_key: VerifierKey, shield: Shield) -> None:
        self._signer = signer
        self._keeper = keeper
        self._checkpoint_key = checkpoint_key
        self._shield = shield
        self._known: dict[str, Callable[[dict[str, Any]], dict[str, Json]]] = {
            "assertion": lambda q: _signed(signer.assertion(_use(q), _text(q, "audience"))),
            "proof": lambda q: _signed(signer.proof(_use(q), _text(q, "object"))),
            "death-test": lambda q: _signed(signer.death_test(_use(q), _text(q, "audience"))),
            "certificate": self._certificate,
            "import": self._import,
            "mark": lambda q: {"stub": stub_document(signer.mark(*_who(q), CredentialState(_text(q, "state"))))},
            "destroy": self._destroy,
            "checkpoint": self._checkpoint,
            "stubs": self._stubs,
            "status": self._status,
        }

    def answer(self, question: dict[str, Any]) -> dict[str, Json]:
        """Answer a question with a document: what was asked for, or an error in words."""
        try:
            operation = self._known.get(_text(question, "op"))
            if operation is None:
                raise Refused(f"the signer has no operation {question['op']!r}", f"it has {', '.join(self._known)}")
            return operation(question)
        except CounterfoilError as error:
            return error_document(error)
        except (ValueError, TypeError, KeyError) as error:
            return error_document(Refused(f"the question to the signer is not understood: {error}"))

    def _certificate(self, question: dict[str, Any]) -> dict[str, Json]:
        which = (_text(question, "tenant"), _text(question, "app"), int(question["generation"]))
        made = self._signer.certificate(*which, int(question["days"]), standby=question["standby"] is True)
        return {"stub": stub_document(made.stub)}

    def _import(self, question: dict[str, Any]) -> dict[str, Json]:
        which = (_text(question, "tenant"), _text(question, "app"), int(question["generation"]))
        passphrase = question["passphrase"]
        secret = None if passphrase is None else str(passphrase).encode()
        made = self._signer.adopt(*which, strict_base64(_text(question, "file")), secret)
        return {"stub": stub_document(made.stub)}

    def _destroy(self, question: dict[str, Any]) -> dict[str, Json]:
        stub = self._signer.destroy(*_who(question))
        return {"stub": None if stub is None else stub_document(stub)}

    def _checkpoint(self, question: dict[str, Any]) -> dict[str, Json]:
        root = strict_base64(_text(question, "root"))
        if len(root) != 32:
            raise Refused("a root hash has 32 octets")
        asked = Checkpoint(_text(question, "origin"), int(question["size"]), root)
        note = self._keeper.sign(asked, [strict_base64(step) for step in question["proof"]])
        return {"note": _encoded(note)}

    def _stubs(self, question: dict[str, Any]) -> dict[str, Json]:
        found: list[Stub] = list(self._signer.journal.since(int(question["since"])))
        return {"stubs": [stub_document(stub) for stub in found]}

    def _status(self, _: dict[str, Any]) -> dict[str, Json]:
        latest, former = self._keeper.latest(), self._keeper.former()
        return {
            "former_log": None
            if former is None
            else {"key": str(former.key), "note": None if former.note is None else _encoded(former.note)},
            "stub_key": str(self._signer.journal.verifier),
            "checkpoint_key": str(self._checkpoint_key),
            "checkpoint_size": 0 if latest is None else latest.size,
            "sequence": self._signer.journal.sequence,
            "credentials": len(self._signer.entries()),
            "uid": os.geteuid(),
            "keys": [*self._signer.kept],
            "shield": {"in_force": [*self._shield.in_force], "missing": [*self._shield.missing]},
        }


def _encoded(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _signed(signed: Signed) -> dict[str, Json]:
    return {"jws": signed.octets.decode(), "stub": stub_document(signed.stub)}


def _who(question: dict[str, Any]) -> tuple[str, str, str]:
    return _text(question, "tenant"), _text(question, "app"), _text(question, "credential")


def _use(question: dict[str, Any]) -> Use:
    algorithm = Algorithm(_text(question, "algorithm"))
    return Use(*_who(question), _text(question, "job"), _text(question, "reason"), algorithm)


def _text(question: dict[str, Any], name: str) -> str:
    value = question.get(name)
    if not isinstance(value, str):
        raise Refused(f"the question to the signer lacks the text {name!r}")
    return value


class _Handler(socketserver.BaseRequestHandler):
    server: "SignerServer"

    def handle(self) -> None:
        connection: socket.socket = self.request
        connection.settimeout(_IDLE_SECONDS)
        try:
            while (question := receive(connection)) is not None:
                send(connection, self.server.operations.answer(question))
        except (OSError, ValueError) as error:
            _log.warning("a connection to the signer ended: %s", error)


class SignerServer(socketserver.ThreadingUnixStreamServer):
    """Listens on a Unix socket that its own user alone may use, or a named group besides.

    Args:
        path: Where the socket is made; what a dead signer left there is replaced.
        operations: What answers.
        users: User ids that may ask.
        group: Group id that may open the socket, or ``None`` for mode 0600.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, operations: Operations, users: frozenset[int], group: int | None = None) -> None:
        if len(os.fsencode(path)) > _LONGEST_PATH:
            raise Misconfigured(
                f"the path of the socket is too long: {path}", f"at most {_LONGEST_PATH} octets: --socket"
            )
        self.operations = operations
        self._users = users
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            super().__init__(str(path), _Handler)
        finally:
            os.umask(before)
        if group is not None:
            os.chown(path, -1, group)
            path.chmod(0o660)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - as the base class calls it
        """Let in only users that may ask, by what the kernel says of the peer (SO_PEERCRED, unix(7))."""
        octets = request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        process, user, _ = _PEER.unpack(octets)
        if user not in self._users:
            _log.warning("the signer refused process %d of user %d", process, user)
            return False
        return True
