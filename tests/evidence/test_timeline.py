"""Where things lie in the report's timelines: bands of hours, marks of rows, close-ups of minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.evidence.timeline import Event, closeups, events_of, marks_of, overview, ticks

START = datetime(2026, 10, 5, tzinfo=UTC)
END = START + timedelta(hours=100)


def event(minutes, lane="read", *, sure=True, source="graph-activity"):
    """One event so many minutes after the start."""
    return Event(START + timedelta(minutes=minutes), source, lane, sure, f"event {minutes}")


def test_hours_of_one_state_are_one_band():
    """Neighbouring hours join; a gap between proven hours is never drawn away, however long the window."""
    states = ["proven"] * 3 + ["missing"] + ["proven"] * 96
    hours = {START + timedelta(hours=n): state for n, state in enumerate(states)}
    (strip,) = overview({"sign-ins": hours}, [], START, END)

    assert [(band.x, band.width, band.state) for band in strip.bands] == [
        (0.0, 3.0, "proven"),
        (3.0, 1.0, "missing"),
        (4.0, 96.0, "proven"),
    ]


def test_one_bad_hour_shows_in_a_year():
    """Where an hour is narrower than a pixel, the bad one is drawn and the good ones beside it give way."""
    end = START + timedelta(days=365)
    hours = {START + timedelta(hours=n): "late" if n == 4000 else "proven" for n in range(365 * 24)}
    (strip,) = overview({"sign-ins": hours}, [], START, end)

    assert [band.state for band in strip.bands].count("late") == 1
    assert sum(band.width for band in strip.bands) == pytest.approx(100, abs=0.1)


def test_marks_that_would_lie_over_each_other_are_one_with_a_number():
    """Many rows of one minute are a mark that counts them; a sure one among doubtful ones decides."""
    marks = marks_of([event(60, sure=False), event(61), event(62), event(3000, sure=False)], START, END)

    assert [(mark.count, mark.sure) for mark in marks] == [(3, True), (1, False)]
    assert marks[0].x == pytest.approx(1.02, abs=0.01)
    assert marks[0].size > marks[1].size
    assert "event 60" in marks[0].words


def test_a_log_without_coverage_has_a_strip_where_something_was_found_in_it():
    """The directory audit is never required, and its rows are drawn all the same."""
    strips = overview({"sign-ins": {}}, [event(1, source="directory-audit")], START, END)

    assert [(strip.label, len(strip.marks)) for strip in strips] == [("sign-ins", 0), ("directory-audit", 1)]


def test_minutes_in_which_something_happened_are_drawn_close_up():
    """Rows less than an hour apart are one close-up in lanes; a row alone needs none, and at most four are drawn."""
    burst = [event(10, "signed in"), event(10.2), event(11, "changed"), event(12, "left behind")]
    (close,) = closeups([*burst, event(600)])

    assert [(strip.label, sum(m.count for m in strip.marks)) for strip in close.strips] == [
        ("signed in", 1),
        ("read", 1),
        ("changed", 1),
        ("left behind", 1),
    ]
    assert (close.first, close.last) == (burst[0].time, burst[-1].time)
    assert len(closeups([event(200 * n + m) for n in range(9) for m in (0, 1)])) == 4


def test_a_mark_at_the_edge_stays_in_the_strip():
    """The first and the last row of a burst lie within the close-up."""
    (close,) = closeups([event(10), event(10.01)])

    assert all(0 <= mark.x <= 100 for strip in close.strips for mark in strip.marks)


@pytest.mark.parametrize(
    ("row", "lane"),
    [
        ({"source": "sign-ins"}, "signed in"),
        ({"source": "mailbox-audit", "effect": "read"}, "read"),
        ({"source": "graph-activity", "effect": "change"}, "changed"),
        ({"source": "graph-activity", "effect": "change", "record": "req-9"}, "left behind"),
        ({"source": "directory-audit", "effect": "change"}, "left behind"),
        ({"source": "ledger"}, "other"),
    ],
)
def test_what_was_done_decides_the_lane(row, lane):
    """Signing in, reading, changing and leaving something behind are lanes of their own."""
    entry = {"kind": "stolen-certificate", "evidence": [{**row, "time": "2026-10-05T09:00:00Z"}]}
    radius = {"persistence": [{"record": "graph-activity:t:req-9"}]}

    assert [found.lane for found in events_of({"discrepancies": [entry], "radius": radius})] == [lane]


def test_a_scale_begins_and_ends_with_its_window():
    """The first tick is the start, the last the end."""
    assert ticks(START, END, 2, "%d %b %H:%M") == (
        (0.0, "05 Oct 00:00"),
        (50.0, "07 Oct 02:00"),
        (100.0, "09 Oct 04:00"),
    )
