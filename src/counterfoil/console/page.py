"""What a page is made of, as values: facts and tables. The same tables become HTML, JSON and CSV. Pure."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from counterfoil.model.mail import Json
from counterfoil.model.spreadsheet import neutral
from counterfoil.operators.accounts import Account
from counterfoil.operators.roles import Permission, Scope

Row = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: where its value is in a row, its heading, how it is shown, and where it leads.

    ``kind`` is text, words (a line to read), time, number, mark (a word with a colour), code, flag, alarm,
    evidence, or data (in JSON and CSV alone). ``link`` is a path in which ``{key}`` stands for a value of the row.
    """

    key: str
    title: str
    kind: str = "text"
    link: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; ``empty`` says what to do where there are none.

    ``pick`` is the key whose value names a row in a form, if rows can be chosen; ``more`` is the query of the
    page that goes on where this one ends.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    empty: str
    pick: str = ""
    more: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A term and its value."""

    term: str
    value: Json
    kind: str = "text"
    link: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its template gets all of it. ``more`` is what only that template knows of."""

    title: str
    template: str = "tables.html"
    tables: tuple[Table, ...] = ()
    facts: tuple[Fact, ...] = ()
    more: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked for: who, for which tenants, when, and the words of the address."""

    account: Account
    scope: Scope
    now: datetime
    place: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    def may(self, permission: Permission, tenant: str | None = None) -> bool:
        """Say whether this account may do something, for a tenant where one is named."""
        scope = self.account.scope(permission)
        return scope.has(tenant) if tenant is not None else bool(scope)


def shown(table: Table) -> list[Column]:
    """Return the columns that a page shows."""
    return [column for column in table.columns if column.kind != "data"]


def linked(column: Column, row: Row) -> str:
    """Return the path that a cell leads to, its values quoted; empty where one of them is missing."""
    path = column.link
    for key, value in row.items():
        if "{" + key + "}" in path:
            if value in (None, ""):
                return ""
            path = path.replace("{" + key + "}", quote(str(value), safe="", errors="replace"))
    return "" if "{" in path else path


def cell_text(value: Json) -> str:
    """Spell a value as the text of one cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(cell_text(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def as_json(page: Page) -> str:
    """Return the tables and facts of a page as one JSON object."""
    document: dict[str, Json] = {
        table.name: [{column.key: row.get(column.key) for column in table.columns} for row in table.rows]
        for table in page.tables
    }
    if page.facts:
        document["facts"] = {fact.term: fact.value for fact in page.facts}
    # Half a surrogate pair stays escaped, as JSON allows; UTF-8 could not spell it.
    return json.dumps(document, ensure_ascii=True, indent=1) + "\n"


def as_csv(table: Table) -> str:
    """Return a table as CSV (RFC 4180), with no cell that a spreadsheet would run."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.key for column in table.columns])
    for row in table.rows:
        writer.writerow([_cell(row.get(column.key)) for column in table.columns])
    return text.getvalue()


def _cell(value: Json) -> str:
    # Numbers stay numbers: a minus sign of ours runs nothing.
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else neutral(cell_text(value))
