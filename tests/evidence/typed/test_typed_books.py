"""Stubs read by type are the books that Python reads, or are left to it."""

import json
from datetime import UTC, datetime

import pytest

from counterfoil.cases.story import cast, setting, tell
from counterfoil.cli.simulate import START
from counterfoil.evidence.stubs import read_stubs
from counterfoil.evidence.typed.books import read_large


@pytest.fixture(scope="module")
def stubs():
    """Stubs of tenants over Graph and over Exchange Web Services, with refused and unknown tokens."""
    stage = setting(START, 0.25, 4, 200, 3)
    return [stub for one in cast(4, 3, ()) for stub in tell(one, stage).books.stubs]


SHOWN = ["tenant", "app", "uti", "crid", "method", "path", "host", "mailbox", "messages", "effect", "job", "status"]


def comparable(books):
    """Sort the calls, each with the service it went to and the logs that must show it; without numbers and names."""
    rows = []
    for call in books.calls:
        time = call["time"] if isinstance(call["time"], datetime) else datetime.fromisoformat(call["time"])
        known = {name: call[name] for name in SHOWN}
        rows.append({**known, "time": time.replace(tzinfo=UTC), "kind": books.operations[call["operation"]]})
    return sorted(rows, key=lambda row: (row["crid"] or "", str(row)))


def test_books_read_by_type_are_the_books_that_python_reads(stubs, tmp_path):
    """Calls with the logs that must show them, tokens, credentials, connections and the span of time are the same."""
    file = tmp_path / "stubs.jsonl"
    file.write_text("".join(json.dumps(stub) + "\n" for stub in stubs))
    typed = read_large(file, tmp_path)
    plain = read_stubs(file.read_text().splitlines())

    assert typed is not None
    assert comparable(plain) == comparable(typed)
    assert plain.tokens == typed.tokens
    assert plain.credentials == typed.credentials
    assert plain.connections == typed.connections
    assert (plain.first, plain.last, plain.tenants) == (typed.first, typed.last, typed.tenants)
    assert typed.jobs is not None


@pytest.mark.parametrize(
    "change",
    [
        {"time": None},
        {"uti": "odd"},
        {"resource": "users/{id}/messages"},
        {"status": "2xx"},
        {"kind": None},
        {"tenant": None},
        {"effect": "write"},
        {"message_ids": "<a@b>"},
    ],
    ids=["time", "uti", "resource", "status", "kind", "tenant", "effect", "messages"],
)
def test_a_stub_in_no_plain_spelling_is_left_to_the_other_reader(stubs, tmp_path, change):
    """One such line, and nothing of the file counts as read."""
    call = next(stub for stub in stubs if stub["kind"] == "call")
    file = tmp_path / "stubs.jsonl"
    file.write_text("".join(json.dumps(stub) + "\n" for stub in (*stubs, {**call, **change})))

    assert read_large(file, tmp_path) is None


def test_bare_paths_went_where_their_token_was_for(stubs, tmp_path):
    """Calls whose resource names no host are told apart by the audience of their token, as Python tells them."""
    bare = [
        {**stub, "resource": stub["resource"].removeprefix("https://graph.microsoft.com")}
        if stub["kind"] == "call" and stub["resource"]
        else stub
        for stub in stubs
    ]
    file = tmp_path / "stubs.jsonl"
    file.write_text("".join(json.dumps(stub) + "\n" for stub in bare))
    typed = read_large(file, tmp_path)

    assert typed is not None
    assert comparable(read_stubs(file.read_text().splitlines())) == comparable(typed)
    assert {known.endpoint for known in typed.operations.values()} > {"graph"}


def test_a_call_in_two_lines_is_left_to_the_other_reader(stubs, tmp_path):
    """The line before the call and the line after it have to be laid over each other."""
    call = next(stub for stub in stubs if stub["kind"] == "call")
    file = tmp_path / "stubs.jsonl"
    file.write_text("".join(json.dumps(stub) + "\n" for stub in ({**call, "status": None}, *stubs)))

    assert read_large(file, tmp_path) is None
