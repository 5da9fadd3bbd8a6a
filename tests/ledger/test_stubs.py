"""Stubs: closed kinds, one spelling (checked against the rfc8785 package), exact reading back."""

import json
from datetime import UTC, datetime

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ledger import exchange, stubs
from counterfoil.model.errors import Refused
from counterfoil.model.trust import Stub

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_canonical_json_is_that_of_another_implementation(value):
    """For every value that we allow, our octets are those of the rfc8785 package."""
    assert stubs.canonical_json(value) == rfc8785.dumps(value)


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), VALUES, max_size=5),
    st.datetimes(timezones=st.just(UTC)),
)
def test_a_stub_reads_back_as_it_was_written(more, time):
    """Canonical octets read back to the same stub, nulls left out, and spell the same again."""
    body = {f"x{key}": value for key, value in more.items()} | {"id": "m1"}
    stub = Stub("message", time, None, body)
    octets = stubs.canonical(stub)
    back = stubs.read(octets)
    assert back.body == {key: value for key, value in body.items() if value is not None}
    assert (back.time, stubs.canonical(back)) == (time, octets)


@pytest.mark.parametrize(
    ("value", "why"),
    [(1.5, "the fraction 1.5"), (2**53, "the number 9007199254740992"), ("\ud800", "half a surrogate pair")],
)
def test_what_has_no_single_spelling_is_refused(value, why):
    """Fractions, huge numbers and broken text are refused, deep inside as well."""
    with pytest.raises(Refused, match=why):
        stubs.canonical(Stub("message", NOW, None, {"id": "m", "deep": [{"er": value}]}))


@pytest.mark.parametrize(
    ("stub", "why"),
    [
        (Stub("gossip", NOW, None, {}), "'gossip' is no kind of stub"),
        (Stub("message", NOW, None, {}), "needs id"),
        (Stub("message", NOW, None, {"id": None}), "needs id"),
        (Stub("message", NOW, None, {"id": "m", "size": "7"}), "message.size is str, not int"),
        (Stub("message", NOW, None, {"id": "m", "size": True}), "message.size is bool, not int"),
        (Stub("message", NOW, None, {"id": "m", "kind": "x"}), "has no kind of its own"),
        (Stub("disposition", NOW, None, {"id": "m", "outcome": "eaten"}), "'eaten', not one of deferred"),
        (Stub("job", NOW, None, {"id": "j", "reason": "curiosity"}), "'curiosity', not one of"),
        (
            Stub("token", NOW, None, {"app": "a", "jti": "j", "correlation_id": "c", "outcome": "issued"}),
            "needs a tenant",
        ),
        (Stub("call", NOW, "t", {"app": "a", "client_request_id": "c"}), "needs job"),
    ],
)
def test_a_wrong_stub_is_refused_and_the_field_named(stub, why):
    """Unknown kinds, missing and mistyped fields and values outside a closed set are refused."""
    with pytest.raises(Refused, match=why):
        stubs.check(stub)


@pytest.mark.parametrize(
    "octets",
    [b'{"kind":"job", "time":"2026-03-01T12:00:00Z"}', b'{"time":"2026-03-01T12:00:00Z","kind":"job"}', b"[]", b"1"],
)
def test_other_spellings_are_not_read(octets):
    """Octets that canonical would not have written are refused."""
    with pytest.raises(ValueError, match="not the canonical spelling"):
        stubs.read(octets)


def test_the_exchange_form_has_every_key_and_keeps_unknown_ones():
    """A line shows null for what is not there, keeps what it does not know, and reads back."""
    stub = stubs.stub_at("call", NOW, "t", app="a", client_request_id="c", job="j", batch="b")
    (line,) = exchange.lines([stub])
    shown = json.loads(line)
    keys = {
        "kind",
        "time",
        "tenant",
        "app",
        "uti",
        "client_request_id",
        "method",
        "resource",
        "mailbox",
        "message_ids",
        "effect",
        "job",
        "status",
    }
    assert shown.keys() == keys | {"batch"}
    assert shown["uti"] is None
    assert list(exchange.read_lines([line])) == [stub]


def test_a_tenant_line_needs_no_time():
    """The exchange form gives tenants no time."""
    (stub,) = exchange.read_lines(['{"kind":"tenant","tenant":"t","name":"T","connected":true,"roles":null}\n'])
    assert (stub.tenant, stub.body) == ("t", {"name": "T", "connected": True})


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "{}",
        '{"kind":"gossip"}',
        '{"kind":"job","time":"yesterday"}',
        '{"kind":"job","time":"2026-03-01T12:00:00"}',
    ],
)
def test_a_line_that_is_no_stub_is_refused_with_its_number(line):
    """The number of the bad line is in the message."""
    with pytest.raises(Refused, match=r"^line 2"):
        list(exchange.read_lines(['{"kind":"job","id":"j","reason":"drill","time":"2026-03-01T12:00:00Z"}', line]))
