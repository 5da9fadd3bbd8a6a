"""Copies of a row: the same row twice counts once, and copies that contradict each other hide nothing."""

import pytest


@pytest.mark.parametrize("elsewhere", ["00:30:00", "18:30:00"], ids=["earlier", "later"])
def test_a_row_whose_copies_tell_two_times_counts_in_every_window(case, elsewhere):
    """An exporter that takes its time zone for UTC moves a theft out of the window in its copy; it is still told."""
    case.heartbeat()
    case.signin(7, "09:30:00")
    case.signin(7, elsewhere)
    tenant = case.tenant()

    assert tenant["state"] == "touched"
    (theft,) = tenant["discrepancies"]
    assert (theft["kind"], theft["count"], theft["first"]) == ("stolen-certificate", 1, None)


def test_contradicting_times_of_our_own_rows_cost_the_log_its_coverage(case):
    """Nothing is stolen, and yet "clean" may not be said: where the times are wrong, so may be the window."""
    case.heartbeat()
    case.signin(1, "00:01:01")
    tenant = case.tenant()

    assert tenant["state"] == "cannot-say"
    assert any(reason.startswith("sign-ins: 1 of 1 hours unknown-schema") for reason in tenant["reasons"])


def test_exporters_that_round_times_differently_do_not_contradict_each_other(case):
    """Whole seconds here and ten minutes of delay there are one row with one time."""
    case.heartbeat()
    case.signin(1, "09:10:00")

    assert case.tenant()["state"] == "clean"
