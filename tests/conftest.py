"""What every test may use: the corpora where they are, and a plain word where something is missing."""

import os
import shutil
from pathlib import Path

import pytest

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"


def missing(what: str) -> None:
    """Skip the test for want of something; with CI=true that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"not here: {what}")
    pytest.skip(f"not here: {what}")


def require_program(name: str) -> str:
    """Return the path of a program, or skip the test for want of it."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        missing(f"the program {name} (tests/debian-packages.txt lists its package)")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the shared corpora beside the checkout; the test is skipped where it is absent."""
    if not CORPORA.is_dir():
        pytest.skip("not here: the shared corpora beside the checkout")
    return CORPORA
