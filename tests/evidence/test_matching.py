"""Every rule by which a use is told to be ours, somebody else's, or nobody knows."""

import pytest

TENANT = "11111111-1111-1111-1111-111111111111"
KEY = "5d5a2b1e-0f0b-4b3c-9b49-8d2a3d1c7c11"
FOREIGN = "52ED9B5038A47B9E2E2190715CC238359D4F8F73"
SHA1 = "B45A29F60A83B210302B174E58386EFBB612EAA1"
THIEF = "198.51.100.9"


def _found(tenant):
    return {(entry["kind"], entry["rule"]) for entry in tenant["discrepancies"]}


def test_our_own_use_is_clean(case):
    """A token, a call and the rows they must leave make a proven hour and a clean tenant."""
    tenant = case.heartbeat().tenant()

    assert (tenant["state"], tenant["discrepancies"]) == ("clean", [])


def test_a_sign_in_with_our_certificate_and_no_stub_is_a_stolen_certificate(case):
    """The thumbprint says that it was our key, the missing stub that it was not us."""
    case.heartbeat().signin(7, "09:30:00", ipAddress=THIEF)
    tenant = case.tenant()

    assert tenant["state"] == "touched"
    assert _found(tenant) == {("stolen-certificate", "sign-in-without-stub")}
    assert tenant["discrepancies"][0]["addresses"] == [THIEF]


def test_our_own_address_explains_nothing(case):
    """A thief in the same cloud, at our own address, is found all the same."""
    case.heartbeat().signin(7, "09:30:00")

    assert case.tenant()["state"] == "touched"


@pytest.mark.parametrize(
    "fields", [{"servicePrincipalCredentialThumbprint": ""}, {"servicePrincipalCredentialKeyId": None}]
)
def test_key_id_or_thumbprint_alone_tell_our_certificate(case, fields):
    """Older rows carry the key id alone, some the thumbprint alone; the registry translates both."""
    case.heartbeat().signin(7, "09:30:00", **fields)

    assert _found(case.tenant()) == {("stolen-certificate", "sign-in-without-stub")}


def test_a_key_id_that_no_stub_names_is_learned_from_a_matched_sign_in(case):
    """A sign-in that is ours ties the key id of this tenant to our thumbprint."""
    case.heartbeat()
    for stub in case.stubs:
        stub.pop("key_id", None)
    case.signin(7, "09:30:00", servicePrincipalCredentialThumbprint="")

    assert _found(case.tenant()) == {("stolen-certificate", "sign-in-without-stub")}


def test_a_key_id_that_may_be_ours_accuses_nobody(case):
    """Where a credential of ours has a key id that was never learned, an unknown one stays unexplained."""
    case.heartbeat()
    for stub in case.stubs:
        stub.pop("key_id", None)
    case.signins[0]["properties"]["servicePrincipalCredentialKeyId"] = None
    case.signin(7, "09:30:00", servicePrincipalCredentialThumbprint="")
    tenant = case.tenant()

    assert (tenant["state"], _found(tenant)) == ("cannot-say", {("unexplained", "key-id-not-translated")})


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"servicePrincipalCredentialThumbprint": FOREIGN}, "credential-not-in-registry"),
        ({"servicePrincipalCredentialThumbprint": None}, "credential-not-in-registry"),
        (
            {"servicePrincipalCredentialThumbprint": "", "clientCredentialType": "clientSecret"},
            "secret-on-our-identity",
        ),
        ({"servicePrincipalCredentialThumbprint": "", "federatedCredentialId": "f1"}, "federated-on-our-identity"),
    ],
)
def test_a_credential_that_is_not_ours_is_foreign(case, fields, rule):
    """A certificate, secret or federated credential that our registry does not know was put there by others."""
    other = "0f0f0f0f-0000-4000-8000-000000000001"
    case.heartbeat().signin(7, "09:30:00", servicePrincipalCredentialKeyId=other, **fields)
    tenant = case.tenant()

    assert (tenant["state"], _found(tenant)) == ("touched", {("foreign-credential", rule)})


def test_a_call_under_our_token_without_a_stub_is_a_replayed_token(case):
    """The token is ours and the call is not: the token is in other hands."""
    case.heartbeat().graph(1, "crid-thief", "req-9", "09:20:00", ipAddress=THIEF)

    assert _found(case.tenant()) == {("replayed-token", "call-without-stub")}


def test_a_copied_client_request_id_is_used_twice(case):
    """A thief who copies our client-request-id leaves a second row under it."""
    case.heartbeat().graph(1, "crid-1", "req-9", "09:01:30", ipAddress=THIEF)
    tenant = case.tenant()

    assert _found(tenant) == {("replayed-token", "client-request-id-used-twice")}
    assert tenant["discrepancies"][0]["count"] == 1


def test_the_row_that_says_what_the_stub_says_is_ours(case):
    """Of two rows under one client-request-id the one with our method and path is matched."""
    row = case.heartbeat().graph(1, "crid-1", "req-9", "09:01:30", ipAddress=THIEF)
    row["properties"]["requestUri"] = "https://graph.microsoft.com/v1.0/users/bob@contoso.example/messages/AAMk7"

    evidence = case.tenant()["discrepancies"][0]["evidence"]

    assert [row["operation"] for row in evidence] == ["GET /users/bob@contoso.example/messages/AAMk7"]


def test_a_lone_row_that_differs_from_its_stub_is_unexplained(case):
    """Our row may be lost and the thief's be there under our id: nobody is accused, and nothing is clean."""
    case.heartbeat()
    case.calls[0]["properties"]["requestUri"] = (
        "https://graph.microsoft.com/v1.0/users/bob@contoso.example/messages/AAMk7"
    )
    tenant = case.tenant()

    assert (tenant["state"], _found(tenant)) == ("cannot-say", {("unexplained", "call-differs-from-its-stub")})


def test_the_same_row_twice_is_one_row(case):
    """At-least-once delivery writes a row again; a copy is no second use."""
    case.heartbeat()
    case.calls.append(case.calls[0])
    case.signins.append(case.signins[0])
    case.mail += [case.mail[0]] * 118

    assert case.tenant()["state"] == "clean"


def test_a_failed_sign_in_from_elsewhere_touches_nobody(case):
    """Anybody who has the public certificate can fail with it: shown, and no more."""
    case.heartbeat().signin(7, "09:30:00", code=700027, ipAddress=THIEF)
    tenant = case.tenant()

    assert (tenant["state"], _found(tenant)) == ("clean", {("attempted", "failed-sign-in-without-stub")})


def test_our_own_death_test_is_ours(case):
    """A refused request that has a stub is found again by its trace id or its correlation id."""
    case.heartbeat()
    case.token(
        5, "09:10:00", outcome="refused", uti=None, request_id="9f3b6c1e-5d2a-4c77-8e10-000000000500", error="700027"
    )
    case.signin(5, "09:10:01", code=700027, correlationId="other")
    case.token(6, "09:11:00", outcome="refused", uti=None, error="700027")
    case.signin(6, "09:11:01", code=700027)

    assert case.tenant()["discrepancies"] == []


def test_an_unknown_outcome_joins_one_sign_in_and_no_more(case):
    """A timed-out request may have succeeded once; a second row under its correlation id is unexplained."""
    case.heartbeat()
    case.token(5, "09:10:00", outcome="unknown", uti=None)
    case.signin(5, "09:10:01")
    assert case.tenant()["state"] == "clean"

    case.signin(8, "09:10:05", correlationId="c0c0c0c0-0005", ipAddress=THIEF)
    tenant = case.tenant()
    assert (tenant["state"], _found(tenant)) == ("cannot-say", {("unexplained", "id-of-a-stub-that-is-taken")})


def test_a_sign_in_for_another_resource_is_not_that_of_an_unknown_stub(case):
    """The answer to our request for Graph got lost; a sign-in for Azure under its correlation id is not its row."""
    case.heartbeat().token(2, "09:10:00", outcome="unknown", uti=None)
    case.signin(2, "09:10:01", resourceId="797f4846-ba00-4fd7-ba43-dac1f8f63013")
    tenant = case.tenant()

    assert (tenant["state"], _found(tenant)) == ("cannot-say", {("unexplained", "id-of-a-stub-that-is-taken")})

    case.signins[-1]["properties"]["resourceId"] = "00000003-0000-0000-c000-000000000000"
    assert case.tenant()["state"] == "clean"


def test_a_resource_that_we_never_ask_for_is_told_where_the_row_names_no_credential(case):
    """Whose key it was the row does not say; that it was not for anything we use is seen without any join."""
    case.heartbeat().signin(
        7,
        "09:30:00",
        resourceId="797f4846-ba00-4fd7-ba43-dac1f8f63013",
        servicePrincipalCredentialKeyId=None,
        servicePrincipalCredentialThumbprint="",
        clientCredentialType=None,
    )
    tenant = case.tenant()

    assert (tenant["state"], _found(tenant)) == ("cannot-say", {("unexplained", "resource-never-asked-for")})


def test_a_refused_stub_explains_no_success(case):
    """We were told no: a success under the same correlation id is not what we got."""
    case.heartbeat()
    case.token(5, "09:10:00", outcome="refused", uti=None)
    case.signin(8, "09:10:05", correlationId="c0c0c0c0-0005")

    assert _found(case.tenant()) == {("unexplained", "id-of-a-stub-that-is-taken")}


def test_the_calls_of_a_stolen_certificate_go_with_it(case):
    """Calls and mail under a foreign sign-in's token are rows of the same discrepancy."""
    case.heartbeat().signin(7, "09:30:00", ipAddress=THIEF)
    uri = "https://graph.microsoft.com/v1.0/users/alice@contoso.example/messages/AAMk7"
    case.graph(7, "x", "req-9", "09:31:00", ipAddress=THIEF, requestUri=uri)
    case.access(7, "mia-9", ["<m2@contoso.example>"], "09:31:02", ClientIPAddress=THIEF)
    tenant = case.tenant()

    assert [(d["kind"], d["count"]) for d in tenant["discrepancies"]] == [("stolen-certificate", 3)]
    assert tenant["radius"]["read"]["messages"] == ["<m2@contoso.example>"]
    assert tenant["radius"]["read"]["items"] == ["AAMk7"]


def test_activity_without_sign_in_and_stub_is_unexplained(case):
    """A token id that neither side can account for may be a lost row: no accusation, no peace."""
    case.heartbeat().graph(9, "x", "req-9", "09:31:00")
    tenant = case.tenant()

    assert (tenant["state"], _found(tenant)) == ("cannot-say", {("unexplained", "activity-without-sign-in")})


def test_a_secret_shows_in_the_call_itself(case):
    """Graph says that a secret made the token, and we have none."""
    case.heartbeat().graph(9, "x", "req-9", "09:31:00", clientAuthMethod="1")

    assert _found(case.tenant()) == {("foreign-credential", "secret-on-our-identity")}


def test_mail_that_no_stub_lists_was_read_with_a_replayed_token(case):
    """Under our token, a message that our stubs do not list was read by somebody else."""
    case.heartbeat().access(1, "mia-9", ["<m1@contoso.example>", "<m9@contoso.example>"], "09:20:00")
    tenant = case.tenant()

    assert _found(tenant) == {("replayed-token", "message-not-in-stub")}
    assert tenant["radius"]["read"]["messages"] == ["<m9@contoso.example>"]


def test_an_item_with_our_client_request_id_and_another_message_is_not_ours(case):
    """The copied id does not cover a message that its stub does not list."""
    row = case.heartbeat().access(1, "mia-9", ["<m9@contoso.example>"], "09:20:00")
    row["Folders"][0]["FolderItems"][0]["ClientRequestId"] = "crid-1"

    assert _found(case.tenant()) == {("replayed-token", "message-not-in-stub")}


def test_what_we_read_does_not_explain_a_delete(case):
    """A stub that read a message explains no row that destroyed it."""
    row = case.heartbeat().access(1, "del-1", (), "09:20:00", Operation="HardDelete", RecordType=3, Folders=None)
    row["AffectedItems"] = [
        {"Id": "Rg0", "InternetMessageId": "<m1@contoso.example>", "ParentFolder": {"Path": "\\Inbox"}}
    ]
    tenant = case.tenant()

    assert _found(tenant) == {("replayed-token", "message-not-in-stub")}
    assert tenant["radius"]["changed"]["messages"] == ["<m1@contoso.example>"]


def test_a_guid_in_either_byte_order_is_our_token(case):
    """Exchange may spell the token id of an application as a GUID, in either order of its bytes."""
    case.heartbeat()
    for spelled in ("9f3b6c1e-5d2a-4c77-8e10-000000000100", "1e6c3b9f-2a5d-774c-8e10-000000000100"):
        case.mail[0]["AppAccessContext"]["UniqueTokenId"] = spelled
        assert case.tenant()["state"] == "clean"


def test_other_applications_are_none_of_our_business(case):
    """Rows of other applications are never widened to, whatever they lack."""
    case.heartbeat().signin(7, "09:30:00", appId="77777777-7777-7777-7777-777777777777")
    case.access(None, "mia-9", ["<m5@contoso.example>"], ClientAppId="", AppAccessContext={}, AppId=None)

    assert case.tenant()["state"] == "clean"


def test_a_stub_without_a_job_is_inside_use(case):
    """A lawful-looking stub that no job asked for was written by somebody inside."""
    case.heartbeat()
    case.call(1, "crid-2", "09:40:00", job=None, message_ids=["<m4@contoso.example>"])
    case.graph(1, "crid-2", "req-2", "09:40:01")
    case.access(1, "mia-2", ["<m4@contoso.example>"], "09:40:02")
    tenant = case.tenant()

    assert (tenant["state"], _found(tenant)) == ("touched", {("inside-use", "stub-without-job")})


def test_a_job_that_nobody_knows_is_inside_use(case):
    """A made-up job id joins to nothing."""
    case.heartbeat()
    case.call(1, "crid-2", "09:40:00", job="j404", message_ids=[])
    case.graph(1, "crid-2", "req-2", "09:40:01")

    assert _found(case.tenant()) == {("inside-use", "job-joins-to-nothing")}


def test_without_job_lines_the_rule_is_off_and_the_answer_says_so(case):
    """A program that keeps no jobs is not accused of inside use."""
    case.heartbeat()
    case.stubs = [stub for stub in case.stubs if stub["kind"] != "job"]
    tenant = case.tenant()

    assert tenant["state"] == "clean"
    assert "no job lines in the stubs: the rule for inside use is off" in tenant["reasons"]


@pytest.mark.parametrize(
    ("time", "state", "found"),
    [
        ("09:30:00", "cannot-say", {("unexplained", "gap-in-our-stubs")}),
        ("09:15:30", "cannot-say", {("unexplained", "gap-in-our-stubs")}),  # clocks are a few minutes apart
        ("09:54:30", "cannot-say", {("unexplained", "gap-in-our-stubs")}),
        ("09:14:30", "touched", {("stolen-certificate", "sign-in-without-stub")}),
        ("09:55:30", "touched", {("stolen-certificate", "sign-in-without-stub")}),
    ],
)
def test_a_gap_in_our_own_ledger_accuses_nobody(case, time, state, found):
    """Where our ledger lost stubs, a use without a stub may have been ours; a while before and after it may not."""
    case.heartbeat().signin(7, time, ipAddress=THIEF)
    case.stubs.append(
        {
            "kind": "gap",
            "time": "2026-10-05T09:50:00Z",
            "since": "2026-10-05T09:20:00Z",
            "until": "2026-10-05T09:50:00Z",
        }
    )
    tenant = case.tenant()

    assert (tenant["state"], _found(tenant)) == (state, found)


def test_the_window_is_half_open_on_event_time_and_stubs_are_not_filtered(case):
    """A row at its start counts, one at its end does not, and stubs outside still explain rows inside."""
    case.heartbeat().signin(7, "09:30:00")

    assert case.tenant(since="09:30:00", until="09:31:00")["state"] == "touched"
    assert _found(case.tenant(since="09:00:00", until="09:30:00")) == set()
    assert _found(case.tenant(since="09:01:01", until="09:02:00")) == set()


def test_two_credentials_are_two_discrepancies(case):
    """Rows are told apart by whose they are: one discrepancy for each kind and credential."""
    case.heartbeat().signin(7, "09:30:00")
    case.signin(8, "09:31:00", servicePrincipalCredentialThumbprint=FOREIGN, servicePrincipalCredentialKeyId="")
    case.signin(9, "09:32:00")

    assert [(d["kind"], d["count"]) for d in case.tenant()["discrepancies"]] == [
        ("stolen-certificate", 2),
        ("foreign-credential", 1),
    ]


def _batched(case, effect="read"):
    """A batch of ours that lists nothing, its own row, and rows of calls that it carried."""
    case.heartbeat().call(
        1, "crid-b", "09:10:00", method="POST", resource="/v1.0/$batch", effect=effect, mailbox=None, message_ids=None
    )
    uri = "https://graph.microsoft.com/v1.0/$batch"
    case.graph(1, "crid-b", "req-b", "09:10:01", requestMethod="POST", requestUri=uri)
    return case


def test_the_calls_that_a_batch_of_ours_carried_are_ours(case):
    """Graph logs each by itself, with the operation id of the batch; no stub names them."""
    _batched(case)
    for number in range(20):
        case.graph(1, f"inner-{number}", f"req-b{number}", "09:10:01", operationId="crid-b")

    assert case.tenant()["state"] == "clean"


def test_a_batch_explains_no_more_calls_than_it_can_hold(case):
    """Twenty is what Graph takes in one request; the others are somebody else's."""
    _batched(case)
    for number in range(23):
        case.graph(1, f"inner-{number}", f"req-b{number}", "09:10:01", operationId="crid-b")
    tenant = case.tenant()

    assert _found(tenant) == {("replayed-token", "call-without-stub")}
    assert tenant["discrepancies"][0]["count"] == 3


def test_a_batch_explains_no_second_batch_and_no_change_it_did_not_ask_for(case):
    """A thief who copies the id of a batch sends one of his own, or deletes where we read."""
    _batched(case)
    uri = "https://graph.microsoft.com/v1.0/$batch"
    case.graph(1, "crid-b", "req-x", "09:20:01", requestMethod="POST", requestUri=uri)
    case.graph(1, "inner", "req-y", "09:20:01", requestMethod="DELETE", operationId="crid-b")
    tenant = case.tenant()

    assert tenant["state"] == "touched"
    rules = {row["rule"] for entry in tenant["discrepancies"] for row in entry["evidence"]}
    assert rules == {"client-request-id-used-twice", "call-without-stub"}
