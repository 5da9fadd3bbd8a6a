"""Incidents and deeds in the console: names where people read, and who has to act is seen by who sees everybody."""

from datetime import timedelta

from tests.console.house import ROOT

from counterfoil import clock
from counterfoil.incident.notice import Notice, Paper, State
from counterfoil.incident.notices import Notices
from counterfoil.incident.record import Kind, Said
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.instant import rfc3339
from counterfoil.tenant.registry import Connections


def test_deeds_are_told_with_names_and_the_ids_are_in_the_data(house):
    """Who reads the ledger page meets our name for a tenant; what is for programs has the id beside it."""
    connections = {one.tenant: one for one in Connections(house.state.ledger).all()}
    acme = connections["acme"]
    # The page shows the newest hundred, and other tests of this house do deeds too.
    for action, subject in (("connection-added", f"{acme.tenant_id}/{acme.app}"), ("incident-finding", "a-reference")):
        said = {"actor": "root", "action": action, "subject": subject}
        house.state.ledger.append(stub_at("action", clock.now(), acme.tenant_id, **said))
    deeds = house.browser("chief").get("/ledger.json").json()["deeds"]
    added = [deed for deed in deeds if deed["action"] == "connection-added"]
    assert f"acme/{acme.app}" in [deed["subject"] for deed in added]
    findings = [deed for deed in deeds if deed["action"] == "incident-finding" and deed["tenant"] == "acme"]
    assert {deed["tenant_id"] for deed in findings} == {acme.tenant_id}
    page = house.browser("chief").get("/ledger").text
    assert acme.tenant_id not in page


def test_an_incident_says_who_has_to_act_and_who_was_told_to_who_sees_everybody(house):
    """By name, with the deadline, those who have not done it first; nothing of it is on one tenant's page."""
    acme, beta = (one.tenant_id for one in Connections(house.state.ledger).all())
    store, name = house.sources.incidents, "both"
    for tenant, days in ((acme, 1), (beta, -1)):
        detail = {"app": "a", "new": "n", "old": ["o"], "deadline": rfc3339(clock.now() + timedelta(days=days))}
        store.add(name, Said(Kind.HANDOVER, "asked", tenant, detail), ROOT)
    looked = {"app": "a", "old": "refused", "new": "accepted", "old_listed": None, "new_listed": None}
    store.add(name, Said(Kind.OBSERVED, "looked", acme, looked), ROOT)
    made = [Notice(name, acme, Paper.STEPS, "s", "<p>", "t", State.DRAFT, "root", clock.now())]
    notices = Notices(store)
    notices.draft(name, made, ROOT)
    (notice,) = notices.approve(name, notices.all(name), ROOT)
    notices.told(notice, "mail", "mailed", {"result": "accepted"}, ROOT)
    path = f"/incidents/{house.references[name]}"
    found = house.browser("chief").get(f"{path}.json").json()
    assert [(row["tenant"], row["state"], row["overdue"], row["mailed"]) for row in found["by_hand"]] == [
        ("beta", "open", True, 0),
        ("acme", "done", False, 1),
    ]
    assert [(row["tenant"], row["paper"], row["state"], row["told"]) for row in found["notices"]] == [
        ("acme", "steps", "approved", True)
    ]
    page = house.browser("chief").get(path).text
    assert "Who replaces the certificate by hand" in page
    assert f">{beta}<" not in page, "a cell that is an id and no name"
    alone = house.browser("acme-viewer").get(f"{path}.json").json()
    assert set(alone) == {"findings", "timeline", "facts"}
