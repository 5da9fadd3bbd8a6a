"""Lines of stubs that say less than their kind should are named, in bounds."""

import json

import pytest

from counterfoil.evidence.stubs import read_stubs

TENANT = "11111111-1111-1111-1111-111111111111"
WHOLE = {
    "tenant": {"tenant": TENANT, "name": "acme", "connected": True, "roles": ["Mail.Read"]},
    "credential": {"tenant": TENANT, "app": "a", "thumbprint_sha1": "B4" * 20, "state": "current"},
    "job": {"id": "j1", "reason": "heartbeat"},
    "token": {"tenant": TENANT, "app": "a", "uti": "Hmw7nypdd0yOEEt6LJ0eAA", "outcome": "ISSUED"},
    "call": {"tenant": TENANT, "uti": "Hmw7nypdd0yOEEt6LJ0eAA", "effect": "read", "message_ids": ["<a@b>"]},
    "disposition": {"id": "x"},
}


def _misread(kind, **changed):
    line = {"kind": kind, "time": "2026-10-05T09:00:00Z", **WHOLE.get(kind, {}), **changed}
    return read_stubs([json.dumps(line)]).misread


@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_a_whole_line_of_each_kind_has_no_fault(kind):
    """Nothing is said about lines that are as they should be, nor about kinds that a ledger holds besides."""
    assert (_misread(kind).count, _misread(kind).costs) == (0, {})


@pytest.mark.parametrize(
    ("kind", "changed", "words", "cost"),
    [
        ("foo", {}, "of no kind that we know, 'foo': it was passed over", "nobody"),
        ("foo", {"tenant": TENANT}, "of no kind that we know, 'foo': it was passed over", TENANT),
        ("tenant", {"tenant": None}, "a tenant without a tenant", None),
        ("tenant", {"roles": "Mail.Read"}, "a tenant whose roles is no list", "nobody"),
        ("tenant", {"connected": "yes"}, "a tenant whose connected is neither true nor false", "nobody"),
        ("credential", {"tenant": ""}, "a credential without a tenant", None),
        ("credential", {"app": None}, "a credential without an app", TENANT),
        ("credential", {"thumbprint_sha1": "B4B4"}, "a credential whose thumbprint_sha1 cannot be read", "nobody"),
        ("job", {"id": None}, "a job without an id", "nobody"),
        ("token", {"tenant": None}, "a token without a tenant", None),
        ("token", {"app": ""}, "a token without an app", TENANT),
        ("token", {"uti": "x"}, "a token whose uti cannot be read, 'x'", "nobody"),
        ("token", {"outcome": "ok"}, "a token whose outcome is 'ok', none of issued, refused, unknown", "nobody"),
        ("call", {"tenant": None}, "a call without a tenant", None),
        ("call", {"effect": "write"}, "a call whose effect is 'write', none of change, none, read", "nobody"),
        ("call", {"message_ids": "<a@b>"}, "a call whose message_ids is no list", "nobody"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_costs_where_it_may_hide_something(kind, changed, words, cost):
    """Its tenant pays, everybody where it names none, nobody where it can only make ours look like somebody else's."""
    found = _misread(kind, **changed)

    assert [number for number, _ in found.lines] == [1]
    assert found.lines[0][1].startswith(words)
    assert [*found.costs] == ([] if cost == "nobody" else [cost])


def test_a_tenant_that_only_such_a_line_names_is_judged_too():
    """Who stands in a line of which nothing was taken is not left out of the answer."""
    assert read_stubs([json.dumps({"kind": "tokens", "tenant": TENANT})]).tenants == {TENANT}


def test_a_job_without_an_id_is_nobodys_reason():
    """The text None is no job that a stub can name."""
    assert read_stubs([json.dumps({"kind": "job"})]).jobs == set()


def test_a_thousand_wrong_lines_are_counted_and_the_first_told():
    """Neither the answer nor the terminal grows with a wrong file."""
    found = read_stubs(json.dumps({"kind": "x" * 5_000, "tenant": TENANT}) for _ in range(1_000)).misread

    assert (found.count, len(found.lines), len(found.reasons(TENANT))) == (1_000, 20, 3)
    assert [*found.told()][-1] == "and 980 more faults in the stubs"
    assert max(map(len, found.told())) < 120
