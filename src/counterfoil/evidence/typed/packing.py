"""How is this file packed, and which shape has its first record? Found from its first octets."""

import csv
import gzip
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from counterfoil.evidence.typed.shape import Shape
from counterfoil.evidence.typed.shapes import SHAPES

LARGEST_WHOLE = 64 << 20
"""An envelope is one JSON value and is held in memory whole; a larger file is left to the other readers."""

_HEAD = 1 << 18
_ENVELOPE = re.compile(r'\{\s*(?:"[^"\\]{1,80}"\s*:\s*(?:"[^"\\]*"|-?\d+|null)\s*,\s*)*"(records|value)"\s*:\s*\[\s*')
_DECODER = json.JSONDecoder()


class Unfit(Exception):
    """The typed way does not take this file, and why."""


@dataclass(frozen=True, slots=True)
class Packing:
    """``form`` is ``lines``, ``array``, ``records``, ``value``, ``csv`` or ``parquet``; ``names`` its columns."""

    shape: Shape
    form: str
    compression: str
    names: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash((self.shape.name, self.form, self.compression, self.names))


def packing_of(path: Path) -> Packing:
    """Look at the head of a file.

    Raises:
        Unfit: If it is in no form or shape that is read by type.
    """
    try:
        compression, head = _head(path)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise Unfit(f"its head cannot be read: {error}") from error
    if head.startswith(b"PAR1"):
        raise Unfit("Parquet")
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            raise Unfit("not in UTF-8") from error
        text = head[: error.start].decode("utf-8")
    text = text.lstrip(" \t\r\n")
    if text[:1] in ("{", "["):
        form, record = _json(text)
        if form in ("records", "value") and (path.stat().st_size > LARGEST_WHOLE or compression != "none"):
            raise Unfit("an envelope too large to hold")
        return Packing(_shape(record), form, compression)
    return _csv(text.removeprefix("\ufeff"), compression)


def _head(path: Path) -> tuple[str, bytes]:
    with path.open("rb") as stream:
        magic = stream.read(4)
        stream.seek(0)
        if magic[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=stream) as inner:
                return "gzip", inner.read(_HEAD)
        if magic == b"\x28\xb5\x2f\xfd":
            with zstandard.ZstdDecompressor().stream_reader(stream) as unpacked:
                return "zstd", unpacked.read(_HEAD)
        if magic[:2] == b"PK":
            raise Unfit("zip")
        return "none", stream.read(_HEAD)


def _json(text: str) -> tuple[str, dict[str, Any]]:
    if text[0] == "[":
        return "array", _first(text[1:].lstrip(" \t\r\n"))
    if (found := _ENVELOPE.match(text)) is not None:
        return found[1], _first(text[found.end() :])
    record = _first(text)
    if any(
        isinstance(record.get(name), list) for name in ("records", "value", "Records", "results", "Results", "tables")
    ):
        raise Unfit("an envelope of another form")
    return "lines", record


def _first(text: str) -> dict[str, Any]:
    try:
        record, _ = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise Unfit(f"its first record is no JSON, or very long: {error}") from error
    if not isinstance(record, dict):
        raise Unfit("its first record is no object")
    return record


def _csv(text: str, compression: str) -> Packing:
    try:
        rows = csv.reader(text.splitlines(keepends=True), strict=True)
        header, first = next(rows), next(rows)
    except (StopIteration, csv.Error) as error:
        raise Unfit("neither JSON nor CSV with a row") from error
    if len({name.lower() for name in header}) != len(header) or len(header) < 3 or len(first) != len(header):
        raise Unfit("a CSV of another form")
    return Packing(_shape(dict(zip(header, first, strict=True))), "csv", compression, tuple(header))


def _shape(record: dict[str, Any]) -> Shape:
    for shape in SHAPES:
        if shape.marks <= record.keys() and (shape.label is None or record.get(shape.label[0]) == shape.label[1]):
            return shape
    raise Unfit("a shape that is not read by type")
