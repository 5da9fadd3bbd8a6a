"""Every change of an incident is a row and a stub."""

import json

import pytest
from tests.incident.conftest import BY, entry

from counterfoil.incident.record import Kind, Origin, Said, Status, Subject
from counterfoil.incident.scope import read_answer
from counterfoil.model.errors import Refused


def opened(store, name="leak"):
    """Open an incident."""
    return store.open(name, Origin.OPERATOR, Status.OPEN, Subject(("AA",)), words="seen", by=BY)


def stubs(store, reference):
    """The stubs of an incident, in order."""
    return [row.stub for row in store.ledger.stubs(subject=reference)]


def test_every_entry_has_its_stub(store):
    """The timeline and the ledger say the same, in the same order."""
    incident = opened(store)
    store.add("leak", Said(Kind.DECISION, "shut it", detail={"reason": "it is stolen"}), BY)
    found = stubs(store, incident.reference)
    assert [s.body["action"] for s in found] == ["incident-opened", "incident-decision"]
    assert found[1].body["detail"] == {"words": "shut it", "reason": "it is stolen"}
    assert [e.said.words for e in store.one("leak").entries] == ["seen", "shut it"]


def test_what_fails_leaves_neither_row_nor_stub(store):
    """A second incident of the same name changes nothing."""
    incident = opened(store)
    with pytest.raises(Refused, match="there is an incident leak already"):
        opened(store)
    assert len(stubs(store, incident.reference)) == 1
    assert len(store.one("leak").entries) == 1


def test_a_closed_incident_takes_notes_only(store):
    """The record of a closed incident is not changed, but may be corrected."""
    opened(store)
    store.add("leak", Said(Kind.CLOSED, "over", detail={"reason": "x"}), BY)
    with pytest.raises(Refused, match="is closed"):
        store.add("leak", Said(Kind.DECISION, "shut it"), BY)
    store.add("leak", Said(Kind.NOTE, "correction"), BY)
    assert store.one("leak").status is Status.CLOSED


def test_each_tenant_finding_is_a_stub_of_that_tenant_alone(store):
    """The stub names the hash of the very text that the tenant gets."""
    incident = opened(store)
    parts = read_answer(json.dumps({"tenants": [entry("t1"), entry("t2", "other", "clean")]}))
    store.put_scope("leak", {p.tenant: (p.state, p.text, p.sha256) for p in parts.values()}, Said(Kind.SCOPE, "x"), BY)
    mine = [row.stub for row in store.ledger.stubs(tenant="t1")]
    assert [s.body["detail"] for s in mine] == [{"state": "touched", "sha256": parts["t1"].sha256}]
    assert set(store.scope("leak")) == {"t1", "t2"}
    assert set(store.scope("leak", "t1")) == {"t1"}
    assert incident.reference == mine[0].body["subject"]
