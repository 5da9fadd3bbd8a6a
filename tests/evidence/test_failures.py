"""docs/failures.md: every way in which reconciling can fail has tests, and they are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_way_to_fail_names_tests_that_are_there():
    """24 rows, numbered; each names a file of tests, and where it names a test, the file has it."""
    rows = re.findall(
        r"^\| (\d+) \|.*\| (.+) \|$", (ROOT / "docs/failures.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert [int(number) for number, _ in rows] == list(range(1, 25))

    file = ""
    for number, shown in rows:
        named = re.findall(r"`((?:[\w/]+\.py)|…)(?:::(\w+))?`", shown)
        assert named or shown.startswith("the same"), number
        for given, test in named:
            file = file if given == "…" else given
            text = (ROOT / "tests" / file).read_text(encoding="utf-8")
            assert f"def {test}(" in text or not test, f"{number}: {file} has no {test}"
