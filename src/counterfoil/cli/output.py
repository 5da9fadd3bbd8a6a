"""What the command line may print, and where.

Rules: an answer goes to stdout; everything else (progress, warnings, errors) goes to stderr. ``--json``
changes the form of the answer and never the exit code. A failure is one sentence and a hint. Nothing
prompts where there is no terminal. Colour only on a terminal, and never where NO_COLOR is set.
"""

import json
import sys
from collections.abc import Iterable

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from counterfoil.model.errors import CounterfoilError
from counterfoil.model.mail import Json

stdout = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def answer_json(document: Json) -> None:
    """Print one JSON document as one line of UTF-8 on stdout; a lone surrogate stays escaped, as JSON allows."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")


def answer_text(text: str) -> None:
    """Print plain text on stdout, exactly as given."""
    sys.stdout.write(text + "\n")


def one_line(text: str) -> str:
    """Make text from outside visible, and its line ends too: it makes no line of its own."""
    return visible(text).replace("\n", "\\x0a")


def answer_lines(lines: Iterable[tuple[str, str]]) -> None:
    """Print lines, each with its style, which shows on a terminal only; text from outside makes no line of its own."""
    for text, style in lines:
        stdout.print(Text(one_line(text), style), no_wrap=True, overflow="ignore", crop=False)


def columns() -> int | None:
    """Return how wide the terminal is, or ``None`` where there is none and lines stay whole."""
    return stdout.width if stdout.is_terminal else None


def answer_table(columns: tuple[str, ...], rows: list[tuple[str, ...]], empty: str) -> None:
    """Print a table on stdout, or ``empty`` where there is no row; without a terminal, each row whole on one line.

    Cells are text from outside: they are never read as markup, and control characters are made visible.
    Names of columns that are keys of JSON too are printed as words.
    """
    columns = tuple(column.replace("_", " ") for column in columns)
    if not rows:
        answer_text(empty)
    elif stdout.is_terminal:
        _answer_folded(columns, rows)
    else:
        for line in _whole_lines([columns, *rows]):
            answer_text(line)


def _whole_lines(rows: list[tuple[str, ...]]) -> list[str]:
    """Lay rows out in columns as wide as their widest cell, for what reads a file or a pipe line by line."""
    cells = [[visible(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _answer_folded(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    stdout.print(table, soft_wrap=False)


def visible(text: str) -> str:
    """Make control characters visible, so that a header cannot drive the reader's terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def fail(error: CounterfoilError) -> int:
    """Print an error and its hint on stderr; return exit code 2."""
    sys.stderr.write(f"counterfoil: {visible(error.message)}\n")
    if error.hint:
        sys.stderr.write("".join(f"  {line}\n" for line in visible(error.hint).splitlines()))
    return 2
