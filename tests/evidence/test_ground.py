"""What a damaged or refused file may have held, and whose hours that costs."""

import json

from tests.evidence.conftest import OTHER, TENANT

SUMMARY = {"appId": "22222222-2222-2222-2222-222222222222", "signInCount": 12, "firstSignInDateTime": "2026-10-05"}


def states(tenant):
    """States by source."""
    return {covered["source"]: set(covered["states"]) for covered in tenant["coverage"]}


def test_a_summarised_export_costs_the_sign_ins_alone(case):
    """The other logs were exported row by row, and stay proven."""
    case.heartbeat()
    case.signins.clear()
    case.files["summary.json"] = json.dumps({"value": [SUMMARY]}).encode()

    assert states(case.tenant()) == {
        "sign-ins": {"not-exported"}, "graph-activity": {"proven"}, "mailbox-audit": {"proven"},
    }  # fmt: skip


def test_a_record_of_no_known_kind_costs_the_tenant_that_it_names(case):
    """Somebody else's strange record is no loss of ours."""
    case.heartbeat()
    case.connect(OTHER)
    case.files["odd.json"] = json.dumps({"tenantId": OTHER, "strange": True}).encode()
    document = case.answer().document

    by_name = {entry["tenant"]: entry for entry in document["tenants"]}
    assert by_name[TENANT]["state"] == "clean"
    assert states(by_name[OTHER])["sign-ins"] == {"unknown-schema"}


def test_a_record_of_no_known_kind_that_names_nobody_costs_everybody(case):
    """It may have been anybody's row."""
    case.heartbeat()
    case.files["odd.json"] = json.dumps({"who": "knows", "strange": True}).encode()

    assert case.tenant()["state"] == "cannot-say"
