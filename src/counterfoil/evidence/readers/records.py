"""Text to records: JSON of every packing, and CSV, from a stream, with the place of every fault.

One array, one object, objects a line, an envelope with ``records``, a Graph page with ``value`` and the
``tables`` of a Log Analytics answer are one grammar here: between values, white space, commas and
brackets of the outermost array carry no meaning but their balance.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

LARGEST = 64 << 20
"""Characters in one JSON value or CSV row; more is refused, and reading goes on with the next line."""

_CHUNK = 1 << 20
_BLANK = re.compile("[ \t\r\n\ufeff]*")
_BETWEEN = re.compile("[ \t\r\n\ufeff,\\[\\]\x1e]*")
_ENVELOPES = 8
"""How deep envelopes may lie in each other."""
LONGEST_NOTE = 1 << 16
_LOGLIKE = re.compile(
    r"[{}\[\]\x00-\x08\ufffd]|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}|\d{4}-\d\d-\d\d|\d\d?:\d\d:\d\d|\d+\.\d+\.\d+\.\d+"
    r"|[A-Za-z0-9_-]{22}|\w@\w"
)
_NO_HEADER = re.compile(
    r"[{}\x00-\x08\ufffd]|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-|\d{4}-\d\d-\d\d|\d\d?:\d\d:\d\d|\d+\.\d+\.\d+\.\d+|\w@\w"
)
"""What the names of columns never hold, and the values of rows do."""
_PREAMBLES = ("#type ", "sep=")
"""How the line begins that PowerShell's Export-Csv and Excel put before the header."""
_DECODER = json.JSONDecoder()
csv.field_size_limit(LARGEST)

Fault = Callable[[str], None]


class Text:
    """A window on a stream of text; ``more`` returns ``""`` at its end."""

    def __init__(self, more: Callable[[], str]) -> None:
        self._more = more
        self.buffer = ""
        self.at = 0
        self.ended = False

    def grow(self, wanted: int) -> bool:
        """Hold at least ``wanted`` characters from the current place; say whether anything came."""
        before = len(self.buffer) - self.at
        parts = [self.buffer[self.at :]]
        have = before
        while have < wanted and not self.ended:
            part = self._more()
            self.ended = part == ""
            parts.append(part)
            have += len(part)
        self.buffer, self.at = "".join(parts), 0
        return have > before

    def skip(self, between: re.Pattern[str]) -> int:
        """Pass over what stands between values; return how many more brackets were opened than closed."""
        depth = 0
        while True:
            start = self.at
            found = between.match(self.buffer, start)
            self.at = found.end() if found else start
            depth += self.buffer.count("[", start, self.at) - self.buffer.count("]", start, self.at)
            if self.at < len(self.buffer) or not self.grow(_CHUNK):
                return depth

    def skip_line(self) -> None:
        """Pass over the rest of this line, however long it is, without keeping it."""
        while True:
            end = self.buffer.find("\n", self.at)
            if end >= 0:
                self.at = end + 1
                return
            self.buffer, self.at = "", 0
            if not self.grow(_CHUNK):
                return


def records(text: Text, fault: Fault) -> Iterator[dict[str, Any]]:
    """Yield every record in a text; what cannot be read is told to ``fault`` and passed over."""
    text.grow(_CHUNK)
    text.skip(_BLANK)
    if text.at >= len(text.buffer):
        return
    if text.buffer[text.at] in "{[":
        for value in _values(text, fault):
            yield from _unwrap(value, fault)
    else:
        yield from _rows(text, fault)


def _values(text: Text, fault: Fault) -> Iterator[Any]:
    depth = number = 0
    while True:
        depth += text.skip(_BETWEEN)
        if text.at >= len(text.buffer):
            break
        number += 1
        try:
            yield _value(text)
        except RecursionError:
            fault(f"value {number} is nested too deeply")
            text.skip_line()
        except ValueError as error:
            fault(f"value {number} is no JSON: {str(error)[:120]}")
            text.skip_line()
    if depth != 0:
        fault("the outermost array is not closed: the file is truncated")


def _value(text: Text) -> Any:
    wanted = max(2 * _CHUNK, 1)
    while True:
        try:
            value, text.at = _DECODER.raw_decode(text.buffer, text.at)
        except json.JSONDecodeError as error:
            left = len(text.buffer) - text.at
            unfinished = error.msg.startswith("Unterminated") or error.pos >= len(text.buffer) - 16
            if text.ended or not unfinished:
                ending = ": the file is truncated" if unfinished else ""
                raise ValueError(f"{error.msg}{ending}") from None
            if left > LARGEST:
                raise ValueError(f"one value of more than {LARGEST >> 20} MB") from None
            wanted = min(max(wanted, 2 * left), LARGEST + 1)
            text.grow(wanted)
        else:
            return value


def _unwrap(value: Any, fault: Fault, depth: int = 0) -> Iterator[dict[str, Any]]:
    if not isinstance(value, dict) or depth > _ENVELOPES:
        fault("envelopes nested too deeply" if isinstance(value, dict) else "a value that is no object")
        return
    for key in ("records", "value", "Records", "results", "Results"):
        if isinstance(value.get(key), list):
            for entry in value[key]:
                yield from _unwrap(entry, fault, depth + 1)
            return
    if isinstance(value.get("tables"), list):
        yield from _tables(value["tables"], fault)
    elif (audit := _audit(value)) is not None:
        yield audit
    else:
        yield value


def _tables(tables: list[Any], fault: Fault) -> Iterator[dict[str, Any]]:
    for table in tables:
        columns = table.get("columns") if isinstance(table, dict) else None
        rows = table.get("rows") if isinstance(table, dict) else None
        if not isinstance(columns, list) or not isinstance(rows, list):
            fault("a table without columns or without rows")
            continue
        names = [str(column.get("name", "")) if isinstance(column, dict) else "" for column in columns]
        for row in rows:
            if isinstance(row, list) and len(row) == len(names):
                yield dict(zip(names, row, strict=True))
            else:
                fault("a row of a table that does not fit its columns")


def _audit(record: dict[str, Any]) -> dict[str, Any] | None:
    """Take the record out of the column ``AuditData`` in which audit searches wrap it."""
    wrapped = record.get("AuditData", record.get("auditData"))
    if isinstance(wrapped, str):
        try:
            wrapped = json.loads(wrapped)
        except (ValueError, RecursionError):
            return None
    return wrapped if isinstance(wrapped, dict) else None


def _rows(text: Text, fault: Fault) -> Iterator[dict[str, Any]]:
    lines = _lines(text, fault)
    first = next(lines, "")
    if first.lower().startswith(_PREAMBLES):
        first = next(lines, "")
    delimiter = max(",;\t", key=first.count)
    header = next(csv.reader([first], delimiter=delimiter), [])
    if len(header) < 3 and "AuditData" not in header:
        if not _prose(first + text.buffer[text.at :], whole=text.ended):
            fault("neither JSON nor CSV")
        return
    if _NO_HEADER.search(first):
        fault("neither JSON nor CSV: its first line does not name columns")
        return
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number = 1
    while True:
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fault(f"row {number} is no CSV: {error}")
            continue
        if not row:
            continue
        if len(row) != len(header):
            fault(f"row {number} has {len(row)} fields, the header {len(header)}")
            continue
        record = dict(zip(header, row, strict=True))
        if any(record.get(key) for key in ("AuditData", "auditData")):
            audit = _audit(record)
            if audit is None:
                fault(f"row {number}: AuditData is no JSON (cut off by the exporter?)")
                continue
            record = audit
        yield record


def _prose(sample: str, *, whole: bool) -> bool:
    """Say whether a whole short text is surely no log, such as a note that lies beside the exports.

    Brackets, ids, times, addresses and what no person types speak for a log, and then it costs coverage.
    """
    return whole and len(sample) <= LONGEST_NOTE and _LOGLIKE.search(sample) is None


def _lines(text: Text, fault: Fault) -> Iterator[str]:
    while True:
        end = text.buffer.find("\n", text.at)
        if end < 0:
            if len(text.buffer) - text.at > LARGEST:
                fault(f"one line of more than {LARGEST >> 20} MB")
                text.skip_line()
                continue
            if text.grow(2 * (len(text.buffer) - text.at) + _CHUNK):
                continue
            if text.at < len(text.buffer):
                rest, text.at = text.buffer[text.at :], len(text.buffer)
                yield rest
            return
        line, text.at = text.buffer[text.at : end + 1], end + 1
        yield line
