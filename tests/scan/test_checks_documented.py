"""The page about the checks says what is so."""

import re
import tomllib
from pathlib import Path

from counterfoil.scan import attack
from counterfoil.scan.checks import MODULES
from counterfoil.scan.policy_document import read
from counterfoil.scan.verdict import MALWARE, REASONS

PAGE = (Path(__file__).parents[2] / "docs/checks.md").read_text()


def test_every_check_is_documented_in_order():
    """The table has one row for each check, in the order in which they run."""
    assert re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE) == [module.NAME for module in MODULES]


def test_what_an_entry_never_lifts_is_what_the_page_says():
    """The list of malware checks in the words about allow entries is the one in the code."""
    sentence = re.search(r"never lifts a malicious finding of (.*?), and it lifts", PAGE, re.DOTALL).group(1)
    assert set(re.findall(r"`([\w-]+)`", sentence)) == MALWARE


def test_the_example_policy_is_one():
    """The TOML on the page is read without a problem."""
    assert read(tomllib.loads(re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL).group(1)), REASONS).hold_days == 14


def test_the_attack_version_is_the_pinned_one():
    """The page names the version that the ids come from."""
    assert f"Enterprise v{attack.VERSION}" in PAGE
