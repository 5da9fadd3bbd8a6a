"""The relation with a shape's columns, read from files: JSON in its packings, and CSV."""

from pathlib import Path

from counterfoil.evidence.typed.packing import LARGEST_WHOLE, Packing
from counterfoil.evidence.typed.worker import LONGEST, globbed


def opened(packing: Packing, paths: list[str]) -> str:
    """Write the query that opens JSON inside text; its result is written as JSON and read again."""
    shape = packing.shape
    values = ", ".join(f'{value} AS "{name}"' for name, value in shape.opened.items())
    return f"SELECT {values}, filename AS of_file FROM {_read(packing, paths, dict(shape.first))}"


def relation(packing: Packing, paths: list[str], between: Path) -> str:
    """Write the relation; ``between`` is the file that holds the result of :func:`opened`."""
    columns = dict(packing.shape.columns)
    if not packing.shape.opened:
        return _read(packing, paths, columns)
    read = _json([str(between)], "newline_delimited", "none", {**columns, "of_file": "VARCHAR"})
    return f"(SELECT * EXCLUDE (filename, of_file), of_file AS filename FROM {read})"


def _read(packing: Packing, paths: list[str], columns: dict[str, str]) -> str:
    if packing.form == "csv":
        return _csv(packing, paths, columns)
    if packing.form in ("lines", "array"):
        form = "newline_delimited" if packing.form == "lines" else "array"
        return _json(paths, form, packing.compression, columns)
    struct = "STRUCT(" + ", ".join(f'"{name}" {kind}' for name, kind in columns.items()) + ")[]"
    others = {name: "JSON" for name in ("records", "value") if name != packing.form}
    whole = _json(paths, "unstructured", "none", {packing.form: struct, **others}, LARGEST_WHOLE)
    alone = " AND ".join(f"{name} IS NULL" for name in others) or "true"
    names = ", ".join(f'record."{name}"' for name in columns)
    return (
        f"(SELECT {names}, filename FROM "
        f"(SELECT unnest(CASE WHEN {alone} THEN \"{packing.form}\" ELSE error('two lists in one envelope') END,"
        f" recursive := false) AS record, filename FROM {whole}) AS entries)"
    )


def _json(paths: list[str], form: str, compression: str, columns: dict[str, str], longest: int = LONGEST) -> str:
    typed = ", ".join(f"\"{name}\": '{_quoted(kind)}'" for name, kind in columns.items())
    return (
        f"read_json({_listed(paths)}, format = '{form}', compression = '{compression}', columns = {{{typed}}},"
        f" records = true, filename = true, maximum_object_size = {longest})"
    )


def _csv(packing: Packing, paths: list[str], columns: dict[str, str]) -> str:
    typed = ", ".join(f"'{_quoted(name)}': 'VARCHAR'" for name in packing.names)
    missing = [name for name in columns if name not in packing.names]
    more = "".join(f', CAST(NULL AS VARCHAR) AS "{name}"' for name in missing)
    return (
        f"(SELECT *{more} FROM read_csv({_listed(paths)}, auto_detect = false, header = true, delim = ','"
        f", quote = '\"', escape = '\"', columns = {{{typed}}}, compression = '{packing.compression}', filename = true,"
        f" null_padding = false, strict_mode = true, max_line_size = {LONGEST}))"
    )


def _listed(paths: list[str]) -> str:
    return "[" + ", ".join(f"'{_quoted(globbed(path))}'" for path in paths) + "]"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
