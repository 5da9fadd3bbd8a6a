"""Use from inside: stubs that no job asked for, and every row of a log that shows what they did."""

EWS = "https://outlook.office365.com/EWS/Exchange.asmx"
BOX = "alice@contoso.example"


def inside(case, *, status=200, messages=("<x1@contoso.example>", "<x2@contoso.example>")):
    """An hour of ours, and in it a token and one call for each message that name a job which there never was."""
    case.heartbeat()
    case.token(5, "09:20:00", job="nobody")
    case.signin(5, "09:20:01")
    for number, message in enumerate(messages):
        case.call(
            5, f"inside-{number}", "09:21:00", job="nobody", resource=EWS, method="POST", message_ids=[message],
            status=status, mailbox=BOX,
        )  # fmt: skip


def test_rows_of_mailbox_audit_stand_for_the_calls_that_no_job_asked_for(case):
    """The record that shows the reads is counted and named with the sign-in; the radius holds what it names."""
    inside(case)
    case.access(5, "mia-inside", ["<x1@contoso.example>", "<x2@contoso.example>"], "09:21:02")
    tenant = case.tenant()

    (entry,) = tenant["discrepancies"]
    assert (entry["kind"], entry["rule"], entry["count"]) == ("inside-use", "job-joins-to-nothing", 2)
    assert {row["record"] for row in entry["evidence"]} == {"9f3b6c1e-5d2a-4c77-8e10-000000000500", "mia-inside"}
    assert tenant["radius"]["read"]["messages"] == ["<x1@contoso.example>", "<x2@contoso.example>"]
    assert tenant["radius"]["read"]["widened"] == []


def test_a_call_whose_answer_was_lost_is_told_by_the_row_that_shows_it(case):
    """Our stub does not know whether the read happened; the log does."""
    inside(case, status=None)
    case.access(5, "mia-inside", ["<x1@contoso.example>", "<x2@contoso.example>"], "09:21:02")

    assert case.tenant()["radius"]["read"]["messages"] == ["<x1@contoso.example>", "<x2@contoso.example>"]


def test_only_the_items_that_the_call_named_are_its_own(case):
    """A record of two minutes may hold reads that a job asked for beside one that none did."""
    inside(case, messages=("<x1@contoso.example>",))
    case.call(5, "asked", "09:21:00", resource=EWS, method="POST", message_ids=["<y@contoso.example>"], mailbox=BOX)
    case.access(5, "mia-inside", ["<x1@contoso.example>", "<y@contoso.example>"], "09:21:02")

    assert case.tenant()["radius"]["read"]["messages"] == ["<x1@contoso.example>"]
