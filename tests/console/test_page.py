"""Tables as JSON and CSV, and where cells lead."""

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.console.page import Column, Fact, Page, Table, as_csv, as_json, linked

COLUMNS = (Column("a", "A"), Column("b", "B"))
CELLS = st.one_of(st.text(), st.none(), st.booleans(), st.integers(), st.lists(st.text(), max_size=3))
ROWS = st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS}), max_size=4)


@given(ROWS)
def test_csv_has_every_cell_and_runs_none(rows):
    """What another program reads from the CSV has the right shape, and no text begins like a formula."""
    text = as_csv(Table("t", "T", COLUMNS, rows, ""))
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert found[0] == ["a", "b"]
    assert len(found) == len(rows) + 1
    for row, cells in zip(rows, found[1:], strict=True):
        for value, cell in zip((row["a"], row["b"]), cells, strict=True):
            if isinstance(value, str | list):
                assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))


@given(ROWS)
def test_json_gives_back_what_went_in(rows):
    """Every value comes back as it was, lone surrogates too."""
    page = Page("T", tables=(Table("t", "T", COLUMNS, rows, ""),), facts=(Fact("x", 1),))
    assert json.loads(as_json(page)) == {"t": rows, "facts": {"x": 1}}


@given(st.text(min_size=1))
def test_a_link_stays_on_the_path_that_it_names(name: str):
    """No value of a row leads out of the place that the column names."""
    path = linked(Column("a", "A", link="/messages/{id}"), {"id": name})
    assert path.startswith("/messages/")
    rest = path.removeprefix("/messages/")
    assert rest
    assert not set(rest) & set("/?#\\<>\"' \r\n")


def test_a_cell_without_its_value_leads_nowhere():
    """Neither an absent value nor an empty one makes half a path."""
    column = Column("a", "A", link="/tenants/{tenant}")
    assert linked(column, {"tenant": None}) == linked(column, {"tenant": ""}) == linked(column, {}) == ""
