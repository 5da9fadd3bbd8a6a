"""Every file of the corpora is examined as a message and as an attachment: no crash, nothing beyond its budget."""

from pathlib import Path

import pytest
from tests.scan.making import scanned, scanned_file

from counterfoil.scan.limits import DEFAULT_LIMITS
from counterfoil.scan.wire import from_scan, to_scan

SAMPLE = 9
"""Every how many-th file is taken when time is short."""


def files(corpora: Path) -> list[Path]:
    """The mail and the files, without rules and tables."""
    folders = ("mime", "office", "archive", "qr", "auth", "phish", "clean")
    found = [path for folder in folders for path in sorted((corpora / folder).rglob("*")) if path.is_file()]
    assert len(found) > 2_000
    return found


def examine(path: Path) -> None:
    """Examine one file both ways, and carry the result over the border of the worker."""
    data = path.read_bytes()
    for scan in (scanned(data), scanned_file(path.name, data)):
        assert scan.size == len(data)
        assert len(scan.parts) <= DEFAULT_LIMITS.parts
        assert len({part.id for part in scan.parts}) == len(scan.parts), path
        assert not [one for one in scan.uninspectable if "check " in one.reason], path
        assert to_scan(from_scan(scan)) == scan


@pytest.mark.corpus
def test_a_sample_of_the_corpora(corpora):
    """Some of every folder."""
    for path in files(corpora)[::SAMPLE]:
        examine(path)


@pytest.mark.corpus
@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_all_of_the_corpora(corpora):
    """All files: a fuzz corpus that others have collected for us."""
    for path in files(corpora):
        examine(path)
