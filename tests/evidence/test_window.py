"""The window that is asked about: what it is if nobody says it, and what lies beside it."""

import json
from datetime import UTC, datetime

import pytest

from counterfoil.evidence.stubs import read_stubs
from counterfoil.flows.reconcile import window_of
from counterfoil.model.errors import Refused

NINE, ELEVEN = datetime(2026, 10, 5, 9, tzinfo=UTC), datetime(2026, 10, 5, 11, tzinfo=UTC)


def stub(kind, time, **more):
    """One line of stubs."""
    return json.dumps({"kind": kind, "time": f"2026-{time}Z", "tenant": "t", "app": "a"} | more)


def test_the_window_is_the_whole_hours_of_tokens_and_calls():
    """A credential of last month and a job that was planned before are older than any use."""
    lines = [
        stub("credential", "09-01T00:00:00"),
        stub("job", "10-05T08:59:00", id="j"),
        stub("token", "10-05T09:01:00", outcome="unknown"),
        stub("call", "10-05T10:59:59.5", uti=None),
    ]
    window = window_of(read_stubs(lines), None, None, None)

    assert (window.since, window.until, window.as_of) == (NINE, ELEVEN, ELEVEN)


def test_where_nothing_was_used_the_times_of_the_other_stubs_have_to_do():
    """A credential that lay ready has a time; without any the window must be given."""
    window = window_of(read_stubs([stub("credential", "10-05T10:30:00")]), None, None, None)
    assert window.since == datetime(2026, 10, 5, 10, tzinfo=UTC)
    with pytest.raises(Refused, match="no window was given"):
        window_of(read_stubs(['{"kind":"tenant","tenant":"t"}']), None, None, None)


def test_a_theft_beside_the_window_is_said_though_it_is_not_counted(case):
    """The tenant is clean in the hour that was asked about, and the answer tells where to look next."""
    case.heartbeat()
    case.signin(7, "08:30:00")
    tenant = case.tenant()

    assert (tenant["state"], tenant["discrepancies"]) == ("clean", [])
    (said,) = tenant["reasons"]
    assert said == (
        "outside the window: 1 row not ours, 2026-10-05T08:30:00Z to 2026-10-05T08:30:00Z: "
        "ask again with a wider window"
    )
