"""What an answer looks like where nobody looks at a terminal."""

import pytest
from rich.console import Console

from counterfoil.cli import output
from counterfoil.cli.output import answer_table, fail
from counterfoil.model.errors import Misconfigured

SHA256 = "AB" * 32


def test_a_row_is_one_line_without_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """However long its cells, a row is neither folded nor cut; its columns stand under their headings."""
    monkeypatch.setenv("COLUMNS", "80")
    rows = [("acme", SHA256, SHA256, "x" * 500), ("a longer name", "", "2026-03-04T05:06:07.123456Z", "end")]
    answer_table(("tenant", "proven_dead", "time", "words"), rows, "none")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["tenant", "proven", "dead", "time", "words"]
    assert lines[1].split() == list(rows[0])
    assert lines[2].split("  ")[0] == "a longer name"
    assert lines[2].index("2026-03-04T05:06:07.123456Z") == lines[1].rindex(SHA256) == lines[0].index("time")


def test_columns_line_up_below_wide_letters(capsys: pytest.CaptureFixture[str]):
    """A letter that takes two cells of a terminal counts as two."""
    answer_table(("name", "what"), [("\u4f8b\u4f8b\u4f8b", "x"), ("abcdef", "y")], "none")
    assert capsys.readouterr().out.splitlines()[1:] == ["\u4f8b\u4f8b\u4f8b  x", "abcdef  y"]


def test_no_cell_makes_a_line_or_drives_a_terminal(capsys: pytest.CaptureFixture[str]):
    """A line end, an escape and markup in text from outside stay inside their row, and are seen."""
    answer_table(("name", "what"), [("a\nb  forged", "\x1b[2J[red]x[/red]")], "none")
    assert capsys.readouterr().out.splitlines()[1:] == ["a b  forged  \\x1b[2J[red]x[/red]"]


def test_each_line_of_a_hint_stands_below_its_error(capsys: pytest.CaptureFixture[str]):
    """A hint of several lines, as for a policy with several faults, is indented as a whole."""
    assert fail(Misconfigured("the policy has 2 faults", "hold_days: too few\nactions: no shred")) == 2
    assert capsys.readouterr().err == (
        "counterfoil: the policy has 2 faults\n  hold_days: too few\n  actions: no shred\n"
    )


def test_no_line_of_an_answer_makes_another(capsys: pytest.CaptureFixture[str]):
    """A tenant's name from a log cannot write a line that the answer did not say."""
    output.answer_lines([("Contoso\n0 touched by somebody else\x1b[2J", "bold")])

    assert capsys.readouterr().out == "Contoso\\x0a0 touched by somebody else\\x1b[2J\n"


def test_no_rows(capsys: pytest.CaptureFixture[str]):
    """Instead of headings over nothing there is a sentence."""
    answer_table(("name",), [], "none yet")
    assert capsys.readouterr().out == "none yet\n"


def test_a_terminal_folds_and_loses_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """On a terminal of 40 columns a long cell goes on below itself, and no line is longer than the terminal."""
    monkeypatch.setattr(output, "stdout", Console(force_terminal=True, no_color=True, width=40, highlight=False))
    answer_table(("name", "thumbprint"), [("acme", SHA256)], "none")
    lines = capsys.readouterr().out.splitlines()[1:]
    assert max(map(len, lines)) <= 40
    assert "".join(line.removeprefix("acme").strip() for line in lines) == SHA256
