"""The page about the configuration is the code's own table."""

import tomllib
from dataclasses import fields
from pathlib import Path

from counterfoil.config.reference import reference
from counterfoil.config.settings import Config

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_the_page_is_what_the_code_says():
    """docs/configuration.md equals the generated text, so no key is undocumented or described wrongly."""
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_every_section_is_on_the_page():
    """The generator leaves no section out."""
    assert [line for line in reference().splitlines() if line.startswith("## [")] == [
        f"## [{section.name}]" for section in fields(Config)
    ]


def test_the_example_has_only_keys_that_there_are():
    """It is TOML, and each of its sections and keys is on the page below it."""
    example = tomllib.loads(reference().partition("```toml\n")[2].partition("```")[0])
    below = reference().partition("\n## ")[2]
    assert len(example) == 3
    for section, keys in example.items():
        rows = f"## {below}".partition(f"## [{section}]")[2].partition("\n## ")[0]
        assert all(f"| `{key}` |" in rows for key in keys)
