"""Cases: the same from the same seed, complete in their cast, and labelled truly."""

import json
from datetime import UTC, datetime

import pytest

from counterfoil.cases import story, truth
from counterfoil.cases.faults import FAULTS, RESTORED
from counterfoil.cases.rows import THIEF
from counterfoil.cases.spell import instant
from counterfoil.cases.thief import THIEVES
from counterfoil.cases.write import write_case
from counterfoil.model.errors import Misconfigured

START = datetime(2026, 10, 5, tzinfo=UTC)


def tell(names, tenants, seed=1, hours=6):
    """Tell a short case and return each tenant's part."""
    stage = story.setting(START, hours / 24, tenants, tenants * hours * 3, seed, story.known_names(names))
    return stage, [story.tell(one, stage) for one in story.cast(tenants, seed, story.known_names(names))]


def files_of(place):
    """Return every file's bytes by relative name; Parquet writers stamp nothing into theirs."""
    return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def test_a_seed_gives_the_same_case_to_the_byte(tmp_path):
    """Two runs with one seed write equal files; another seed writes others."""
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        stage = story.setting(START, 0.25, 4, 100, seed)
        write_case(tmp_path / name, story.cast(4, seed, story.known_names("all")), stage)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert files_of(tmp_path / "one") != files_of(tmp_path / "three")


def test_every_fault_and_every_thief_appears_in_a_large_enough_cast():
    """With as many tenants as names nobody is left out; a restored ledger is a fault of the whole case."""
    cast = story.cast(40, 3, story.known_names("all"))
    assert {fault for one in cast for fault in one.faults} == set(FAULTS) - {RESTORED}
    assert {one.thief for one in cast if one.thief} == set(THIEVES)


def test_with_fewer_tenants_than_names_every_name_appears_over_the_seeds():
    """No name is always left out because others stand before it in the list."""
    casts = [story.cast(8, seed, story.known_names("all")) for seed in range(60)]
    assert {fault for cast in casts for one in cast for fault in one.faults} == set(FAULTS) - {RESTORED}
    assert {one.thief for cast in casts for one in cast if one.thief} == set(THIEVES)


def test_a_restored_ledger_happens_in_some_cases_and_to_every_tenant_of_them():
    """With all faults in one case of eight; named alone, always. The hour's stubs are gone and the rows are not."""
    everything = story.known_names("all")
    lost = [story.setting(START, 1, 4, 100, seed, everything).lost is not None for seed in range(80)]
    assert 4 < sum(lost) < 20
    stage, parts = tell("restored", 3)
    since, until = stage.lost
    for part in parts:
        assert "restored" in part.faults
        stubs = [stub for stub in part.books.stubs if stub["kind"] in ("token", "call")]
        assert not any(instant(since) <= stub["time"] < instant(until) for stub in stubs)
        assert any(since <= row.time < until for row in part.books.sign_ins)
    assert story.gap(stage)[0]["since"] == instant(since)


def test_no_faults_means_no_thief_either():
    """The world of --faults none is ours alone."""
    _, parts = tell("none", 5)
    assert all(part.theft is None for part in parts)
    assert not any(row.origin == THIEF for part in parts for row in part.books.sign_ins)


def test_an_unknown_fault_is_refused_with_the_list():
    """A misspelt name is named, and the hint lists what there is."""
    with pytest.raises(Misconfigured, match="unknown fault: los") as caught:
        story.known_names("los,delay")
    assert "loss" in caught.value.hint


def test_a_theft_is_undetectable_only_if_its_rows_are_gone_and_ours_are_not():
    """The label of the one case that no log can show is given before anything is reconciled."""
    _, lost = tell("lost-theft", 1)
    assert lost[0].undetectable
    assert truth.of_tenant(lost[0])["touched"]
    _, inside = tell("lost-theft,inside", 1)
    assert not inside[0].undetectable, "our own stubs tell of him"
    _, both = tell("loss,stolen-key", 2)
    assert not any(part.undetectable for part in both)


def test_every_hour_of_a_tenant_has_rows_of_ours_in_every_log_it_needs():
    """The heartbeat gives each hour a sign-in, a mailbox record and, over Graph, a call."""
    stage, parts = tell("none", 6)
    for part in parts:
        for hour in range(stage.hours):
            logs = [part.books.sign_ins, part.books.mailbox]
            logs += [part.books.graph] if part.tenant.style == "graph" else []
            assert all(any(row.time.hour == hour for row in log) for log in logs)


def test_a_case_never_overwrites_another(tmp_path):
    """A folder with something in it is refused, and stays as it was."""
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(Misconfigured, match="is not empty"):
        write_case(tmp_path, [], story.setting(START, 1, 1, 1, 1))
    assert (tmp_path / "mine").read_text() == "mine"


def test_the_planted_scenario_is_as_told():
    """Of 2,000 tenants 200 have the connection; three read over EWS, one replayed, one unlicensed."""
    cast = story.planted(2_000, 1)
    assert len(cast) == 200
    assert [one.thief for one in cast[:7]] == [None, "stolen-key", "stolen-key", "stolen-key", "replay", None, None]
    assert cast[5].faults == ("unlicensed",)
    assert len({one.key.sha256 for one in cast}) == 1
    assert len({one.key.key_id for one in cast}) == 200
    assert len(story.bystanders(2_000, 1)) == 1_800


def test_exports_never_say_whose_a_row_is(tmp_path):
    """No file under logs/ carries the origin or the thief's name."""
    stage = story.setting(START, 0.25, 12, 300, 2)
    write_case(tmp_path, story.cast(12, 2, story.known_names("all")), stage)
    for path in (tmp_path / "logs").rglob("*"):
        if path.is_file():
            assert b"origin" not in path.read_bytes()
            assert b'"thief"' not in path.read_bytes()
    assert len(json.loads((tmp_path / "truth.json").read_text())["tenants"]) == 12
