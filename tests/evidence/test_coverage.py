"""No "clean" without coverage: every state an hour can have, and what it does to the answer."""

import json

import pytest

TENANT = "11111111-1111-1111-1111-111111111111"
OTHER = "99999999-9999-9999-9999-999999999999"
APP = "22222222-2222-2222-2222-222222222222"


def _states(tenant):
    return {entry["source"]: entry["states"] for entry in tenant["coverage"]}


def _proven(tenant):
    return {entry["source"]: entry["hours_proven"] for entry in tenant["coverage"]}


def test_an_hour_without_own_rows_is_no_data(case):
    """Nothing of ours was expected in the second hour, so nothing proves it."""
    tenant = case.heartbeat().tenant(until="11:00:00")

    assert tenant["state"] == "cannot-say"
    assert _states(tenant) == {
        source: {"proven": 1, "no-data": 1} for source in ("sign-ins", "graph-activity", "mailbox-audit")
    }
    assert (
        "sign-ins: 1 of 2 hours no-data: schedule heartbeat calls, one token and one read in every hour"
        in tenant["reasons"]
    )


@pytest.mark.parametrize(
    ("lost", "source", "as_of", "state"),
    [
        ("signins", "sign-ins", "2026-10-05T10:30:00Z", "late"),
        ("signins", "sign-ins", "2026-10-05T12:00:00Z", "missing"),
        ("calls", "graph-activity", "2026-10-05T10:30:00Z", "late"),
        ("calls", "graph-activity", "2026-10-05T12:00:00Z", "missing"),
        ("mail", "mailbox-audit", "2026-10-05T20:00:00Z", "late"),
        ("mail", "mailbox-audit", "2026-10-06T20:00:00Z", "missing"),
        ("signins", "sign-ins", "2027-10-05T09:00:00Z", "beyond-retention"),
    ],
)
def test_a_row_of_ours_that_is_not_there(case, lost, source, as_of, state):
    """It is late while it may be under way, missing afterwards; old hours may be beyond retention."""
    case.heartbeat()
    rows = getattr(case, lost)
    rows[0] = json.loads(
        json.dumps(rows[0]).replace(TENANT, OTHER).replace(APP, "88888888-8888-8888-8888-888888888888")
    )
    tenant = case.tenant(as_of=as_of)

    assert (tenant["state"], _states(tenant)[source]) == ("cannot-say", {state: 1})
    # Nothing of this tenant's log is there at all, so waiting does not help.
    absent = any("no row of it among the files" in reason for reason in tenant["reasons"])
    assert absent is (state != "beyond-retention")
    unseen = [entry["rule"] for entry in tenant["discrepancies"] if entry["kind"] == "unseen"]
    assert unseen == ([f"no-row-in-{source}"] if state == "missing" else [])


@pytest.mark.parametrize(
    ("lost", "source"), [("signins", "sign-ins"), ("calls", "graph-activity"), ("mail", "mailbox-audit")]
)
def test_a_log_that_is_not_among_the_files_is_not_exported(case, lost, source):
    """A required log that nobody exported makes "clean" impossible."""
    setattr(case.heartbeat(), lost, [])
    tenant = case.tenant()

    assert (tenant["state"], _states(tenant)[source]) == ("cannot-say", {"not-exported": 1})


def test_no_rows_at_all_are_never_clean(case):
    """An empty folder proves nothing."""
    case.heartbeat()
    case.signins, case.calls, case.mail = [], [], []

    assert case.tenant()["state"] == "cannot-say"


@pytest.mark.parametrize(
    ("roles", "lost", "state"),
    [
        (["Mail.ReadWrite"], "mail", "cannot-say"),
        (["User.Read.All"], "mail", "clean"),
        (["User.Read.All"], "calls", "cannot-say"),
        (["Reports.Read.All"], "mail", "clean"),
        (["Mial.Read"], "mail", "cannot-say"),
        (["full_access_as_app"], "calls", "clean"),
        (["full_access_as_app"], "mail", "cannot-say"),
        (["ActivityFeed.Read"], "mail", "clean"),
        (["ActivityFeed.Read"], "calls", "clean"),
        (["810c84a8-4a9e-49e6-bf7d-12d183f40d01"], "mail", "cannot-say"),
        (["AppRoleAssignment.ReadWrite.All"], "mail", "cannot-say"),
        ([], "calls", "clean"),
        (None, "mail", "cannot-say"),
        (None, "calls", "cannot-say"),
        ([], "signins", "cannot-say"),
    ],
)
def test_which_logs_are_required_follows_from_the_roles(case, roles, lost, state):
    """Sign-ins always; Graph with a Graph role; mailbox audit where mail can be touched; all for a misspelling.

    The log that is lost holds no call of ours: mail is read over Exchange Web Services, else Graph is asked for a user.
    """
    case.heartbeat().stubs[0]["roles"] = roles
    call = next(stub for stub in case.stubs if stub["kind"] == "call")
    if lost == "calls":
        call |= {"method": "POST", "resource": "https://outlook.office365.com/EWS/Exchange.asmx"}
    elif lost == "mail":
        call |= {"resource": "/v1.0/users/alice@contoso.example", "message_ids": [], "mailbox": None}
        case.calls[0]["properties"]["requestUri"] = "https://graph.microsoft.com/v1.0/users/alice@contoso.example"
    setattr(case, lost, [])

    assert case.tenant()["state"] == state


@pytest.mark.parametrize("lost", ["calls", "mail"])
def test_a_log_in_which_our_own_use_must_show_is_required_whatever_the_roles_say(case, lost):
    """Stubs that read mail over Graph contradict a line of no roles: they are believed."""
    case.heartbeat().stubs[0]["roles"] = []
    setattr(case, lost, [])

    assert case.tenant()["state"] == "cannot-say"


def test_a_tenant_without_the_connection_is_clean(case):
    """Where our application is not, there is nothing to prove."""
    case.heartbeat().connect(OTHER, connected=False)
    document = case.answer().document

    assert [(t["tenant"], t["state"], t["coverage"] == []) for t in document["tenants"]] == [
        (TENANT, "clean", False),
        (OTHER, "clean", True),
    ]
    assert document["summary"] == {"tenants": 2, "using": 1, "touched": 0, "cannot_say": 0, "clean": 2}


def test_a_tenant_that_only_its_rows_name_is_listed(case):
    """Rows of our application in a tenant that no stub names are somebody's use there."""
    case.heartbeat().signin(7, "09:30:00", tenant=OTHER)
    tenant = case.tenant(OTHER)

    assert (tenant["state"], tenant["discrepancies"][0]["kind"]) == ("touched", "stolen-certificate")


def test_rows_that_may_be_under_way_say_how_to_tell_when_the_logs_were_taken(case):
    """Logs that were taken weeks later are not late, but nobody said so."""
    case.heartbeat().token(2, "09:30:00")
    reasons = case.tenant()["reasons"]

    assert [reason.rpartition("; ")[2] for reason in reasons if " late: " in reason] == [
        "if these logs were taken later, say when with --as-of"
    ]


def test_a_touched_tenant_keeps_its_gaps(case):
    """What was found does not hide what could not be seen."""
    case.heartbeat().signin(7, "09:30:00")
    case.mail = []
    tenant = case.tenant()

    assert tenant["state"] == "touched"
    assert any(reason.startswith("mailbox-audit: 1 of 1 hours not-exported") for reason in tenant["reasons"])


def test_a_row_in_an_unknown_spelling_costs_its_hour(case):
    """A token id that we cannot read may be anybody's: the hour is not proven, and the file says so."""
    case.heartbeat().graph(1, "x", "req-9", "09:40:00", signInActivityId="??")
    answer = case.answer()
    tenant = answer.document["tenants"][0]

    assert _states(tenant)["graph-activity"] == {"unknown-schema": 1}
    assert [r.doubts for r in answer.files if r.name == "graph.json"] == [{"unknown spelling of signInActivityId": 1}]


def test_an_unfilled_key_field_costs_its_hour(case):
    """A mailbox row of our application without a token id proves nothing and is shown."""
    case.heartbeat().access(None, "mia-9", ["<m1@contoso.example>"])
    tenant = case.tenant()

    assert (tenant["state"], _states(tenant)["mailbox-audit"]) == ("cannot-say", {"unknown-schema": 1})


def test_a_throttled_mailbox_pauses_for_a_day(case):
    """After IsThrottled Exchange writes nothing for 24 hours: absence of rows is not absence of access."""
    case.heartbeat()
    case.mail[0]["OperationProperties"][1]["Value"] = "True"
    tenant = case.tenant()

    assert (tenant["state"], _states(tenant)["mailbox-audit"]) == ("cannot-say", {"throttled": 1})


def test_a_repeat_within_the_hour_need_not_show(case):
    """Exchange drops the same access within an hour, so only the first read is one that must show."""
    case.heartbeat().call(1, "crid-2", "09:40:00")
    case.graph(1, "crid-2", "req-2", "09:40:01")

    assert case.tenant()["state"] == "clean"


def test_a_call_to_the_management_api_leaves_no_graph_row(case):
    """Calls to other services cannot show in Graph's log and are not waited for."""
    case.heartbeat().call(1, "crid-2", "09:40:00", resource="https://manage.office.com/api/v1.0/x", message_ids=[])

    assert case.tenant()["state"] == "clean"


def test_a_call_without_an_answer_is_not_waited_for_and_still_explains_its_row(case):
    """An intent without outcome matches a row that is there, and none has to be."""
    case.heartbeat().call(1, "crid-2", "09:40:00", status=None)
    assert case.tenant()["state"] == "clean"

    case.graph(1, "crid-2", "req-2", "09:40:01")
    assert case.tenant()["state"] == "clean"


def test_the_bound_is_three_by_n(case):
    """With n rows of ours seen and none lost, about 3/n of all rows may be lost unnoticed."""
    case.heartbeat()
    for n in range(2, 7):
        case.call(1, f"crid-{n}", f"09:1{n}:00", message_ids=[])
        case.graph(1, f"crid-{n}", f"req-{n}", f"09:1{n}:01")
    bounds = {entry["source"]: entry["bound"] for entry in case.tenant()["coverage"]}

    assert bounds == {"sign-ins": 1.0, "graph-activity": 0.5, "mailbox-audit": 1.0}


def test_an_error_page_about_the_licence_is_unlicensed(case):
    """403 for want of P1 is a state of the tenant, not a damaged file."""
    case.heartbeat().signins = []
    page = {"error": {"code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "message": "no premium"}}
    case.files = {f"{TENANT}/signins.json": json.dumps(page).encode()}
    tenant = case.tenant()

    assert (tenant["state"], _states(tenant)["sign-ins"]) == ("cannot-say", {"unlicensed": 1})


def test_a_summarised_export_is_refused_with_the_reason(case):
    """One row for many sign-ins cannot be set against single stubs."""
    case.heartbeat()
    case.files = {"summary.json": json.dumps([{"appId": APP, "signInCount": 12, "ipAddress": "203.0.113.77"}]).encode()}
    answer = case.answer()

    assert answer.document["tenants"][0]["state"] == "cannot-say"
    assert any("summarised export" in fault for reading in answer.files for fault in reading.faults)


def test_rows_of_the_first_hour_may_arrive_in_the_next(case):
    """A row that a stub promised proves the stub's hour, even if it is dated after the window."""
    case.heartbeat()
    case.stubs[-1]["time"] = "2026-10-05T09:59:30Z"
    case.calls[0]["properties"]["timeGenerated"] = "2026-10-05T10:00:01Z"
    case.mail[0]["CreationTime"] = "2026-10-05T10:01:00"

    assert _proven(case.tenant())["mailbox-audit"] == 1


def test_of_two_calls_under_one_id_each_needs_a_row(case):
    """A program that sends two calls under one client-request-id: one row of them proves nothing, two prove both."""
    case.heartbeat().call(1, "crid-1", "09:05:00", message_ids=None)
    lacking = case.tenant(as_of="2026-10-06T12:00:00Z")

    case.graph(1, "crid-1", "req-2", "09:05:01")
    whole = case.tenant(as_of="2026-10-06T12:00:00Z")

    assert (lacking["state"], _states(lacking)["graph-activity"]) == ("cannot-say", {"missing": 1})
    assert (whole["state"], whole["discrepancies"]) == ("clean", [])


def test_a_refused_call_does_not_stand_for_the_one_that_was_carried_out(case):
    """Throttled at first and carried out at the second try, under one id: the row of the refusal is not the other's."""
    case.heartbeat().call(1, "crid-2", "09:05:00", message_ids=None, status=429)
    case.call(1, "crid-2", "09:06:00", message_ids=None)
    case.graph(1, "crid-2", "req-2", "09:05:01", responseStatusCode=429)
    lacking = case.tenant(as_of="2026-10-06T12:00:00Z")

    case.graph(1, "crid-2", "req-3", "09:06:01")

    assert _states(lacking)["graph-activity"] == {"missing": 1}
    assert case.tenant()["state"] == "clean"


def test_the_same_message_hours_later_under_one_token_needs_its_own_row(case):
    """A token may live for a day: the decoy that was read at nine proves nothing of eleven."""
    case.heartbeat()
    for clock, crid in (("10:02:00", "crid-2"), ("11:02:00", "crid-3")):
        case.call(1, crid, clock)
        case.graph(1, crid, f"req-{crid}", clock)
    case.access(1, "mia-2", ["<m1@contoso.example>"], "10:03:30")
    tenant = case.tenant(until="12:00:00", as_of="2026-10-07T12:00:00Z")

    assert _states(tenant)["mailbox-audit"] == {"proven": 2, "missing": 1}
    assert [entry["rule"] for entry in tenant["discrepancies"]] == ["no-row-in-mailbox-audit"]


def test_the_same_message_in_two_mailboxes_needs_two_rows(case):
    """A mail to two people has one Message-ID: the row of one mailbox says nothing of the other."""
    case.heartbeat().call(1, "crid-2", "09:05:00", mailbox="bob@contoso.example")
    case.graph(1, "crid-2", "req-2", "09:05:01")
    lacking = case.tenant(as_of="2026-10-07T12:00:00Z")
    case.access(1, "mia-2", ["<m1@contoso.example>"], "09:05:02", MailboxOwnerUPN="bob@contoso.example")

    assert _states(lacking)["mailbox-audit"] == {"missing": 1}
    assert case.tenant()["state"] == "clean"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"kind": "foo", "tenant": TENANT.upper()}, "line 6 of the stubs is of no kind that we know, 'foo'"),
        (
            {"kind": "call", "time": "2026-10-05T09:30:00Z", "job": "j1"},
            "line 6 of the stubs is a call without a tenant",
        ),
        ({"kind": "tenant", "roles": []}, "line 6 of the stubs is a tenant without a tenant"),
        (
            {"kind": "token", "time": "2026-10-05T08:30:00Z", "tenant": TENANT},
            "line 6 of the stubs is a token without an app",
        ),
    ],
)
def test_a_line_of_stubs_that_hides_whose_or_what_it_is_costs_the_peace(case, line, reason):
    """It may have been what would have shown a theft, so nobody says clean, and the answer names the line."""
    case.heartbeat().stubs.append({})
    case.stubs[-1] = line
    document = case.answer().document
    (tenant,) = document["tenants"]

    assert tenant["state"] == "cannot-say"
    assert any(given.startswith(reason) for given in tenant["reasons"])
    assert [entry["line"] for entry in document["stubs"]["lines"]] == [6]


def test_a_line_of_no_kind_that_names_nobody_is_told_and_costs_nothing(case):
    """A program may keep more than the form asks for; that it was passed over is said."""
    case.heartbeat().stubs.append({"kind": "weather", "sky": "blue"})
    document = case.answer().document

    assert (document["summary"]["clean"], document["stubs"]["faults"]) == (1, 1)
