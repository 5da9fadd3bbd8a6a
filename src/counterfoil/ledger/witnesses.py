"""The witnesses of a ledger: who they are, asking them, and keeping what they cosigned.

The list is rows, each change a stub. What a witness cosigned last lies beside the published checkpoint, in
``witness/KEYID``, and is worth what its signature is worth. Who removes a file or a row gains nothing but
the words "not independently witnessed".
"""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import sqlalchemy as sa

from counterfoil.ledger import durable, rows
from counterfoil.ledger.note import (
    COSIGNER,
    Checkpoint,
    NoteError,
    Prover,
    VerifierKey,
    parse_checkpoint,
    parse_note,
    signed_by_one,
)
from counterfoil.ledger.publish import Publication
from counterfoil.ledger.stubs import stub_at
from counterfoil.ledger.tree import consistency_proof
from counterfoil.ledger.witness import MOST_OCTETS, Answer, Asked, Verdict, ask, cosigned_at
from counterfoil.ledger.writer import Also
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.trust import Stub

SECONDS = 5.0
"""How long one answer of a witness is waited for."""


Append = Callable[[Stub, Also], int]
"""``Ledger.append`` with its ``also``."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Its key and the URL to which ``/add-checkpoint`` is added."""

    key: VerifierKey
    url: str


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What a witness cosigned last, verified: the checkpoint and when."""

    checkpoint: Checkpoint
    time: datetime


def parse_witness(key: str, url: str) -> Witness:
    """Read what an operator gave.

    Raises:
        Refused: If the key is none of a witness, or the URL is not one that may be asked.
    """
    try:
        parsed = VerifierKey.parse(key, COSIGNER)
    except NoteError as error:
        raise Refused(f"this is no key of a witness: {error}", "it is name+id+base64, of type 0x04") from error
    try:
        asked = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Refused(f"{url!r} is no URL: {error}", "give the submission prefix of the witness") from error
    if asked.scheme != "https" and not (asked.scheme == "http" and _is_loopback(asked.host)):
        raise Refused(f"{url!r} is not asked over TLS", "give an https URL; http is for this machine alone")
    if not asked.host or asked.userinfo or asked.query or asked.fragment:
        raise Refused(f"{url!r} is not a plain URL", "give the submission prefix alone: scheme, host and path")
    return Witness(parsed, url.rstrip("/"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listed(connection: sa.Connection) -> list[Witness]:
    """Return the witnesses, oldest first."""
    found = connection.execute(sa.select(rows.witnesses).order_by(rows.witnesses.c.since, rows.witnesses.c.id))
    return [Witness(VerifierKey.parse(row.id, COSIGNER), row.url) for row in found]


def enlist(append: Append, witness: Witness, now: datetime, actor: str) -> None:
    """Add a witness, or give one another URL; who said so is itself a stub."""

    def change(connection: sa.Connection) -> None:
        connection.execute(sa.delete(rows.witnesses).where(rows.witnesses.c.id == str(witness.key)))
        new = {"id": str(witness.key), "url": witness.url, "since": rows.microseconds(now)}
        connection.execute(sa.insert(rows.witnesses).values(new))

    said = {"url": witness.url}
    append(stub_at("action", now, actor=actor, action="add-witness", subject=str(witness.key), detail={**said}), change)


def dismiss(append: Append, engine: sa.Engine, name: str, now: datetime, actor: str) -> Witness:
    """Take a witness, named by its name or its whole key, off the list; what it cosigned stays published.

    Raises:
        Refused: If there is none of that name.
    """
    with engine.connect() as connection:
        found = [witness for witness in listed(connection) if name in {witness.key.name, str(witness.key)}]
    if len(found) != 1:
        raise Refused(f"{len(found)} witnesses are called {name!r}", "list them: counterfoil ledger witness list")

    def change(connection: sa.Connection) -> None:
        connection.execute(sa.delete(rows.witnesses).where(rows.witnesses.c.id == str(found[0].key)))

    append(stub_at("action", now, actor=actor, action="remove-witness", subject=str(found[0].key)), change)
    return found[0]


def last_cosigned(publication: Publication, key: VerifierKey) -> Cosigned | None:
    """Return what a witness cosigned last of this log, or ``None``.

    Raises:
        Misconfigured: If the file is there and is not cosigned by it.
    """
    path = _place(publication, key)
    try:
        note = parse_note(path.read_bytes())
        checkpoint = parse_checkpoint(note.text)
        if checkpoint.origin != publication.origin:
            return None  # of the log that this one follows
        return Cosigned(checkpoint, cosigned_at(note, key))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path} is not what the witness cosigned: {error}", f"remove {path}") from error


def is_behind(publication: Publication, key: VerifierKey) -> bool:
    """Say whether there is a checkpoint that a witness has not cosigned."""
    latest = publication.latest()
    try:
        last = last_cosigned(publication, key)
    except Misconfigured:
        last = None
    return latest is not None and (last is None or last.checkpoint != latest[0])


def _place(publication: Publication, key: VerifierKey) -> Path:
    return publication.directory / "witness" / key.key_id.hex()


def ask_all(engine: sa.Engine, publication: Publication, wanted: Callable[[Witness], bool]) -> dict[str, Asked]:
    """Ask every witness that is wanted to cosign the published checkpoint; return by key what each said.

    Cosignatures are added to the published checkpoint if it is still the newest; they may be late, never wrong.
    """
    with engine.connect() as connection:
        chosen = [witness for witness in listed(connection) if wanted(witness)]
        latest = publication.latest()
        if latest is None or not chosen:
            return {}
        checkpoint, note = latest
        said: dict[str, Asked] = {}

        def prove(old: int) -> list[bytes]:
            return consistency_proof(old, checkpoint.size, rows.reader(connection, checkpoint.size))

        for witness in chosen:
            said[str(witness.key)] = asked = _ask(witness, publication, checkpoint, note, prove)
            if asked.note is not None:
                durable.write(_place(publication, witness.key), asked.note)
                # If we die here, the witness is asked again for the same checkpoint and signs it again.
                publication.add_cosignature(asked.note, witness.key)
    return said


def _ask(witness: Witness, publication: Publication, checkpoint: Checkpoint, note: bytes, prove: Prover) -> Asked:
    try:
        last = last_cosigned(publication, witness.key)
    except Misconfigured:
        last = None  # it will tell us
    known = 0 if last is None else last.checkpoint.size
    if known > checkpoint.size:
        return Asked(Verdict.AHEAD, f"it has cosigned {known} stubs, and this log has {checkpoint.size}")
    plain = signed_by_one(parse_note(note), publication.key)
    dialogue = ask(plain, checkpoint.size, known, prove, witness.key)
    answer: Answer | None = None
    question = next(dialogue)
    with httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False) as client:
        while True:
            answer = _post(client, witness.url, question)
            try:
                question = dialogue.send(answer)
            except StopIteration as stop:
                found: Asked = stop.value
                return found


def _post(client: httpx.Client, url: str, question: bytes) -> Answer | None:
    until = time.monotonic() + 2 * SECONDS
    try:
        with client.stream("POST", f"{url}/add-checkpoint", content=question) as response:
            octets = b""
            for part in response.iter_bytes():
                octets += part
                if len(octets) > MOST_OCTETS:
                    return Answer(response.status_code, "", b"")
                if time.monotonic() > until:
                    return None
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            return Answer(response.status_code, kind, octets)
    except httpx.HTTPError:
        return None


def testify(connection: sa.Connection, publication: Publication, size: int) -> tuple[list[str], list[str]]:
    """Hold the rows against what each witness cosigned: what is wrong, and what is to be said.

    Without a single cosignature the notes say ``not independently witnessed``.
    """
    wrong: list[str] = []
    notes: list[str] = []
    for witness in listed(connection):
        try:
            last = last_cosigned(publication, witness.key)
        except Misconfigured as error:
            notes.append(f"{error.message}; it counts for nothing")
            continue
        if last is None:
            notes.append(f"the witness {witness.key.name} has cosigned nothing yet")
        elif last.checkpoint.size > size or (
            rows.frontier(connection, last.checkpoint.size).root() != last.checkpoint.root
        ):
            wrong.append(
                f"the witness {witness.key.name} cosigned another history of {last.checkpoint.size} stubs "
                f"at {last.time:%Y-%m-%dT%H:%M:%SZ}"
            )
        else:
            at = f"{last.time:%Y-%m-%dT%H:%M:%SZ}"
            notes.append(f"witnessed by {witness.key.name}: the first {last.checkpoint.size} stubs, at {at}")
    if not any(note.startswith("witnessed by") for note in notes):
        notes.append("not independently witnessed")
    return wrong, notes
