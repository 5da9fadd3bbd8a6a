"""Every file of the shared corpora through the command: no crash, no silence, nothing beyond its budget."""

import csv
import json
from collections import Counter

import pytest

from counterfoil.__main__ import main

SECONDS = 20
SHORT = 9
"""The short form takes every ninth file."""


def manifest(corpora) -> dict[str, str]:
    """The class of each file."""
    with (corpora / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["class"] for row in csv.DictReader(file, delimiter="\t")}


def scan_all(corpora, capsys, step):
    """Scan every so many files; return what was printed, with each file's class."""
    classes = manifest(corpora)
    assert len(classes) > 2000
    chosen = sorted(classes)[::step]
    code = main(["scan", "--json", *(str(corpora / name) for name in chosen)])
    output = capsys.readouterr()
    assert code == 1, output.err
    assert output.err == ""
    found = [json.loads(line) for line in output.out.splitlines()]
    assert {one["path"] for one in found} == {str(corpora / name) for name in chosen}
    return [(classes[one["path"].removeprefix(f"{corpora}/")], one) for one in found]


def check(results) -> None:
    """Hold every result against its budget, and the ordinary mail against what it is."""
    for kind, one in results:
        assert one["elapsed_ms"] < SECONDS * 1000, one["path"]
        for item in one["uninspectable"]:
            assert "the scan failed" not in item["reason"], (kind, one["path"], item)
            assert "the scan was stopped" not in item["reason"], (kind, one["path"], item)


@pytest.mark.corpus
def test_some_files_of_the_corpora(corpora, capsys):
    """A sample of every class is scanned with a result of its own."""
    check(scan_all(corpora, capsys, SHORT))


@pytest.mark.corpus
@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_file_of_the_corpora(corpora, capsys):
    """Every file has a result, and of the ordinary mail at most one message in twenty is not clean."""
    results = scan_all(corpora, capsys, 1)
    check(results)
    clean = Counter(one["verdict"] for kind, one in results if kind == "clean")
    assert clean["clean"] >= clean.total() * 0.95, clean
