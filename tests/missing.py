"""A plain word where something that a test needs is missing."""

import os

import pytest


def missing(what: str) -> None:
    """Skip the test for want of something; with CI=true that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"not here: {what}")
    pytest.skip(f"not here: {what}")
