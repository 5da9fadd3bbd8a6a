"""One export, from bytes to uses; made to run in a bounded worker, which sees nothing but the bytes.

The worker asks its parent for the next piece (``b"r"``) and hands rows back (``b"w"`` and JSON lines), so
that neither side holds a whole file.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from counterfoil.evidence.ids import dashed, guid, present, token_id
from counterfoil.evidence.readers.containers import Unreadable, texts
from counterfoil.evidence.readers.fields import Fields
from counterfoil.evidence.readers.kinds import ERROR, OTHER, READERS, STUBS, SUMMARY, UNKNOWN, kind_of
from counterfoil.evidence.readers.records import Text, records
from counterfoil.evidence.readers.signin import tenant_of
from counterfoil.evidence.uses import Use, as_row

NO_LOG = "no-log"
"""What a file without any record counts as: empty, or a note of somebody's; it is shown and costs nothing."""

LARGEST_ROW = 16 << 20
"""Characters in a row: what is longer is no row of a log, and the database would stumble over it."""

_FLUSH = 1 << 19
_SHOWN = 20
_LOCAL = "[local time]"
"""How the name of a column ends whose times Azure's portal wrote in the zone of whoever looked."""
_SPELLED = ("uniquetokenidentifier", "signinactivityid", "uniquetokenid")


@dataclass(slots=True)
class FileReading:
    """What became of one file (or one member of a container).

    ``kinds`` counts records by source or by why they give no use; ``doubts`` counts rows by what costs
    their hour the coverage; ``faults`` are places that could not be read at all, the first twenty in words;
    ``tenants`` are those the readable part names.
    """

    name: str
    rows: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    spellings: dict[str, int] = field(default_factory=dict)
    doubts: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0
    tenants: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def fault(self, words: str) -> None:
        """Note a place that could not be read."""
        self.fault_count += 1
        if len(self.faults) < _SHOWN:
            self.faults.append(words)

    @property
    def costs(self) -> bool:
        """Say whether something in this file was lost to us."""
        return self.fault_count > 0


def read_export(argument: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Read one file piece by piece; answers the readings of its members as JSON.

    Args:
        argument: JSON: ``name`` (for messages) and ``tenant`` (for pages that do not name theirs), or null.
        ask: Answers ``b"r"`` with the next piece and takes ``b"w" + rows``.
    """
    job = json.loads(argument)
    readings: list[dict[str, Any]] = []
    for name, text in texts(job["name"], lambda: ask(b"r")):
        reading = FileReading(name)
        if isinstance(text, Unreadable):
            reading.fault(str(text))
        else:
            read_text(text, reading, job.get("tenant"), ask)
        readings.append(asdict(reading))
    return json.dumps(readings).encode()


def read_text(text: Text, reading: FileReading, hint: str | None, ask: Callable[[bytes], bytes]) -> None:
    """Read one text: rows go to ``ask``, and what became of it into ``reading``.

    Args:
        text: The text.
        reading: Of the file.
        hint: The tenant of rows that name none.
        ask: Takes ``b"w" + rows``.
    """
    tenants: set[str] = set()
    waiting: list[str] = []
    size = 0
    try:
        for number, record in enumerate(records(text, reading.fault), 1):
            use = _use(record, reading, hint)
            if use is None:
                continue
            use.file, use.number = reading.name, number
            if use.tenant:
                tenants.add(use.tenant)
            row = json.dumps(as_row(use), ensure_ascii=False)
            if len(row) > LARGEST_ROW:
                reading.fault(f"record {number} has fields of more than {LARGEST_ROW >> 20} MB")
                continue
            waiting.append(row)
            size += len(row)
            if size > _FLUSH:
                ask(b"w" + "\n".join(waiting).encode("utf-8", "replace") + b"\n")
                waiting, size = [], 0
    except Unreadable as error:
        reading.fault(str(error))
    if not reading.kinds and not reading.fault_count:
        reading.kinds[NO_LOG] = 1
    if waiting:
        ask(b"w" + "\n".join(waiting).encode("utf-8", "replace") + b"\n")
    reading.tenants = sorted(tenants.union(reading.tenants))


def _use(record: dict[str, Any], reading: FileReading, hint: str | None) -> Use | None:
    fields = Fields(record)
    kind = kind_of(fields)
    _count(reading.kinds, kind)
    if kind in READERS:
        try:
            return _finish(READERS[kind](fields), fields, reading, hint, record)
        except (TypeError, ValueError, AttributeError, KeyError, RecursionError) as error:
            # A record of the right kind with fields of the wrong shape: shown, and its loss counted.
            reading.fault(f"a record of {kind} with a field of the wrong shape: {error}")
            _lost(fields, reading)
            return None
    if kind in (SUMMARY, UNKNOWN):
        _lost(fields, reading)
    if kind == SUMMARY:
        reading.fault("a summarised export: one row stands for many sign-ins; export the single sign-ins instead")
    elif kind == ERROR:
        page = fields.envelope["error"]
        reading.codes.append(str(page.get("code")))
        reading.fault(f"an error page instead of a log: {page.get('code')}: {str(page.get('message'))[:200]}")
    elif kind == UNKNOWN:
        reading.fault(f"a record of no kind we know, with the fields {', '.join(sorted(map(str, record))[:8])}")
    else:
        assert kind in (OTHER, STUBS)
    return None


def _lost(fields: Fields, reading: FileReading) -> None:
    """Note whose record was lost, where it says so: it is no loss of anybody else's."""
    tenant = guid(tenant_of(fields))
    if tenant is not None and dashed(tenant) not in reading.tenants:
        reading.tenants.append(dashed(tenant))


def _finish(use: Use, fields: Fields, reading: FileReading, hint: str | None, record: dict[str, Any]) -> Use:
    if use.tenant is None and hint is not None:
        use.tenant = hint
        use.record = use.record.replace(":None:", f":{hint}:", 1)
        left = [doubt for doubt in (use.doubt or "").split("; ") if doubt not in ("", "unfilled tenant")]
        use.doubt = "; ".join(left) or None
    if use.time is None and use.doubt and any(key.endswith(_LOCAL) for key in fields.envelope):
        use.doubt = use.doubt.replace("unfilled time", "local time: set the portal to show UTC, and export again")
    if not use.record:
        canonical = json.dumps(record, sort_keys=True, default=str).encode("utf-8", "replace")
        use.record = f"{use.source}:{use.tenant}:{hashlib.sha256(canonical).hexdigest()}"
    reading.rows += 1
    context = fields.json("appaccesscontext")
    nested = present(context.get("UniqueTokenId")) if isinstance(context, dict) else None
    spelled = nested or fields.text(*_SPELLED)
    if spelled is not None:
        token = token_id(spelled)
        _count(reading.spellings, token.spelling if token else "unknown")
    for doubt in (use.doubt or "").split("; "):
        if doubt:
            _count(reading.doubts, doubt)
    return use


def _count(tally: dict[str, int], name: str) -> None:
    tally[name] = tally.get(name, 0) + 1
