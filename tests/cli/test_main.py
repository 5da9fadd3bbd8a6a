"""The program as a whole: what goes wrong ends in a sentence and 2, never in an answer's exit code."""

import pytest

from counterfoil.__main__ import main
from counterfoil.cli import scan


@pytest.mark.parametrize(
    "words",
    [
        ["simulate", "/proc/nowhere"],
        ["drill", "--keep", "/proc/nowhere"],
    ],
)
def test_a_place_that_cannot_be_written_is_named(words, capsys):
    """The error names the path and says what to do; the exit code is 2 and nothing is on stdout."""
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "/proc/nowhere" in err
    assert "Traceback" not in err


def test_a_fault_of_ours_is_printed_whole_and_is_no_answer(monkeypatch, capsys):
    """1 means that something was found; an exception is never that."""

    def broken(_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(scan, "run", broken)
    assert main(["scan", "/dev/null"]) == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_drill_needs_the_cast_of_its_story(capsys):
    """Fewer tenants than parts are refused with the parts."""
    assert main(["drill", "--tenants", "2"]) == 2
    assert "at least 6 tenants" in capsys.readouterr().err
