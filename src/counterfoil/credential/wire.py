"""The words between application and signer: one JSON object each way, behind its length in four octets.

Only ``signer_client`` and ``custodian`` may use it. Errors keep their kind and hint across the socket.
"""

import json
import socket
import struct
from pathlib import Path
from typing import Any

from counterfoil.ledger.stubs import flat
from counterfoil.model.errors import CounterfoilError, Misconfigured, Refused, Unavailable
from counterfoil.model.instant import from_rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import Stub

LONGEST = 4 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_KINDS: dict[str, type[CounterfoilError]] = {
    "unavailable": Unavailable,
    "refused": Refused,
    "misconfigured": Misconfigured,
}


def send(connection: socket.socket, document: dict[str, Json]) -> None:
    """Send one object."""
    octets = json.dumps(document, separators=(",", ":")).encode()
    connection.sendall(_LENGTH.pack(len(octets)) + octets)


def receive(connection: socket.socket) -> dict[str, Any] | None:
    """Receive one object; ``None`` where the other side has hung up between two.

    Raises:
        ValueError: If it is too long, cut short, or no JSON object.
    """
    head = _exactly(connection, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > LONGEST:
        message = f"{length} octets are too many"
        raise ValueError(message)
    octets = _exactly(connection, length)
    document = None if octets is None else json.loads(octets)
    if not isinstance(document, dict):
        message = "not one whole JSON object"
        raise ValueError(message)  # noqa: TRY004 - it is what came, not what was passed
    return document


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    octets = b""
    while len(octets) < count:
        more = connection.recv(count - len(octets))
        if not more:
            return None
        octets += more
    return octets


def error_document(error: CounterfoilError) -> dict[str, Json]:
    """Spell an error for the other side."""
    kind = next(name for name, known in _KINDS.items() if isinstance(error, known))
    return {"error": kind, "message": error.message, "hint": error.hint}


def stub_document(stub: Stub) -> dict[str, Json]:
    """Spell a stub for the other side."""
    return flat(stub)


def stub_from(document: dict[str, Any]) -> Stub:
    """Read a stub that came over the socket; its signature is for the ledger to verify."""
    body = dict(document)
    return Stub(body.pop("kind"), from_rfc3339(body.pop("time")), body.pop("tenant", None), body)


def ask(path: Path, seconds: float, question: dict[str, Json]) -> dict[str, Any]:
    """Ask the signer one question.

    Raises:
        Unavailable: If it is not there, or does not answer in time.
        Refused, Misconfigured: As the signer says.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(seconds)
            connection.connect(str(path))
            send(connection, question)
            answer = receive(connection)
    except (OSError, ValueError) as error:
        raise Unavailable(f"the signer at {path} does not answer: {error}", "start it: counterfoil signer") from error
    if answer is None:
        raise Unavailable(f"the signer at {path} hung up", "it refuses users it does not know; see its messages")
    if "error" in answer:
        raise _KINDS[answer["error"]](answer["message"], answer["hint"])
    return answer
