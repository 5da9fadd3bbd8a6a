"""The drill: every claim is true, and a claim that is not true fails it."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from counterfoil.app.drill import cast, claims, page
from counterfoil.app.drill.claims import Verdict
from counterfoil.app.drill.theft import Truth, truth

TRUTH = Truth(frozenset({"t1"}), frozenset({"t2"}), {"t1": frozenset({"<1@x>"}), "t2": frozenset({"<2@x>"})})


MILESTONES = ("cut over", "removed", "proven dead", "attacker out")


def answer(**changes):
    """An answer that agrees with the truth, with changes by tenant."""
    tenants = {
        "t1": ("touched", "stolen-certificate", ["<1@x>"]),
        "t2": ("touched", "replayed-token", ["<2@x>"]),
        "t3": ("cannot-say", None, []),
        "t4": ("clean", None, []),
    } | changes
    return {
        "summary": {"using": 4},
        "tenants": [
            {
                "tenant": name,
                "state": state,
                "discrepancies": [{"kind": kind}] if kind else [],
                "radius": {"read": {"messages": messages}},
            }
            for name, (state, kind, messages) in tenants.items()
        ],
    }


def differences(document):
    """What the scope differs in."""
    verdict = Verdict()
    claims.scope(verdict, document, TRUTH, 4, ["t3"], names={})
    return verdict.differences


def test_an_answer_that_agrees_differs_in_nothing():
    """The comparison accepts the truth."""
    assert differences(answer()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"t1": ("clean", None, [])}, "touched by somebody else: claimed ['t2'], in truth ['t1', 't2']"),
        ({"t4": ("touched", "stolen-certificate", [])}, "touched by somebody else: claimed ['t1', 't2', 't4']"),
        ({"t3": ("clean", None, [])}, "cannot be judged: claimed [], in truth ['t3']"),
        (
            {"t2": ("touched", "stolen-certificate", ["<2@x>"])},
            "touched with a replayed token: claimed [], in truth ['t2']",
        ),
        ({"t1": ("touched", "stolen-certificate", [])}, "messages read in t1: claimed [], in truth ['<1@x>']"),
    ],
)
def test_each_false_claim_is_told(change, words):
    """A missed theft, a false one, a false clean, a wrong kind and a missed message each differ."""
    assert any(text.startswith(words) for text in differences(answer(**change)))


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def judged(first, hours, *, kind="stolen-certificate"):
    """What the comparison of the days before differs in, of an answer with one theft and so many hours judged."""
    found = {"tenant": "t1", "discrepancies": [{"kind": kind, "first": first}]}
    document = {"tenants": [found | {"coverage": [{"states": {"proven": hours - 1, "late": 1}}]}]}
    verdict = Verdict()
    entered = Truth(frozenset({"t1"}), frozenset(), {}, frozenset({"t1"}))
    claims.days(verdict, document, entered, NOON, 49, names={"t1": "one"})
    return verdict.differences


def test_a_theft_of_the_days_before_and_every_hour_of_them_are_told():
    """The comparison accepts the truth."""
    assert judged("2026-11-23T22:10:00Z", 49) == []


@pytest.mark.parametrize(
    ("first", "hours", "words"),
    [
        ("2026-11-24T12:10:00Z", 49, "entered in the days before already: claimed [], in truth ['one']"),
        (None, 49, "entered in the days before already: claimed [], in truth ['one']"),
        ("2026-11-23T22:10:00Z", 1, "hours judged, of each log: claimed 1, in truth 49"),
    ],
)
def test_days_that_were_passed_over_are_told(first, hours, words):
    """A theft of the days before that was not seen differs, and so do hours that were not judged."""
    assert judged(first, hours) == [words]


def test_the_truth_joins_what_the_thief_did_with_what_he_had_done(tmp_path):
    """Only what he was answered with success counts of the journal; the days before are added to it."""
    lines = [
        {"phase": "done", "ok": True, "action": "sign-in", "tenant": "t1"},
        {"phase": "done", "ok": True, "action": "read", "tenant": "t1", "message_ids": ["<new@x>"]},
        {"phase": "done", "ok": False, "action": "sign-in", "tenant": "t3"},
        {"phase": "begun", "ok": True, "action": "sign-in", "tenant": "t4"},
    ]
    journal = tmp_path / "thief.jsonl"
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = truth(journal, {"t1": frozenset({"<old@x>"})})
    assert told == Truth(frozenset({"t1"}), frozenset(), {"t1": frozenset({"<new@x>", "<old@x>"})}, frozenset({"t1"}))


def test_of_a_long_claim_only_what_differs_is_told():
    """The figures keep both sides whole."""
    verdict = Verdict()
    verdict.compare("told", {"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4})
    assert verdict.differences == ["told: claimed {'b': 2, 'c': None}, in truth {'b': 3, 'c': 4}"]
    assert verdict.figures["told"]["claimed"] == {"a": 1, "b": 2}


def test_lost_and_doubled_mail_is_told():
    """The sender's count decides, not our own books."""
    verdict = Verdict()
    claims.mail(verdict, {1, 2}, {2: 2}, 0, {"acknowledged": 2, "unknown": 0})
    assert "mail lost: claimed 0, in truth 1" in verdict.differences
    assert "mail doubled: claimed 0, in truth 1" in verdict.differences


@pytest.mark.timeout(280)
def test_the_whole_story_is_told_true(tmp_path):
    """From a stolen key to proven dead: real signer, gateway, MSAL and SMTP; exit 0 and no difference."""
    line = [sys.executable, "-m", "counterfoil", "drill", "--tenants", "6", "--keep", str(tmp_path / "kept"), "--json"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=270, check=False)
    document = json.loads(done.stdout)
    assert document["differences"] == []
    assert done.returncode == 0
    assert len(document["figures"]["touched by somebody else"]["true"]) == 4
    assert document["figures"]["entered in the days before already"]["true"]
    assert document["figures"]["hours judged, of each log"]["claimed"] >= 48
    kept = tmp_path / "kept"
    assert json.loads((kept / "claims.json").read_text())["figures"] == document["figures"]
    assert kept.stat().st_mode & 0o777 == 0o700
    page = (kept / "report.html").read_text()
    assert all(name in page for name in document["figures"])
    assert set(document["seconds_after_the_alert"]) == {f"all {x}" for x in MILESTONES}
    for words in (
        "every claim was true",
        "The story",
        "The campaign",
        "The mail, meanwhile",
        "Who used the connection",
    ):
        assert words in page


def test_a_page_in_a_page_keeps_its_style_and_gives_none_away():
    """The inner page's rules are for the inner page, its head is gone, and what it escaped stays escaped."""
    head = "<head><title>t</title><style>:root{--a:1}body{color:red}</style></head>"
    whole = f"<html>{head}<body class='x'>&lt;b></body></html>"
    made = page.inner(whole)
    assert "<style>:host{--a:1}:host{color:red}</style>" in made
    assert made.endswith("&lt;b>")
    assert "<title>" not in made
    assert "body" not in made


@pytest.mark.parametrize("count", range(1, 30))
def test_every_drill_has_a_theft_and_with_four_tenants_all_that_can_happen(count):
    """With few tenants fewer things happen; nobody has two parts, and none is left without."""
    given = cast.parts(count)
    assert len(given) == count
    assert given[0] is cast.Part.READ
    assert (cast.Part.REPLAYED in given) == (count >= 3)
    assert (cast.Part.UNLICENSED in given) == (count >= 4)
    assert (cast.Part.CLEAN in given) == (count >= 2)


def test_one_in_ten_is_connected_and_one_in_ten_of_those_is_replaced_by_hand():
    """200 tenants: 20 with the shared certificate, 2 of them without a control application of ours."""
    made = cast.invented(200)
    assert sum(bool(one.openings) for one in made) == 20
    assert [one.name for one in made if one.openings and not one.control] == ["customer-018", "customer-019"]
    assert len({one.name for one in made}) == len({domain for one in made for domain in one.domains}) == 200
