"""What a spreadsheet would run does not begin a cell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model.spreadsheet import neutral


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u00a0=1",
        "\ufeff=1",
        "\0=1",
        "＝1",
        "＠SUM",
    ],
)
def test_formulas_become_text(text: str):
    """An apostrophe stands before each, and nothing else is lost but NULs."""
    assert neutral(text) == "'" + text.replace("\0", "")


@pytest.mark.parametrize("text", ["", "plain", "a=b", "a@b.example", "1-2", "'quoted", "\u00e9"])
def test_plain_text_stays(text: str):
    """What no program runs is left alone."""
    assert neutral(text) == text


@given(st.text())
def test_no_cell_begins_like_a_formula(text: str):
    """Whatever comes in, in whatever disguise of blanks."""
    cell = neutral(text).strip(" \u00a0\ufeff\0")
    assert not cell.startswith(tuple("=+-@\t\r\n＝＋－＠"))
