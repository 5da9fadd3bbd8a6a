"""``counterfoil simulate`` and ``counterfoil score`` from outside: names, files, exit codes."""

import json
from pathlib import Path

import pytest

from counterfoil.__main__ import main
from counterfoil.cases import story
from counterfoil.cases.faults import FAULTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "simulate.md"


def made(folder, *words):
    """Make a small case and return its place."""
    place = folder / "case"
    assert main(["simulate", str(place), "--days", "0.17", "--tenants", "4", "--calls", "60", *words]) == 0
    return place


def scored(capsys, place):
    """Score a case and return code and answer."""
    capsys.readouterr()
    code = main(["score", str(place), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_every_fault_and_thief_has_a_name_in_the_help_and_a_line_in_the_page(capsys):
    """Both print what the code says of itself."""
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    said, page = capsys.readouterr().out, PAGE.read_text()
    for name, words in {**{n: f.says for n, f in FAULTS.items()}, **story.thieves()}.items():
        assert f"  {name:20}  {words}\n" in said
        assert f"| `{name}`" in page
        assert f"| {words} |" in page
    for name, fault in FAULTS.items():
        assert (f"| `{name}` * |" in page) is bool(fault.shows)


def test_a_case_is_told_truly_and_abstentions_are_counted_by_their_fault(tmp_path, capsys):
    """Nothing false, and each tenant without mailbox audit is one that nobody can judge."""
    code, answer = scored(capsys, made(tmp_path, "--faults", "not-exported,stolen-key"))
    assert code == 0
    assert answer["falsely_clean"] == answer["falsely_touched"] == answer["told_wrongly"] == []
    assert set(answer["abstained_because_of"]) <= {"not-exported"}
    assert answer["tenants"] == 4


@pytest.mark.parametrize(("touched", "field"), [(True, "falsely_clean"), (False, "falsely_touched")])
def test_a_false_word_ends_with_one(tmp_path, capsys, touched, field):
    """The truth is turned round: what was told is false by it."""
    place = made(tmp_path, "--faults", "none" if touched else "stolen-key")
    path = place / "truth.json"
    truth = json.loads(path.read_text())
    for fact in truth["tenants"]:
        fact["touched"] = touched
    path.write_text(json.dumps(truth))
    code, answer = scored(capsys, place)
    assert code == 1
    assert answer[field]


def test_the_score_in_words_names_what_is_open(tmp_path, capsys):
    """Counts by fault stand below each other; a ratio over nothing is a dash."""
    place = made(tmp_path, "--faults", "not-exported")
    capsys.readouterr()
    assert main(["score", str(place)]) == 0
    said = capsys.readouterr().out
    assert "precision: -" in said
    assert "  not-exported: " in said


def test_what_was_made_says_how_to_try_it(tmp_path, capsys):
    """The next commands are printed as they can be typed, whatever the folder is called."""
    made(tmp_path, "--faults", "none")
    said = " ".join(capsys.readouterr().out.split())
    assert "try it: counterfoil reconcile --stubs " in said
    assert "compare with the truth: counterfoil score " in said


def test_a_folder_without_a_truth_is_refused_with_how_to_make_one(tmp_path, capsys):
    """Exit 2, and the hint names the command."""
    assert main(["score", str(tmp_path)]) == 2
    assert "counterfoil simulate" in capsys.readouterr().err
