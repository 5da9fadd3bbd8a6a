"""The score: every false word is named, and a good answer passes."""

import copy

import pytest

from counterfoil.cases.score import score

NOTHING = {"mailboxes": [], "messages": [], "items": []}


def fact(name, touched=False, **more):
    """One tenant's truth."""
    return {
        "tenant": f"id-{name}",
        "name": name,
        "touched": touched,
        "kinds": ["stolen-certificate"] if touched else [],
        "undetectable": False,
        "excuses": {},
        "whole": True,
        "left": [],
        "read": {**NOTHING, "messages": ["<1@x>"]} if touched else NOTHING,
        "changed": NOTHING,
    } | more


def entry(name, state="clean", kinds=(), messages=()):
    """One tenant's answer."""
    return {
        "tenant": f"id-{name}",
        "state": state,
        "discrepancies": [{"kind": kind, "rule": "any"} for kind in kinds],
        "radius": {"read": {**NOTHING, "messages": list(messages)}, "changed": NOTHING, "persistence": []},
        "coverage": [{"source": "sign-ins", "states": {"proven": 3, "missing": 1}}],
    }


TRUTH = {"tenants": [fact("calm"), fact("robbed", touched=True)]}
GOOD = {"tenants": [entry("calm"), entry("robbed", "touched", ["stolen-certificate"], ["<1@x>"])]}


def test_a_true_answer_passes():
    """Nothing false, nothing missing: precision and recall are one."""
    result = score(TRUTH, GOOD)
    assert not result.failed
    assert result.wrong == []
    assert result.figures()["precision"] == result.figures()["recall"] == 1.0


@pytest.mark.parametrize(
    ("which", "state", "list_of"),
    [(0, "touched", "falsely_touched"), (1, "clean", "falsely_clean")],
)
def test_a_false_word_fails(which, state, list_of):
    """Falsely touched and falsely clean are told apart, and each fails."""
    answer = copy.deepcopy(GOOD)
    answer["tenants"][which]["state"] = state
    result = score(TRUTH, answer)
    assert result.failed
    assert getattr(result, list_of) == [TRUTH["tenants"][which]["name"]]


def test_abstaining_needs_an_excuse():
    """cannot-say is counted, and named where the tenant's logs were whole."""
    answer = copy.deepcopy(GOOD)
    answer["tenants"][0]["state"] = "cannot-say"
    assert score(TRUTH, answer).unjustified == ["calm"]
    excused = {"tenants": [fact("calm", excuses={"loss": ["missing", "late"]}), TRUTH["tenants"][1]]}
    result = score(excused, answer)
    assert (result.unjustified, result.abstained) == ([], ["calm"])
    assert result.figures()["abstained_because_of"] == {"loss": 1}


def test_an_abstention_for_another_reason_than_its_fault_is_not_justified():
    """A tenant whose log was throttled is no excuse to say that it was never exported."""
    answer = copy.deepcopy(GOOD)
    answer["tenants"][0]["state"] = "cannot-say"
    other = {"tenants": [fact("calm", excuses={"throttled": ["throttled"]}), TRUTH["tenants"][1]]}
    assert score(other, answer).unjustified == ["calm"]


def test_an_undetectable_theft_is_counted_and_not_held_against_anybody():
    """Clean is the only answer that logs allow there; the tenant stays in the figures."""
    truth = {"tenants": [fact("calm"), fact("robbed", touched=True, undetectable=True)]}
    answer = {"tenants": [entry("calm"), entry("robbed")]}
    result = score(truth, answer)
    assert not result.failed
    assert result.figures()["undetectable"] == ["robbed"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"discrepancies": []}, "kinds"),
        (
            {"radius": {"read": {**NOTHING, "messages": ["<2@x>"]}, "changed": NOTHING, "persistence": []}},
            "1 too many, 1 missing",
        ),
    ],
)
def test_kinds_and_messages_are_compared_where_the_logs_are_whole(change, words):
    """A wrong kind and a wrong message are each told."""
    answer = copy.deepcopy(GOOD)
    answer["tenants"][1] |= change
    assert words in score(TRUTH, answer).wrong[0]


@pytest.mark.parametrize(
    ("left", "told", "words"),
    [
        (["POST /subscriptions"], [], "left behind and not told: POST /subscriptions"),
        ([], ["New-InboxRule"], "told as left behind, and never was: new-inboxrule"),
    ],
)
def test_what_outlives_the_theft_is_compared_both_ways(left, told, words):
    """A subscription that is passed over and a rule that never was are each told."""
    truth = {"tenants": [TRUTH["tenants"][0], fact("robbed", touched=True, left=left)]}
    answer = copy.deepcopy(GOOD)
    answer["tenants"][1]["radius"]["persistence"] = [{"what": what} for what in told]
    assert words in score(truth, answer).wrong[0]


def test_where_rows_were_lost_kinds_and_messages_are_not_demanded():
    """An answer from half a log is held to its state alone."""
    truth = {"tenants": [TRUTH["tenants"][0], fact("robbed", touched=True, whole=False)]}
    answer = copy.deepcopy(GOOD)
    answer["tenants"][1]["discrepancies"] = []
    assert score(truth, answer).wrong == []


def test_a_tenant_that_is_left_out_or_invented_is_told():
    """Every tenant of the truth must be answered, and no other."""
    result = score(TRUTH, {"tenants": [GOOD["tenants"][0], entry("stranger")]})
    assert result.wrong == ["robbed: not in the answer", "id-stranger: answered, but no such tenant"]
