"""An answer is read strictly, and each tenant's part holds what that tenant may see."""

import json

import pytest
from tests.incident.conftest import entry

from counterfoil.incident import scope
from counterfoil.model.errors import Refused


def answer(*entries):
    """The text of an answer."""
    return json.dumps({"summary": {}, "tenants": list(entries)})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no JSON"),
        ("[]", "lists no tenants"),
        ('{"tenants": [{}]}', "names no tenant"),
        ('{"tenants": [{"tenant": "t1", "state": "fine"}]}', "says 'fine' of a tenant"),
        ('{"tenants": [{"tenant": "t1", "state": "clean"}]}', "lacks something: KeyError"),
        ('{"tenants": [{"tenant": "t1", "state": "clean", "discrepancies": 3}]}', "lacks something: TypeError"),
    ],
)
def test_what_is_no_answer_is_refused(text, words):
    """Each defect is named."""
    with pytest.raises(Refused, match=words):
        scope.read_answer(text)


def test_files_of_ours_are_not_shown_to_tenants():
    """A mixed export may be named after somebody else; the record's id in the tenant's own log stays."""
    part = scope.read_answer(answer(entry("t1")))["t1"]
    assert "somebody-else" not in part.text
    assert '"place"' not in part.text
    assert "r-own" in part.text


def test_a_failed_use_is_to_be_reviewed_and_a_theft_is_not():
    """Review is for what touches nobody and is not explained."""
    failed = entry("t2", "x", "clean")
    failed["discrepancies"] = [{**entry("t2")["discrepancies"][0], "kind": "attempted"}]
    parts = scope.read_answer(answer(entry("t1"), failed, entry("t3", "x", "clean"), entry("t4", "x", "cannot-say")))
    assert scope.to_review(parts.values()) == ["t2", "t4"]


def test_suspects_are_thumbprints_only():
    """A token id or a key id of somebody else is no subject of an incident."""
    other = entry("t2")
    other["discrepancies"][0]["evidence"][0]["subject"] = "uti hdg0yzeZcUG1RQZbgaf9AA"
    parts = scope.read_answer(answer(entry("t1"), other))
    assert scope.suspects(parts.values()) == ("1E8E9FFC270FA9770114BCB88D85F863CE0159F6",)


def test_tokens_are_those_that_somebody_else_used():
    """A token of a stolen certificate's own sign-in is the thief's and not ours."""
    replayed = entry("t2")
    replayed["discrepancies"][0]["kind"] = "replayed-token"
    replayed["discrepancies"][0]["evidence"][0]["uti"] = "hdg0yzeZcUG1RQZbgaf9AA"
    theirs = entry("t1")
    theirs["discrepancies"][0]["evidence"][0]["uti"] = "AAAAAAAAAAAAAAAAAAAAAA"
    assert scope.tokens(scope.read_answer(answer(theirs, replayed)).values()) == {"hdg0yzeZcUG1RQZbgaf9AA"}


def test_states_are_counted():
    """The summary is counted, not copied."""
    parts = scope.read_answer(answer(entry("t1"), entry("t2", "x", "clean"), entry("t3", "x", "cannot-say")))
    assert scope.summary(parts.values()) == {"tenants": 3, "touched": 1, "cannot_say": 1, "clean": 1}
