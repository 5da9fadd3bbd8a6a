"""The queries with which a customer checks us: each finds the planted foreign row, and no other."""

import base64
import csv
import io
import json
import re

import duckdb
import pytest

from counterfoil.evidence.checks import checks, spellings
from counterfoil.evidence.stubs import read_stubs
from counterfoil.model.instant import from_rfc3339

TENANT = "11111111-1111-1111-1111-111111111111"
APP = "22222222-2222-2222-2222-222222222222"
ELSE = "55555555-5555-4555-8555-555555555555"
WINDOW = (from_rfc3339("2026-10-05T09:00:00Z"), from_rfc3339("2026-10-05T10:00:00Z"))


@pytest.fixture
def theft(case):
    """Our own hour, and beside it what a thief did and what is nobody's business, in every log."""
    case.heartbeat()
    case.token(2, "08:30:00")  # issued before the window, used in it
    case.call(2, "crid-2", "09:05:00")
    case.graph(2, "crid-2", "req-2", "09:05:01")
    case.signin(7, "09:30:00", ipAddress="198.51.100.9")
    case.signin(8, "09:31:00", code=7000215, ipAddress="198.51.100.9")
    case.signin(9, "09:32:00", appId=ELSE)
    case.signin(10, "10:30:00", ipAddress="198.51.100.9")
    case.graph(7, "x", "req-7", "09:33:00", ipAddress="198.51.100.9")
    case.graph(1, "crid-stolen", "req-8", "09:34:00", ipAddress="198.51.100.9")
    case.graph(1, "crid-stolen", "req-refused", "09:34:00", responseStatusCode=403)
    case.graph(7, "x", "req-else", "09:35:00", appId=ELSE)
    case.access(7, "mia-7", ["<m2@contoso.example>"], "09:33:01")
    case.access(1, "mia-8", ["<m1@contoso.example>", "<m3@contoso.example>"], "09:34:01")
    case.access(7, "del-7", (), "09:36:00", Operation="HardDelete", RecordType=3, Folders=None,
                AffectedItems=[{"Id": "Rg", "InternetMessageId": "<m4@contoso.example>"}])  # fmt: skip
    case.access(7, "mia-else", ["<m5@contoso.example>"], "09:37:00", ClientAppId=ELSE,
                AppAccessContext={"ClientAppId": ELSE, "UniqueTokenId": "x"})  # fmt: skip
    case.access(7, "mia-failed", (), "09:38:00", ResultStatus="Failed")
    return case


def texts(case):
    """The queries of the tenant, made from the stubs alone."""
    return checks(read_stubs(map(json.dumps, case.stubs)), [TENANT], WINDOW)[TENANT]


def flat(row):
    """A row of Log Analytics: PascalCase columns, no envelope; nested values are JSON text."""
    names = {"id": "Id", "ipAddress": "IPAddress", "requestId": "RequestId"}
    columns = {names.get(key, key[0].upper() + key[1:]): value for key, value in row["properties"].items()}
    if "resultType" in row:
        columns["ResultType"] = row["resultType"]
    return {key: json.dumps(v) if isinstance(v, dict | list) else v for key, v in columns.items()} | {
        "AADTenantId": TENANT
    }


def page(row):
    """A row as the Graph API gives it: camelCase, the status within."""
    return {**row["properties"], "status": {"errorCode": int(row["resultType"])}, "resourceTenantId": TENANT}


def lines(rows):
    """JSON Lines ended by CRLF."""
    return "\r\n".join(map(json.dumps, rows))


SHAPES = {
    "storage": lines,
    "event hub": lambda rows: json.dumps({"records": rows}),
    "array": json.dumps,
    "log analytics": lambda rows: json.dumps(list(map(flat, rows))),
}
SIGN_INS = {**SHAPES, "graph page": lambda rows: json.dumps({"@odata.context": "x", "value": list(map(page, rows))})}


def found(case, folder, text, *, change=lambda sql: sql):
    """Lay one export into its folder, run its statement from the customer's check.sql, and return what it found."""
    place = case.folder / "check" / folder / "2026" / "PT1H.json"
    place.parent.mkdir(parents=True)
    place.write_text(text)
    sql = texts(case)["check.sql"].replace(f"'{folder}/", f"'{case.folder}/check/{folder}/")
    statements = sql.split(";\n")
    asked = [one for one in statements if "CREATE" in one or f"'{folder}' AS log" in one]
    with duckdb.connect() as base:
        for statement in asked[:-1]:
            base.execute(statement)
        cursor = base.execute(change(asked[-1]))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.parametrize("shape", SIGN_INS)
def test_the_foreign_sign_in_is_found_and_no_other(theft, shape):
    """Not ours, not a failure, not another application, not outside the window: one row is left, in every shape."""
    (row,) = found(theft, "sign-ins", SIGN_INS[shape](theft.signins))

    assert (row["address"], row["time"], row["log"]) == ("198.51.100.9", "2026-10-05T09:30:00Z", "sign-ins")
    assert row["token"] == theft.signins[1]["properties"]["uniqueTokenIdentifier"]


@pytest.mark.parametrize("shape", SHAPES)
def test_foreign_calls_are_found_and_no_others(theft, shape):
    """A call under a token that is not ours, and a call under ours without a stub; a refused one did nothing."""
    rows = found(theft, "graph-activity", SHAPES[shape](theft.calls))

    assert [row["record"] for row in rows] == ["req-7", "req-8"]
    assert rows[0]["what"].startswith("GET https://graph.microsoft.com/v1.0/users/alice@contoso.example/messages")


@pytest.mark.parametrize("shape", ["blob", "lines"])
def test_foreign_mailbox_rows_are_found_to_the_message(theft, shape):
    """Rows under a foreign token, and the message under our own token that our stubs do not list; ours are left out."""
    rows = found(theft, "mailbox-audit", {"blob": json.dumps, "lines": lines}[shape](theft.mail))

    assert [(row["record"], row["messages"]) for row in rows] == [
        ("mia-7", ["<m2@contoso.example>"]),
        ("mia-8", ["<m3@contoso.example>"]),
        ("del-7", ["<m4@contoso.example>"]),
    ]


def with_line(theft, folder, rows):
    """Lay a CSV into the folder, and change the statement as its comment says."""
    (theft.folder / "check" / folder).mkdir(parents=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    (theft.folder / "check" / folder / "export.csv").write_text("\ufeff" + text.getvalue())
    told = texts(theft)["check.sql"]
    which = "SELECT AuditData.*" if folder == "mailbox-audit" else r"SELECT to_json\(.*"
    line = re.search(rf"^--     ({which})$", told, re.MULTILINE)[1]
    line = re.sub(r"'[-a-z]+/", f"'{theft.folder}/check/{folder}/", line)
    return found(
        theft, folder, "[]", change=lambda sql: re.sub(r"SELECT json FROM read_json_objects\([^)]*\)", line, sql)
    )


def test_the_csv_of_an_audit_search_is_read_as_the_comment_says(theft):
    """Whoever has a CSV with AuditData puts the line of the comment in, and finds the same."""
    rows = with_line(
        theft, "mailbox-audit", [{"RecordId": row["Id"], "AuditData": json.dumps(row)} for row in theft.mail]
    )

    assert [row["record"] for row in rows] == ["mia-7", "mia-8", "del-7"]


@pytest.mark.parametrize(("folder", "records"), [("sign-ins", 1), ("graph-activity", 2)])
def test_the_csv_of_log_analytics_is_read_as_the_comment_says(theft, folder, records):
    """The portal's CSV has the same columns as text."""
    rows = theft.signins if folder == "sign-ins" else theft.calls

    assert len(with_line(theft, folder, list(map(flat, rows)))) == records


@pytest.mark.parametrize(("clock", "count"), [("09:00:00.0000001", 2), ("10:00:00.0000001", 1), ("what?", 2)])
def test_the_edges_of_the_window_are_times_and_no_texts(theft, clock, count):
    """Ticks of a second are understood; a row whose time is not is shown rather than passed over."""
    theft.signin(11)
    theft.signins[-1]["properties"]["createdDateTime"] = f"2026-10-05T{clock}Z"

    assert len(found(theft, "sign-ins", lines(theft.signins))) == count


def test_a_listing_of_ours_explains_what_it_may_have_opened(theft):
    """Under a token with which we listed a mailbox, a message that no stub names is no finding."""
    theft.call(1, "crid-list", "09:20:00", resource="/v1.0/users/alice@contoso.example/messages", message_ids=[])

    assert [row["record"] for row in found(theft, "mailbox-audit", json.dumps(theft.mail))] == ["mia-7", "del-7"]


def test_books_without_calls_ask_about_tokens_only(theft):
    """Where we kept no stubs of calls, a call under our own token is not called foreign."""
    theft.stubs = [stub for stub in theft.stubs if stub["kind"] != "call"]

    assert [row["record"] for row in found(theft, "graph-activity", lines(theft.calls))] == ["req-7"]


def test_text_of_stubs_cannot_leave_its_quotes(theft):
    """A client-request-id that was chosen by somebody else is a text in the query and nothing more."""
    theft.call(1, "x'); DROP TABLE apps; --@apps@", "09:20:00")

    assert [row["record"] for row in found(theft, "graph-activity", lines(theft.calls))] == ["req-7", "req-8"]
    assert r"x'); drop table apps; --@apps@" in texts(theft)["check.kql"]


@pytest.mark.parametrize(
    ("since", "words"),
    [
        ("2026-10-05T09:20:00Z", "OUR OWN BOOKS LACK STUBS from 2026-10-05T09:15:00Z to 2026-10-05T09:45:00Z"),
        (None, "Our own books are whole in that time."),
    ],
)
def test_a_customer_is_told_when_our_books_lack_stubs(theft, since, words):
    """In both queries, in one line of a comment: what we lost ourselves is no foreign use."""
    if since is not None:
        theft.stubs.append({"kind": "gap", "since": since, "until": "2026-10-05T09:40:00Z"})
    for name, mark in (("check.kql", "//"), ("check.sql", "--")):
        (line,) = [line for line in texts(theft)[name].splitlines() if words in line]
        assert line.startswith(f"{mark} ")


@pytest.mark.parametrize("number", range(4))
def test_every_spelling_of_a_token_is_ours(theft, number):
    """As the token has it, as a GUID in either byte order, and as base64 of the GUID's text."""
    hexes = "9f3b6c1e5d2a4c778e10000000000100"
    assert spellings(hexes)[1] == "9f3b6c1e-5d2a-4c77-8e10-000000000100"
    assert base64.b64decode(spellings(hexes)[3]).decode() == spellings(hexes)[1]
    row = theft.signins[0]
    row["properties"] |= {"uniqueTokenIdentifier": spellings(hexes)[number], "id": "unknown"}

    assert len(found(theft, "sign-ins", lines(theft.signins))) == 1


# Azure Monitor's reference of the tables AADServicePrincipalSignInLogs, MicrosoftGraphActivityLogs and OfficeActivity.
COLUMNS = {
    "AADServicePrincipalSignInLogs": {
        "AppId", "CreatedDateTime", "Id", "IPAddress", "ResultType", "UniqueTokenIdentifier", "TimeGenerated",
    },
    "MicrosoftGraphActivityLogs": {
        "AppId", "ClientRequestId", "IPAddress", "RequestId", "RequestMethod", "RequestUri", "ResponseStatusCode",
        "SignInActivityId", "TimeGenerated",
    },
    "OfficeActivity": {
        "AppId", "ClientAppId", "Client_IPAddress", "Folders", "MailboxOwnerUPN", "OfficeId", "OfficeWorkload",
        "Operation", "ResultStatus", "TimeGenerated",
    },
}  # fmt: skip
NEW = {"When", "Log", "What", "Address", "Token", "Record", "Named", "Message", "Rows"}
OPTIONAL = {"AppAccessContext", "Folders"}


def test_the_kql_names_documented_columns_only(theft):
    """Every name in it is a column of its table, one that the query makes, or asked for with column_ifexists."""
    text = re.sub(r"//.*", "", texts(theft)["check.kql"])
    text = re.sub(r"dynamic\(\[.*?\]\)", "dynamic()", text)
    parts = re.split(r"\((?=AAD|Microsoft|Office)", text)[1:]
    assert len(parts) == 6, "three logs, asked twice"
    for part in parts:
        table = re.match(r"\w+", part)[0]
        optional = set(re.findall(r'column_ifexists\("(\w+)"', part))
        bare = re.sub(r'"(\\.|[^"\\])*"', '""', part)
        names = set(re.findall(r"(?<![.\w])[A-Z]\w+", bare)) - {table}
        assert names <= COLUMNS[table] | NEW, table
        assert optional <= OPTIONAL


def test_the_kql_asks_about_all_three_logs_and_carries_our_ids(theft):
    """Sign-ins, Graph calls and mailbox audit, each with our ids, and how many rows there are besides."""
    text = texts(theft)["check.kql"]

    assert all(text.count(table) == 2 for table in COLUMNS)
    assert '"crid-1"' in text
    assert '"<m1@contoso.example>"' in text
    assert text.count("(") == text.count(")")
    assert "datetime(2026-10-05T09:00:00Z)" in text
