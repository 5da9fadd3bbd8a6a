"""The configuration that the README shows is one that is taken."""

import re
from pathlib import Path

import pytest

from counterfoil.config import load

README = Path(__file__).resolve().parents[2] / "README.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_there_is_one():
    """Without an example this file would prove nothing."""
    assert EXAMPLES


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_example_is_sound(tmp_path: Path, text: str):
    """A person who copies the example gets no fault."""
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    assert load(tmp_path / "c.toml").gateway.outbound_listen is not None
