"""Numbers in sentences agree with their nouns."""

import pytest

from counterfoil.model.number import counted


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((0, "message"), "0 messages"),
        ((1, "message"), "1 message"),
        ((2, "message"), "2 messages"),
        ((1, "try", "tries"), "1 try"),
        ((3, "try", "tries"), "3 tries"),
    ],
)
def test_one_and_several(words, said):
    """One is one, everything else is several, nothing included."""
    assert counted(*words) == said
