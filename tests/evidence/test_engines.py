"""The queries give the same rows on DuckDB, on ClickHouse and in plain Python, on cases with every fault and thief."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest
from tests.evidence.plain import Plain
from tests.missing import missing

from counterfoil.evidence import collect as collecting
from counterfoil.evidence import coverage_queries, engine
from counterfoil.evidence.engine import Engine
from counterfoil.evidence.fold import FOLD
from counterfoil.evidence.matching import choose
from counterfoil.evidence.queries import PREPARE, STEPS
from counterfoil.evidence.stubs import read_stubs
from counterfoil.evidence.tables import TABLES
from counterfoil.evidence.uses import COLUMNS

ASKED = {
    "musts_by_hour": coverage_queries.MUSTS_BY_HOUR,
    "rows_by_source": coverage_queries.ROWS_BY_SOURCE,
    "doubts_by_hour": coverage_queries.DOUBTS_BY_HOUR,
    "throttled": coverage_queries.THROTTLED,
}
DECIDING = {**FOLD, **PREPARE, **STEPS, **coverage_queries.COVERAGE, **ASKED}
INPUTS = {
    "uses_loaded": {
        **dict.fromkeys(("id", "slot", "call_slot"), "BIGINT"),
        **{name: kind for name, kind in COLUMNS.items() if name != "items"},
    },
    "items_loaded": dict.fromkeys(("record", "message", "item", "folder", "crid"), "VARCHAR"),
    "calls": {
        **dict.fromkeys(("tenant", "app", "uti", "crid", "method", "path", "mailbox", "effect", "job"), "VARCHAR"),
        **dict.fromkeys(("no", "lists", "status", "call_slot"), "BIGINT"),
        "operation": "VARCHAR",
        "time": "TIMESTAMP",
    },
    "call_names": {"no": "BIGINT", "message": "VARCHAR"},
    "joined": {"record": "VARCHAR", "no": "BIGINT", "rule": "VARCHAR"},
    **{
        name: dict(column.split(" ", 1) for column in map(str.strip, TABLES[name].split(",")))
        for name in ("tokens", "credentials", "operations", "places")
    },
}
TYPES = {"VARCHAR": "String", "BIGINT": "Int64", "BOOLEAN": "Bool", "TIMESTAMP": "DateTime64(6)"}


def comparable(value):
    """Reduce a value to what both engines give: no booleans, no time zones."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value


def rows_of(rows):
    """Count rows by what they hold."""
    return Counter(json.dumps({k: comparable(v) for k, v in row.items()}, sort_keys=True, default=str) for row in rows)


class ClickHouse:
    """ClickHouse inside this process, filled with the inputs; makes the same relations from the same text."""

    SETTINGS = (
        "session_timezone = 'UTC'",
        "join_use_nulls = 1",
        "prefer_column_name_to_alias = 1",
        "union_default_mode = 'DISTINCT'",
        "date_time_input_format = 'best_effort'",
        "output_format_json_quote_64bit_integers = 0",
    )

    def __init__(self, folder, inputs):
        try:
            from chdb import session
        except ImportError:
            missing("ClickHouse in process (chdb, an extra of the tests)")
        self.session = session.Session()
        self.session.query("CREATE DATABASE reconcile")
        self.session.query("USE reconcile")
        for setting in self.SETTINGS:
            self.session.query(f"SET {setting}")
        for name, columns in INPUTS.items():
            typed = ", ".join(f"{column} Nullable({TYPES[kind]})" for column, kind in columns.items())
            self.session.query(f"CREATE TABLE {name} ({typed}) ENGINE = Memory")
            path = folder / f"{name}.jsonl"
            rows = ({column: comparable(row[column]) for column in columns} for row in inputs[name])
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            self.session.query(f"INSERT INTO {name} SELECT * FROM file('{path}', 'JSONEachRow', '{typed}')")

    def make(self, name, query):
        """Make a relation and return its rows, as DuckDB would give them."""
        self.session.query(f"CREATE TABLE {name} ENGINE = Memory AS {query}")
        lines = str(self.session.query(f"SELECT * FROM {name}", "JSONEachRow")).splitlines()
        types = str(self.session.query(f"DESCRIBE TABLE {name}", "TSV")).splitlines()
        times = {line.split("\t")[0] for line in types if "DateTime" in line}
        return [
            {k: _moment(v) if k in times and v else int(v) if isinstance(v, bool) else v for k, v in row.items()}
            for row in map(json.loads, lines)
        ]


def _moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def by_duckdb(folder, case, pool, worthwhile=collecting.WORTHWHILE):
    """Read a case and let the engine of the product match it; return inputs and results by name."""
    books = read_stubs((case / "stubs.jsonl").read_text().splitlines())
    (folder / "scratch").mkdir()
    collected = collecting.collect(pool, [case / "logs"], folder / "scratch", books.tenants, worthwhile=worthwhile)
    with Engine(folder / "scratch") as engine:
        engine.load_uses(collected)
        engine.load_books(books)
        pairs, _ = choose(engine.prepare())
        engine.match(pairs)
        inputs = {name: list(engine.rows(f"SELECT {', '.join(INPUTS[name])} FROM {name}")) for name in INPUTS}
        results = {name: list(engine.rows(ASKED.get(name, f"SELECT * FROM {name}"))) for name in DECIDING}
    return inputs, results


@pytest.fixture(scope="module", params=[1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 8))])
def matched(request, tmp_path_factory, reading_pool):
    """A case of many tenants with every fault and thief, matched by the product on DuckDB."""
    from counterfoil.__main__ import main

    folder = tmp_path_factory.mktemp(f"engines{request.param}")
    words = ["--tenants", "40", "--days", "1", "--calls", "2000", "--seed", str(request.param), "--faults", "all"]
    assert main(["simulate", str(folder / "case"), *words]) == 0
    return folder, *by_duckdb(folder, folder / "case", reading_pool)


def test_clickhouse_gives_the_rows_that_duckdb_gives(matched):
    """Every relation of folding, matching and coverage holds the same rows, from the same text."""
    folder, inputs, results = matched
    other = ClickHouse(folder, inputs)

    for name, query in DECIDING.items():
        assert rows_of(results[name]) == rows_of(other.make(name, query)), name
    other.session.close()
    filled = [name for name in DECIDING if results[name]]
    assert len(filled) > len(DECIDING) - 8, set(DECIDING) - set(filled)


def test_rows_that_stay_in_their_files_are_matched_as_those_in_memory_are(matched, tmp_path, reading_pool, monkeypatch):
    """Many rows, read by type and read again for each question, give what few rows give that Python read."""
    folder, _, held = matched
    monkeypatch.setattr(engine, "SMALL", 0)
    _, read = by_duckdb(tmp_path, folder / "case", reading_pool, worthwhile=0)

    def facts(row):
        return {name: value for name, value in row.items() if name not in ("id", "detail")}

    for name in ("uses", "signins_by_uti", "keys_shared", "mailbox_matched", "remainder", "musts"):
        assert rows_of(map(facts, held[name])) == rows_of(map(facts, read[name])), name


def test_plain_python_gives_the_rows_that_duckdb_gives(matched):
    """What is ours, what is left over, and what must be there and is: the same as dictionaries and loops find."""
    _, inputs, results = matched
    plain = Plain(inputs)

    def pairs(name, *columns):
        return [tuple(comparable(row[column]) for column in columns) for row in results[name]]

    assert sorted((row["record"], row["copies"]) for row in plain.raw) == sorted(pairs("uses_raw", "record", "copies"))
    assert sorted(row["record"] for row in plain.uses) == sorted(row["record"] for row in results["uses"])
    assert sorted(plain.signins_by_uti().items()) == sorted(pairs("signins_by_uti", "record", "no"))
    assert plain.signin_candidates() == set(pairs("signin_candidates", "record", "no", "distance"))
    assert sorted(plain.call_ranks()) == sorted(pairs("call_ranks", "id", "no", "stubs", "place", "agrees"))
    assert plain.calls_matched() == set(pairs("calls_matched", "id", "no"))
    assert sorted(plain.mailbox_matched()) == sorted(row["record"] for row in results["mailbox_matched"])
    assert plain.left_over(inputs["joined"]) == set(pairs("left_over", "id", "uti"))
    assert plain.musts(inputs["joined"]) == sorted(pairs("musts", "source", "no", "arrived"))
