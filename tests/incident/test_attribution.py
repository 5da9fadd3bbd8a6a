"""Findings count for an incident only if they are about its subject."""

import json

import pytest
from tests.incident.conftest import entry

from counterfoil.incident.attribution import Meant, attributed, narrowed
from counterfoil.incident.facts import Customer, Grade, telling
from counterfoil.incident.scope import read_answer

OLD = "1E8E9FFC270FA9770114BCB88D85F863CE0159F6"
NEW = "2" * 40
NOT_OURS = "3" * 40


def part(*found, state="touched", coverage=()):
    """A tenant's part with these findings: (kind, subject, token id)."""
    one = entry("t1", "own", state)
    (example,) = entry("t1")["discrepancies"]
    one["discrepancies"] = [
        {**example, "kind": kind, "evidence": [{**example["evidence"][0], "subject": subject, "uti": uti}]}
        for kind, subject, uti in found
    ]
    one["reasons"] = [f"{kind}: 1 rows by {subject} (rule)" for kind, subject, _ in found]
    one["coverage"] = [{"source": "sign-ins", "states": {"proven": 3, **dict(coverage)}}]
    return read_answer(json.dumps({"tenants": [one]}))["t1"]


THEFT = ("stolen-certificate", OLD, None)


@pytest.mark.parametrize(("gap", "state"), [({}, "clean"), ({"unlicensed": 1}, "cannot-say")])
def test_a_theft_with_another_certificate_touches_nobody_for_this_one(gap, state):
    """Nothing of it is left but a count; clean needs every hour of the logs."""
    found = attributed(part(THEFT, coverage=gap), Meant(frozenset({NEW})))
    document = json.loads(found.text)
    assert (found.state, document["state"], document["apart"]) == (state, state, 1)
    assert document["discrepancies"] == []
    assert document["radius"]["read"]["messages"] == []
    assert OLD not in found.text


@pytest.mark.parametrize(
    ("finding", "meant"),
    [
        (THEFT, Meant(frozenset({OLD}))),
        (("replayed-token", "uti abc", "abc"), Meant(frozenset({NEW}), frozenset({"abc"}))),
        (("inside-use", "uti abc", "abc"), Meant(frozenset({NEW}), frozenset({"abc"}))),
        (("foreign-credential", NOT_OURS, None), Meant(frozenset({NEW}), foreign=True)),
        (THEFT, Meant(frozenset({NEW}), whole=frozenset({"t1"}))),
    ],
)
def test_what_the_subject_did_stays_as_it_is(finding, meant):
    """Its certificate, tokens won with it, and what the incident was opened about or concerns as a whole."""
    given = part(finding)
    assert attributed(given, meant) is given


@pytest.mark.parametrize(
    "finding",
    [("replayed-token", "uti other", "other"), ("foreign-credential", NOT_OURS, None), ("attempted", OLD, None)],
)
def test_what_another_credential_did_is_told_apart(finding):
    """A token that another certificate won, a credential that is not ours, a failed try with another one."""
    found = attributed(part(finding), Meant(frozenset({NEW}), frozenset({"abc"})))
    assert (found.state, json.loads(found.text)["apart"]) == ("clean", 1)


def test_beside_a_theft_with_the_subject_another_ones_reason_is_gone():
    """The tenant stays touched, by the subject's certificate alone."""
    found = json.loads(attributed(part(THEFT, ("stolen-certificate", NEW, None)), Meant(frozenset({NEW}))).text)
    assert found["state"] == "touched"
    assert [row["evidence"][0]["subject"] for row in found["discrepancies"]] == [NEW]
    assert not any(OLD in reason for reason in found["reasons"])


def test_without_a_subject_nothing_is_told_apart():
    """An incident that names nothing yet is about all that the answer holds."""
    assert narrowed({"t1": part(THEFT)}, None)["t1"].state == "touched"


def test_the_customer_is_told_of_this_certificate_and_that_the_rest_is_another_matter():
    """Nothing says that the connection as a whole was not used, and nothing says that this certificate was."""
    found = telling(
        Customer("Contoso", "t1", has=True, uses=3, part=json.loads(attributed(part(THEFT), Meant(frozenset())).text))
    )
    assert found.headline == "We found no sign that somebody else used this certificate in your Microsoft 365."
    assert (found.facts[1].answer, found.facts[1].grade) == ("No sign of it", Grade.NO_SIGN)
    assert "another credential" in found.facts[1].because[1]
    assert found.must[0].startswith("Nothing because of this certificate")
