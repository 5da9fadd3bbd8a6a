"""Whole messages, each a file named by its defect, with the reason and what must be found in the ``.why`` beside it.

Files in ``inputs/private`` (not kept in version control) are run in the same way.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.scan.making import scanned

from counterfoil.scan.policy import DEFAULT_POLICY
from counterfoil.scan.verdict import decide

INPUTS = Path(__file__).parent / "inputs"
MESSAGES = sorted(INPUTS.rglob("*.eml"))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_a_message_is_judged_as_its_why_says(path):
    """The verdict is the one that is named, and each named finding is there with its weight."""
    why, _, expected = path.with_suffix(".why").read_text().strip().rpartition("\n\n")
    assert why.strip(), "a why has a reason"
    verdict, *findings = expected.splitlines()
    scan = scanned(path.read_bytes())
    decision = decide(scan, None, DEFAULT_POLICY, datetime(2026, 5, 1, tzinfo=UTC))
    assert str(decision.verdict) == verdict, [(one.check, str(one.severity), one.summary) for one in scan.findings]
    assert set(findings) <= {f"{one.check} {one.severity}" for one in scan.findings}


def test_there_are_inputs():
    """An empty folder would pass in silence."""
    assert len(MESSAGES) >= 19
