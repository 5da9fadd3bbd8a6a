"""Reconciliation against cases whose truth is known: nobody falsely clean, nobody falsely touched."""

import json
import os
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.cases import story
from counterfoil.cases.faults import FAULTS, RESTORED
from counterfoil.cases.score import score
from counterfoil.cases.write import write_case
from counterfoil.evidence.collect import collect, readers
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


def judge(seed, tenants=50, names="all"):
    """One mixed case with every fault and every thief; everything that was told must be true."""
    known = story.known_names(names)
    stage = story.setting(START, HOURS / 24, tenants, tenants * HOURS * 4, seed, known)
    with tempfile.TemporaryDirectory() as folder:
        result, answer = told(Path(folder), story.cast(tenants, seed, known), stage)
    said = f"seed {seed}: {result.figures()}"
    assert not result.failed, said
    assert result.wrong == [], said
    assert result.unjustified == [], said
    return result, answer


def add_up(results):
    """Say the sum of many scores, as docs/simulate.md prints it."""
    faults = sum((result.justified for result in results), Counter())
    return {
        "tenants": sum(result.tenants for result in results),
        "touched": sum(result.touched for result in results),
        "found": sum(result.found for result in results),
        "undetectable": sum(len(result.undetectable) for result in results),
        "abstained": sum(len(result.abstained) for result in results),
        "because_of": dict(faults.most_common()),
    }


def test_every_fault_and_every_thief_is_told_truly():
    """Over a few seeds: kinds and messages as in truth, abstentions only where a fault excuses them."""
    results = [judge(seed)[0] for seed in range(3)]
    assert sum(result.found for result in results) > 40
    assert any(result.undetectable for result in results), "the cases must hold what no log can show"
    excusing = {name for name, fault in FAULTS.items() if fault.shows and name != RESTORED}
    assert len(sum((result.justified for result in results), Counter())) > len(excusing) / 2


def test_a_restored_ledger_accuses_nobody_of_the_hour_it_lost():
    """Rows of the lost hour are unexplained, no tenant without a thief is touched, and each says what is missing."""
    result, answer = judge(3, 10, "restored,stolen-key,inside")
    assert len(result.abstained) == 10 - result.found
    assert any("missing" in covered["states"] for tenant in answer["tenants"] for covered in tenant["coverage"])


def test_a_summarised_export_is_refused_with_its_reason(tmp_path):
    """The file is named, the reason is said, and no row of it stands for anybody's sign-in."""
    known = story.known_names("summarised")
    stage = story.setting(START, HOURS / 24, 2, 40, 1, known)
    write_case(tmp_path / "case", story.cast(2, 1, known), stage)
    with readers() as pool:
        collected = collect(pool, [tmp_path / "case" / "logs"], tmp_path, set())
    refused = [reading for reading in collected.readings if "summary" in reading.kinds]
    assert refused
    assert all("one row stands for many sign-ins" in reading.faults[0] for reading in refused)
    assert all(reading.rows == 0 for reading in refused)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_simulation_of_two_hundred_cases(capsys):
    """The same over 200 seeds; COUNTERFOIL_FIRST_SEED begins elsewhere. The sum is printed."""
    first = int(os.environ.get("COUNTERFOIL_FIRST_SEED", "0"))
    results = [judge(seed)[0] for seed in range(first, first + 200)]
    with capsys.disabled():
        print(json.dumps(add_up(results), indent=1))  # noqa: T201 - the figures are what the command is for


def planted(folder, tenants, hours):
    """The scenario of 2021 at some size, told and scored."""
    using = tenants // 10
    stage = story.setting(START, hours / 24, using, using * hours * 4, 1)
    result, document = told(folder, story.planted(tenants, 1), stage, story.bystanders(tenants, 1))
    assert not result.failed
    assert result.wrong == result.unjustified == []
    states = Counter(tenant["state"] for tenant in document["tenants"])
    return document["summary"], states


def test_the_story_of_2021_is_told_to_the_message(tmp_path):
    """A tenth uses the connection; three read, one replayed, one that nobody can judge; the rest is clean."""
    summary, states = planted(tmp_path, 100, HOURS)
    assert summary == {"tenants": 100, "using": 10, "touched": 4, "cannot_say": 1, "clean": 95}
    assert states == {"clean": 95, "touched": 4, "cannot-say": 1}


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_simulation_of_the_story_of_2021_at_full_size(tmp_path):
    """2,000 tenants for a day, of which 200 use the connection: the same, to the message."""
    summary, _ = planted(tmp_path, 2_000, 24)
    assert summary == {"tenants": 2_000, "using": 200, "touched": 4, "cannot_say": 1, "clean": 1_995}


def test_without_a_fault_and_without_a_thief_everybody_is_clean(tmp_path):
    """Proof is possible: where all rows arrived, nobody is abstained on."""
    stage = story.setting(START, HOURS / 24, 10, 160, 5)
    result, document = told(tmp_path, story.cast(10, 5, ()), stage)
    assert document["summary"]["clean"] == 10
    assert result.wrong == []
