"""Ullrich's collection: each message hides a file from some program, and none may hide it from us."""

import re

import pytest
from tests.scan.making import scanned

NO_PAYLOAD = 4
"""Messages in BinHex whose generator wrote the name of a Perl reference instead of the file."""
NOT_A_ZIP = 2
"""Messages that name a picture and nothing else."""


@pytest.mark.corpus
def test_hidden_contents_are_found(corpora):
    """The test file is found in every message that holds it, and the count is printed."""
    paths = sorted((corpora / "mime" / "mime-is-broken" / "hide-content.d").rglob("*"))
    raws = [path.read_bytes() for path in paths if path.is_file()]
    missed = [
        raw for raw in raws if not any(b"EICAR" in part.data and "zip" in part.via for part in scanned(raw).parts)
    ]
    print(f"\nhidden contents: {len(raws) - len(missed)} of {len(raws)}")  # noqa: T201 - the figure is what it is for
    assert len(raws) == 372
    assert len(missed) == NO_PAYLOAD
    assert all(b"BinHex" in raw and re.search(rb"binhex", raw) for raw in missed)


@pytest.mark.corpus
def test_hidden_names_are_found(corpora):
    """A name that ends in .zip is among the plausible ones wherever the message has one."""
    paths = sorted((corpora / "mime" / "mime-is-broken" / "hide-filename.d").rglob("*"))
    raws = [path.read_bytes() for path in paths if path.is_file()]
    missed = [
        raw
        for raw in raws
        if not any(re.sub(r"[\s\"']", "", name).endswith(".zip") for part in scanned(raw).parts for name in part.names)
    ]
    print(f"\nhidden names: {len(raws) - len(missed)} of {len(raws)}")  # noqa: T201 - as above
    assert len(raws) == 176
    assert len(missed) == NOT_A_ZIP
    assert all(b"fname-" in raw and b".png 20" in raw for raw in missed)
