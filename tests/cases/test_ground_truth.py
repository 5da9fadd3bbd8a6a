"""Reconciliation against cases whose truth is known: nobody falsely clean, nobody falsely touched."""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.cases import story
from counterfoil.cases.score import score
from counterfoil.cases.write import write_case
from counterfoil.evidence.collect import readers
from counterfoil.evidence.stubs import read_stubs
from counterfoil.flows.reconcile import reconcile, window_of

START = datetime(2026, 10, 5, tzinfo=UTC)
HOURS = 4


def told(folder, tenants, stage, others=()):
    """Write a case, reconcile it, and return the score of the answer."""
    truth = write_case(folder / "case", tenants, stage, others=others)
    with (folder / "case" / "stubs.jsonl").open(encoding="utf-8") as lines:
        books = read_stubs(lines)
    window = window_of(books, stage.start, story.until(stage), None)
    scratch = folder / "scratch"
    scratch.mkdir()
    with readers() as pool:
        answer = reconcile(books, [folder / "case" / "logs"], window, scratch, pool=pool)
    return score(truth, answer.document), answer.document


def judge(seed, tenants=20):
    """One mixed case with every fault and every thief; everything that was told must be true."""
    stage = story.setting(START, HOURS / 24, tenants, tenants * HOURS * 4, seed)
    with tempfile.TemporaryDirectory() as folder:
        result, _ = told(Path(folder), story.cast(tenants, seed, story.known_names("all")), stage)
    said = f"seed {seed}: {result.figures()}"
    assert not result.failed, said
    assert result.wrong == [], said
    assert result.unjustified == [], said
    return result


def test_every_fault_and_every_thief_is_told_truly():
    """Over a few seeds: kinds and messages as in truth, abstentions only where a fault excuses them."""
    results = [judge(seed) for seed in range(4)]
    assert sum(result.found for result in results) > 10
    assert any(result.undetectable for result in results), "the cases must hold what no log can show"
    assert any(result.abstained for result in results)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_simulation_of_two_hundred_cases():
    """The same over 200 seeds; COUNTERFOIL_FIRST_SEED begins elsewhere."""
    first = int(os.environ.get("COUNTERFOIL_FIRST_SEED", "0"))
    for seed in range(first, first + 200):
        judge(seed)


def test_the_story_of_2021_is_told_to_the_message(tmp_path):
    """A tenth uses the connection; three read, one replayed, one that nobody can judge; the rest is clean."""
    stage = story.setting(START, HOURS / 24, 10, 200, 1)
    result, document = told(tmp_path, story.planted(100, 1), stage, story.bystanders(100, 1))
    assert not result.failed
    assert result.wrong == result.unjustified == []
    assert document["summary"] == {"tenants": 100, "using": 10, "touched": 4, "cannot_say": 1, "clean": 95}


def test_without_a_fault_and_without_a_thief_everybody_is_clean(tmp_path):
    """Proof is possible: where all rows arrived, nobody is abstained on."""
    stage = story.setting(START, HOURS / 24, 10, 160, 5)
    result, document = told(tmp_path, story.cast(10, 5, ()), stage)
    assert document["summary"]["clean"] == 10
    assert result.wrong == []
