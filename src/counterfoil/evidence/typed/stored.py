"""What a Parquet file of the typed way holds of a row, and how whole rows are made of it again.

What every row of a source has alike, and what other columns say already, is not written: writing it costs more
than reading the JSON that it came from.
"""

from typing import Final

from counterfoil.evidence.tables import SLOT
from counterfoil.evidence.typed.sources import meanings
from counterfoil.evidence.uses import COLUMNS, GRAPH, MAILBOX, SIGN_INS

_NUMBERED: Final = "file_row_number"


def _record(source: str) -> str:
    return f"'{source}:' || tenant || ':' || request_id"


def _divided(source: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Divide the columns of a source into those that are written, and those that are made again, with their SQL."""
    stored: dict[str, str] = {}
    derived = {"record": _record(source), "number": _NUMBERED}
    for name, value in meanings(source).items():
        if name in derived:
            continue
        same = next((known for known, other in stored.items() if other == value), None)
        if same is not None:
            derived[name] = same
        elif "v." not in value:
            derived[name] = value
        else:
            stored[name] = value
    return tuple(stored), derived


_DIVIDED: Final = {source: _divided(source) for source in (SIGN_INS, GRAPH, MAILBOX)}


def written(source: str) -> dict[str, str]:
    """Say what is written of a row: SQL over its values by the name of the column, the slot of its record besides."""
    values = meanings(source)
    columns = {name: f"CAST({values[name]} AS {COLUMNS[name]})" for name in _DIVIDED[source][0]}
    return {**columns, "slot": SLOT.format(values["record"])}


def whole(source: str) -> dict[str, str]:
    """Say how a row is made again: SQL over what was written, by the name of the column."""
    derived = _DIVIDED[source][1]
    return {name: f"CAST({derived[name]} AS {kind})" if name in derived else name for name, kind in COLUMNS.items()}
