"""The exchange form, as other programs write it."""

import json

import pytest

from counterfoil.evidence.stubs import read_stubs
from counterfoil.model.errors import Refused

TENANT = "11111111-1111-1111-1111-111111111111"


def test_unknown_keys_and_kinds_are_passed_over_and_absent_keys_are_null():
    """A program may keep more than the form asks for, and less."""
    books = read_stubs(
        [
            json.dumps(
                {"kind": "token", "time": "2026-10-05T11:00:00+02:00", "tenant": TENANT.upper(), "colour": "red"}
            ),
            json.dumps({"kind": "disposition", "id": "x"}),
            "",
        ]
    )

    assert [(row["tenant"], row["time"], row["outcome"], row["uti"]) for row in books.tokens] == [
        (TENANT, "2026-10-05T09:00:00Z", "unknown", None)
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 1 of the stubs is no JSON"),
        ("[1]", "line 1 of the stubs is no JSON object"),
        ('{"kind": "token"}', "line 1 of the stubs has no time"),
        ('{"kind": "call", "time": "yesterday"}', "line 1 of the stubs has no time"),
        ('{"time": "2026-10-05T09:00:00Z", "uti": "x"}', "line 1 of the stubs has no kind"),
        ('{"kind": ["call"]}', "line 1 of the stubs has no kind"),
        ('{"kind": "CALL", "time": "2026-10-05T09:00:00Z"}', "line 1 of the stubs has the kind 'CALL'"),
        ('{"kind": "gap", "time": "2026-10-05T09:00:00Z"}', "is a gap that does not say"),
    ],
)
def test_a_line_that_cannot_be_read_stops_everything(line, words):
    """With a stub missing, our own use would look like somebody else's."""
    with pytest.raises(Refused, match=words):
        read_stubs([line])


def test_a_gap_may_be_all_of_time():
    """Whoever knows nothing says so, from the first year to the last."""
    line = '{"kind": "gap", "since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}'
    ((since, until),) = read_stubs([line]).gaps
    assert (since.year, until.year) == (1, 9999)


def test_the_line_before_a_request_and_the_line_after_are_one_stub():
    """A write-ahead stub and its outcome count once, for tokens and for calls."""
    token = {"kind": "token", "tenant": TENANT, "correlation_id": "c1", "jti": "j"}
    call = {"kind": "call", "tenant": TENANT, "uti": "Hmw7nypdd0yOEEt6LJ0eAA", "client_request_id": "r1"}
    books = read_stubs(
        json.dumps(stub)
        for stub in (
            {**token, "time": "2026-10-05T09:00:00Z", "outcome": "unknown"},
            {**token, "time": "2026-10-05T09:00:01Z", "outcome": "issued", "uti": "Hmw7nypdd0yOEEt6LJ0eAA"},
            {**call, "time": "2026-10-05T09:00:02Z", "message_ids": ["<a@b>"], "effect": "read"},
            {**call, "time": "2026-10-05T09:00:03Z", "status": 200},
        )
    )

    assert [(row["outcome"], row["time"]) for row in books.tokens] == [("issued", "2026-10-05T09:00:00Z")]
    assert [(row["status"], row["messages"], row["effect"]) for row in books.calls] == [(200, ["<a@b>"], "read")]


def test_a_stub_that_stands_twice_is_one():
    """Two exports of our own books overlap: a call that began and ended, and a token, twice over."""
    token = {"kind": "token", "time": "2026-10-05T09:00:00Z", "tenant": TENANT, "correlation_id": "c", "uti": None}
    call = {"kind": "call", "time": "2026-10-05T09:01:00Z", "tenant": TENANT, "client_request_id": "x", "status": None}
    ended = {**call, "time": "2026-10-05T09:01:01Z", "status": 200}
    books = read_stubs(json.dumps(stub) for stub in (token, call, ended, token, call, ended))

    assert (len(books.tokens), len(books.calls)) == (1, 1)


def test_two_calls_that_both_have_an_answer_stay_two():
    """A program that repeats a request under one id keeps two stubs, and two rows are its own."""
    call = {"kind": "call", "tenant": TENANT, "uti": "Hmw7nypdd0yOEEt6LJ0eAA", "client_request_id": "r1"}
    books = read_stubs(json.dumps({**call, "time": "2026-10-05T09:00:02Z", "status": status}) for status in (503, 200))

    assert [row["status"] for row in books.calls] == [503, 200]
