"""A scan as bytes and back, for the border between a bounded worker and its parent.

The worker has parsed hostile bytes, so the parent believes nothing that comes from it: no pickle, every field is
checked for its type, every length against the bytes that are there.

Layout: ``MAGIC``, the length of the JSON in 8 octets (big-endian), the JSON, then the contents of the parts one after
the other. In the JSON each part says ``at`` and ``size``; equal contents are sent once.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from counterfoil.model.dns import Answer, Question, RecordType, Status
from counterfoil.model.instant import from_rfc3339, rfc3339
from counterfoil.model.mail import (
    Authentication,
    Direction,
    Envelope,
    Finding,
    Json,
    Link,
    Part,
    Scan,
    Severity,
    Uninspectable,
)

MAGIC = b"counterfoil-scan-1\n"
_LENGTH = 8


class Malformed(ValueError):
    """The bytes are none that this module wrote."""


def from_scan(scan: Scan) -> bytes:
    """Write a scan as bytes."""
    blobs: list[bytes] = []
    places: dict[str, int] = {}
    end = 0
    parts: list[Json] = []
    for part in scan.parts:
        if part.sha256 not in places:
            places[part.sha256] = end
            blobs.append(part.data)
            end += part.size
        parts.append({**spell_part(part), "at": places[part.sha256]})
    document: dict[str, Json] = {
        "message_id": scan.message_id,
        "subject": scan.subject,
        "sha256": scan.sha256,
        "size": scan.size,
        "findings": [spell_finding(finding) for finding in scan.findings],
        "parts": parts,
        "links": [[link.url, link.text, link.part] for link in scan.links],
        "authentication": _authentication(scan.authentication),
        "uninspectable": [[item.part, item.reason] for item in scan.uninspectable],
    }
    return _frame(document, blobs)


def to_scan(data: bytes) -> Scan:
    """Read what :func:`from_scan` wrote.

    Raises:
        Malformed: If it is anything else.
    """
    document, blobs = _unframe(data)
    return Scan(
        message_id=_text(document, "message_id"),
        subject=_text(document, "subject"),
        sha256=_text(document, "sha256"),
        size=_number(document, "size"),
        findings=tuple(_read_finding(item) for item in _objects(document, "findings")),
        parts=tuple(_read_part(item, blobs) for item in _objects(document, "parts")),
        links=tuple(Link(*row) for row in _rows(document, "links", 3)),
        authentication=_read_authentication(_object(document, "authentication")),
        uninspectable=tuple(Uninspectable(*row) for row in _rows(document, "uninspectable", 2)),
    )


def from_request(
    raw: bytes, envelope: Envelope | None, *, file_name: str | None = None, now: datetime | None = None
) -> bytes:
    """Write what a worker is asked to examine: a message that came ``now``, or with ``file_name`` a bare file."""
    time = None if now is None else rfc3339(now)
    document: dict[str, Json] = {"file_name": file_name, "envelope": None, "now": time}
    if envelope is not None:
        document["envelope"] = {
            "sender": envelope.sender,
            "recipients": list(envelope.recipients),
            "client_address": envelope.client_address,
            "helo": envelope.helo,
            "tenant": envelope.tenant,
            "direction": envelope.direction.value,
        }
    return _frame(document, [raw])


def to_request(data: bytes) -> tuple[bytes, Envelope | None, str | None, datetime | None]:
    """Read what :func:`from_request` wrote: the bytes, the envelope, the name of a bare file, and when it came.

    Raises:
        Malformed: If it is anything else.
    """
    document, raw = _unframe(data)
    name, time = _optional_text(document, "file_name"), _optional_text(document, "now")
    now = None if time is None else from_rfc3339(time)
    if document.get("envelope") is None:
        return bytes(raw), None, name, now
    item = _object(document, "envelope")
    envelope = Envelope(
        sender=_text(item, "sender"),
        recipients=_texts(item, "recipients"),
        client_address=_text(item, "client_address"),
        helo=_text(item, "helo"),
        tenant=_optional_text(item, "tenant"),
        direction=_member(Direction, _text(item, "direction")),
    )
    return bytes(raw), envelope, name, now


def from_questions(questions: tuple[Question, ...]) -> bytes:
    """Write a batch of questions to the resolver."""
    return json.dumps([[question.name, question.type.value] for question in questions]).encode()


def to_questions(data: bytes) -> tuple[Question, ...]:
    """Read a batch of questions.

    Raises:
        Malformed: If it is anything else.
    """
    rows = _rows({"questions": _json(data)}, "questions", 2)
    return tuple(Question(name, _member(RecordType, kind)) for name, kind in rows)


def from_answers(answers: tuple[Answer, ...]) -> bytes:
    """Write a batch of answers."""
    return json.dumps([{"status": answer.status.value, "records": answer.records} for answer in answers]).encode()


def to_answers(data: bytes) -> tuple[Answer, ...]:
    """Read a batch of answers.

    Raises:
        Malformed: If it is anything else.
    """
    items = _objects({"answers": _json(data)}, "answers")
    return tuple(Answer(_member(Status, _text(item, "status")), _texts(item, "records")) for item in items)


def spell_part(part: Part) -> dict[str, Json]:
    """Spell a part without its content, as ``counterfoil scan --json`` shows it."""
    return {
        "id": part.id,
        "names": list(part.names),
        "declared_type": part.declared_type,
        "detected_type": part.detected_type,
        "size": part.size,
        "sha256": part.sha256,
        "via": list(part.via),
    }


def _read_part(item: Mapping[str, Any], blobs: memoryview) -> Part:
    at, size = _number(item, "at"), _number(item, "size")
    if at + size > len(blobs):
        raise Malformed("a part reaches beyond the bytes that are there")
    return Part(
        id=_text(item, "id"),
        names=_texts(item, "names"),
        declared_type=_text(item, "declared_type"),
        detected_type=_text(item, "detected_type"),
        sha256=_text(item, "sha256"),
        via=_texts(item, "via"),
        data=bytes(blobs[at : at + size]),
    )


def spell_finding(finding: Finding) -> dict[str, Json]:
    """Spell a finding, as ``counterfoil scan --json`` shows it."""
    return {
        "check": finding.check,
        "severity": finding.severity.value,
        "summary": finding.summary,
        "part": finding.part,
        "techniques": list(finding.techniques),
        "evidence": dict(finding.evidence),
    }


def _read_finding(item: Mapping[str, Any]) -> Finding:
    return Finding(
        check=_text(item, "check"),
        severity=_member(Severity, _text(item, "severity")),
        summary=_text(item, "summary"),
        part=_optional_text(item, "part"),
        techniques=_texts(item, "techniques"),
        evidence=_object(item, "evidence"),
    )


def _authentication(result: Authentication) -> Json:
    methods: dict[str, Json] = {"spf": result.spf, "dkim": result.dkim, "dmarc": result.dmarc, "arc": result.arc}
    return methods | {"detail": dict(result.detail)}


def _read_authentication(item: Mapping[str, Any]) -> Authentication:
    methods = {name: _text(item, name) for name in ("spf", "dkim", "dmarc", "arc")}
    return Authentication(**methods, detail=_object(item, "detail"))


def _frame(document: Mapping[str, Json], blobs: list[bytes]) -> bytes:
    # Lone surrogates (undecodable octets in names and headers) survive as \udcXX because JSON stays ASCII.
    text = json.dumps(document, ensure_ascii=True).encode("ascii")
    return b"".join([MAGIC, len(text).to_bytes(_LENGTH, "big"), text, *blobs])


def _unframe(data: bytes) -> tuple[Mapping[str, Any], memoryview]:
    head = len(MAGIC) + _LENGTH
    if len(data) < head or not data.startswith(MAGIC):
        raise Malformed("not a scan on the wire")
    size = int.from_bytes(data[len(MAGIC) : head], "big")
    if head + size > len(data):
        raise Malformed("the JSON is cut short")
    document = _json(data[head : head + size])
    if not isinstance(document, dict):
        raise Malformed("the JSON is no object")
    return document, memoryview(data)[head + size :]


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from error


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        raise Malformed(f"{key} is no text")
    return value


def _optional_text(item: Mapping[str, Any], key: str) -> str | None:
    return None if item.get(key) is None else _text(item, key)


def _number(item: Mapping[str, Any], key: str) -> int:
    value = item.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Malformed(f"{key} is no natural number")
    return value


def _object(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = item.get(key)
    if not isinstance(value, dict):
        raise Malformed(f"{key} is no object")
    return value


def _list(item: Mapping[str, Any], key: str) -> list[Any]:
    value = item.get(key)
    if not isinstance(value, list):
        raise Malformed(f"{key} is no list")
    return value


def _objects(item: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    for value in _list(item, key):
        if not isinstance(value, dict):
            raise Malformed(f"{key} holds something that is no object")
        yield value


def _texts(item: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = _list(item, key)
    if not all(isinstance(value, str) for value in values):
        raise Malformed(f"{key} holds something that is no text")
    return tuple(values)


def _rows(item: Mapping[str, Any], key: str, width: int) -> Iterator[tuple[str, ...]]:
    for row in _list(item, key):
        if not isinstance(row, list) or len(row) != width or not all(isinstance(cell, str) for cell in row):
            raise Malformed(f"{key} holds a row of another shape")
        yield tuple(row)


def _member(kind: type[Any], value: str) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        raise Malformed(str(error)) from error
