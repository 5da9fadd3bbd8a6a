"""What the real corpora say: clean mail stays clean, and how much phishing the content alone gives away."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.scan.making import scanned

from counterfoil.model.mail import Verdict
from counterfoil.scan.policy import DEFAULT_POLICY
from counterfoil.scan.verdict import decide


def judged(folder: Path) -> dict[Path, Verdict]:
    """The verdict on every message of a folder, without any look-up."""
    now = datetime(2026, 5, 1, tzinfo=UTC)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "README.md"]
    return {path: decide(scanned(path.read_bytes()), None, DEFAULT_POLICY, now).verdict for path in paths}


@pytest.mark.corpus
def test_clean_mail_stays_clean(corpora):
    """Every ordinary message is clean, without an exception."""
    verdicts = judged(corpora / "clean")
    assert len(verdicts) >= 40
    assert {path.name: str(verdict) for path, verdict in verdicts.items() if verdict is not Verdict.CLEAN} == {}


@pytest.mark.corpus
def test_phishing_is_counted(corpora):
    """The count is printed for docs and reviews; it is a floor, for sender authentication needs look-ups."""
    counts = Counter(judged(corpora / "phish").values())
    print(f"\nphishing: {dict(counts)}")  # noqa: T201 - the figure is what the test is for
    assert counts.total() >= 600
    assert counts.total() - counts[Verdict.CLEAN] >= 40
