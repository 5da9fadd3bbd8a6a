"""Stubs of programs that do not know their token's id, or send no client-request-id: never a replay by it."""

import pytest

SOURCES = ("sign-ins", "graph-activity", "mailbox-audit")


def _without(case, *names, kinds=("call",)):
    for stub in case.heartbeat().stubs:
        if stub["kind"] in kinds:
            stub.update(dict.fromkeys(names))
    return case


@pytest.mark.parametrize("kinds", [("call",), ("call", "token")])
def test_a_call_whose_token_is_not_known_is_found_by_its_own_id(case, kinds):
    """Tokens may be opaque to who uses them: the logs show the call under a token that we were issued."""
    tenant = _without(case, "uti", kinds=kinds).tenant()

    assert (tenant["state"], tenant["discrepancies"]) == ("clean", [])
    assert {entry["source"]: entry["hours_proven"] for entry in tenant["coverage"]} == dict.fromkeys(SOURCES, 1)


def test_a_read_over_exchange_whose_token_is_not_known_is_found_by_its_message(case):
    """No Graph row and no client-request-id: the mailbox row under our token names what the stub names."""
    _without(case, "uti", "client_request_id")
    case.calls.clear()
    case.stubs[-1] |= {"resource": "https://outlook.office365.com/EWS/Exchange.asmx", "method": "POST"}
    case.stubs[0]["roles"] = ["full_access_as_app"]

    tenant = case.tenant()

    assert tenant["discrepancies"] == []
    assert {entry["source"]: entry["hours_proven"] for entry in tenant["coverage"]} == {
        "sign-ins": 1,
        "graph-activity": 0,
        "mailbox-audit": 1,
    }


def test_a_thief_under_a_token_of_his_own_gains_nothing_by_a_stub_without_token(case):
    """He signs in with the stolen key and copies the id of our call: his token is none that we were issued."""
    _without(case, "uti").signin(7, "09:30:00")
    case.graph(7, "crid-1", "req-7", "09:31:00")
    tenant = case.tenant()

    assert [(entry["kind"], entry["count"]) for entry in tenant["discrepancies"]] == [("stolen-certificate", 2)]


def test_without_client_request_ids_nobody_can_tell_our_calls_from_a_replay(case):
    """A call under our token that no stub is known by: unexplained, and the tenant is neither touched nor clean."""
    tenant = _without(case, "client_request_id").tenant()

    assert tenant["state"] == "cannot-say"
    assert [(entry["kind"], entry["rule"]) for entry in tenant["discrepancies"] if entry["kind"] != "unseen"] == [
        ("unexplained", "stubs-without-ids")
    ]
