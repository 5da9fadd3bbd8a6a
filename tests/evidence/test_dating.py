"""Exports in another time zone: told by our own rows, never clean, and nobody is touched by the shift alone."""

import json
from datetime import datetime, timedelta

import pytest

ROWS = {"sign-ins": "signins", "graph-activity": "calls", "mailbox-audit": "mail"}
TIMES = {"time", "createdDateTime", "timeGenerated", "CreationTime"}


def _shift(rows, by):
    """Write the times of rows as a clock in another zone shows them, and call it UTC."""
    for row in rows:
        for holder in (row, row.get("properties", {})):
            for name in TIMES & holder.keys():
                text = holder[name]
                moved = datetime.fromisoformat(text.rstrip("Z")) + by
                holder[name] = moved.isoformat() + ("Z" if text.endswith("Z") else "")


def _states(tenant):
    return {entry["source"]: entry["states"] for entry in tenant["coverage"]}


@pytest.mark.parametrize("hours", [-10, -1, 0.5, 2, 5.75])
@pytest.mark.parametrize("source", ROWS)
def test_an_export_in_another_time_zone_proves_nothing_and_accuses_nobody(case, source, hours):
    """All rows of one log moved by the same: the reason says by how much, and what to do."""
    case.heartbeat()
    _shift(getattr(case, ROWS[source]), timedelta(hours=hours))
    answer = case.answer()
    tenant = answer.document["tenants"][0]

    assert (tenant["state"], _states(tenant)[source]) == ("cannot-say", {"unknown-schema": 1})
    assert tenant["discrepancies"] == []
    words = f"{abs(int(hours * 60)) // 60} h {abs(int(hours * 60)) % 60:02d} min {'later' if hours > 0 else 'earlier'}"
    (reason,) = (reason for reason in tenant["reasons"] if "time zone" in reason)
    assert reason.startswith(f"{source}: rows of ours are dated {words} than")
    assert "export it again in UTC" in reason
    assert [reading.doubts for reading in answer.files if reading.kinds.get(source)] == [{reason: 1}]


def test_a_theft_that_the_shift_moves_out_of_the_window_is_found(case):
    """Half past nine is written as half past eleven: the row has no time that can be believed, and counts."""
    case.heartbeat().signin(7, "09:30:00")
    _shift(case.signins, timedelta(hours=2))
    tenant = case.tenant()

    assert tenant["state"] == "touched"
    assert tenant["discrepancies"][0]["first"] is None


def test_a_theft_in_a_file_without_rows_of_ours_has_the_zone_of_the_others(case):
    """The same exporter wrote both files; where no row of ours tells, the other file does."""
    case.heartbeat().signin(7, "09:30:00")
    _shift(case.signins, timedelta(hours=2))

    case.files = {"later.json": json.dumps(case.signins.pop()).encode()}

    assert case.tenant()["state"] == "touched"


def test_another_file_in_utc_keeps_its_times(case):
    """One of two exports is wrong; a theft in the right one is told with its time."""
    case.heartbeat().token(2, "09:40:00")
    case.signin(2, "09:40:01")
    _shift(case.signins, timedelta(hours=2))
    moved = case.signins.pop()
    case.signin(7, "09:30:00")
    _shift(case.signins[:1], timedelta(hours=-2))
    case.files = {"moved.json": json.dumps(moved).encode()}
    tenant = case.tenant()

    assert tenant["discrepancies"][0]["first"] == "2026-10-05T09:30:00Z"
    assert any("2 h 00 min later" in reason for reason in tenant["reasons"])


def test_a_single_row_that_lies_apart_costs_its_hours_only(case):
    """One call of many that waited long before it was sent: no time zone, and no proof of its hour either."""
    case.heartbeat()
    for number in range(11):
        case.call(1, f"crid-1{number}", f"10:{number:02d}:00", message_ids=None)
        case.graph(1, f"crid-1{number}", f"req-1{number}", f"10:{number:02d}:01")
    _shift(case.calls[-1:], timedelta(minutes=45))
    tenant = case.tenant(until="11:00:00")

    assert _states(tenant)["graph-activity"] == {"proven": 1, "unknown-schema": 1}


def test_a_column_in_local_time_is_told_as_that(case):
    """Azure's portal names the column after the zone of who exports: no time, and the file says what to do."""
    case.heartbeat()
    row = case.calls.pop()
    names = ["TimeGenerated [Local Time]", "AadTenantId", "AppId", "RequestId", "RequestMethod", "RequestUri"]
    values = ["10/05/2026, 11:02:01.000 AM", row["tenantId"], *(row["properties"][n] for n in ("appId", "requestId"))]
    values += ["GET", row["properties"]["requestUri"]]
    case.files["graph.csv"] = "\n".join(",".join(f'"{cell}"' for cell in line) for line in (names, values)).encode()
    answer = case.answer()

    assert answer.document["tenants"][0]["state"] == "cannot-say"
    (doubts,) = (reading.doubts for reading in answer.files if reading.name == "graph.csv")
    assert "local time: set the portal to show UTC, and export again" in doubts


def test_a_clock_that_is_slow_by_minutes_is_no_time_zone(case):
    """Clocks differ; nothing is matched by time."""
    case.heartbeat()
    for rows in (case.signins, case.calls, case.mail):
        _shift(rows, timedelta(minutes=4))

    assert case.tenant()["state"] == "clean"


def test_a_gap_in_our_books_is_not_left_by_a_shift(case):
    """Rows of the time of which our ledger lost the stubs accuse nobody, however an export dates them."""
    case.heartbeat().stubs.append({"kind": "gap", "since": "2026-10-05T09:20:00Z", "until": "2026-10-05T09:40:00Z"})
    case.signin(7, "09:30:00")
    _shift(case.signins, timedelta(minutes=-30))
    tenant = case.tenant()

    assert tenant["state"] == "cannot-say"
    assert {entry["rule"] for entry in tenant["discrepancies"]} == {"gap-in-our-stubs"}
