"""Policies as documents: what is read is what is written, and every problem is told at once."""

import textwrap
import tomllib
from datetime import UTC, datetime

import pytest

from counterfoil.model.errors import Misconfigured
from counterfoil.model.mail import Action, Severity, Verdict
from counterfoil.scan import policy_document
from counterfoil.scan.policy import DEFAULT_POLICY, OFF, Allow, Own, Policy, Tag
from counterfoil.scan.policy_document import BadPolicy, read, write
from counterfoil.scan.verdict import REASONS

ENTRY = {"sender": "@partner.example", "who": "anna@example.org", "why": "ticket 1", "until": "2027-01-31T00:00:00Z"}


def test_an_empty_document_is_the_default_policy():
    """What a document leaves out is as it is without one."""
    assert read({}, REASONS) == DEFAULT_POLICY


def test_the_example_in_the_documentation_is_a_policy():
    """The TOML in the module's own words is read, and says what it says."""
    example = textwrap.dedent(policy_document.__doc__.partition("::")[2])
    policy = read(tomllib.loads(example), REASONS)
    assert policy == Policy(
        actions=DEFAULT_POLICY.actions | {Verdict.SUSPICIOUS: Action.QUARANTINE},
        overrides={"long-lines": OFF, "sender": Severity.HIGH},
        allow=(
            Allow(
                "@partner.example",
                "anna@example.org",
                "their ERP writes two Content-Type lines, ticket 4711",
                datetime(2027, 1, 31, tzinfo=UTC),
                ("structure",),
            ),
        ),
        tag=Tag(header=True, subject_prefix="[suspicious] "),
        hold_days=14,
        recipients=(Own("@board.example.org", {Verdict.SUSPICIOUS: Action.QUARANTINE}, {}),),
    )
    assert read(write(policy), REASONS) == policy


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"colour": "red"}, "colour: no such key"),
        ({"actions": []}, "actions: no table: []"),
        ({"actions": {"clean": "eat"}}, "actions.clean: unknown word 'eat'"),
        ({"actions": {"dirty": "tag"}}, "actions.dirty: unknown word 'dirty'"),
        ({"overrides": {"sender": "loud"}}, "overrides.sender: unknown word 'loud'"),
        ({"overrides": {"sender": []}}, "overrides.sender: unknown word []"),
        ({"overrides": {"nose": "off"}}, "overrides.nose: no check is named 'nose'"),
        ({"overrides": {"uninspectable": "off"}}, "overrides.uninspectable: no check is named 'uninspectable'"),
        ({"allow": [ENTRY | {"checks": ["allowed"]}]}, "allow[0].checks: no check is named 'allowed'"),
        ({"allow": [ENTRY | {"checks": [[]]}]}, "allow[0].checks: no check is named []"),
        ({"hold_days": 0}, "hold_days: no number of days: 0"),
        ({"hold_days": True}, "hold_days: no number of days: True"),
        ({"hold_days": "7"}, "hold_days: no number of days: '7'"),
        ({"tag": {"header": "yes"}}, "tag.header: not true or false: 'yes'"),
        ({"tag": {"subject_prefix": "a\r\nBcc: x"}}, "tag.subject_prefix: no text that may stand in a header"),
        ({"tag": {"header": False}}, "tag: a tagged message would carry no mark"),
        ({"tag": {"color": 1}}, "tag.color: no such key"),
        ({"allow": {}}, "allow: no list: {}"),
        ({"allow": ["x"]}, "allow[0]: no table: 'x'"),
        ({"allow": [ENTRY | {"sender": "partner.example"}]}, "allow[0].sender: no sender: 'partner.example'"),
        ({"allow": [ENTRY | {"who": " "}]}, "allow[0].who: missing or empty"),
        ({"allow": [ENTRY | {"why": 5}]}, "allow[0].why: missing or empty"),
        ({"allow": [ENTRY | {"until": "tomorrow"}]}, "allow[0].until: no point in time: 'tomorrow'"),
        ({"allow": [ENTRY | {"until": "0001-01-01T00:00:00+14:00"}]}, "allow[0].until: no point in time"),
        ({"allow": [ENTRY | {"checks": ["nose"]}]}, "allow[0].checks: no check is named 'nose'"),
        ({"allow": [ENTRY | {"checks": "sender"}]}, "allow[0].checks: not a list: 'sender'"),
        ({"allow": [ENTRY | {"for": 1}]}, "allow[0].for: no such key"),
        ({"recipients": {}}, "recipients: no list: {}"),
        ({"recipients": ["x"]}, "recipients[0]: no table: 'x'"),
        ({"recipients": [{}]}, "recipients[0].to: missing or empty"),
        ({"recipients": [{"to": "board"}]}, "recipients[0].to: no recipient: 'board'"),
        ({"recipients": [{"to": "a@b.c"}, {"to": "A@b.c"}]}, "recipients[1].to: a@b.c is there already"),
        ({"recipients": [{"to": "a@b.c", "hold_days": 3}]}, "recipients[0].hold_days: no such key"),
        ({"recipients": [{"to": "a@b.c", "actions": {"clean": "eat"}}]}, "recipients[0].actions.clean: unknown word"),
        ({"recipients": [{"to": "a@b.c", "tag": {"header": False}}]}, "recipients[0].tag: a tagged message would"),
    ],
)
def test_each_problem_is_told_with_its_key_and_a_hint(document, problem):
    """Every fault of a document is one problem, at its key, with what to do."""
    with pytest.raises(BadPolicy) as caught:
        read(document, REASONS)
    assert str(caught.value.problems[0]).startswith(problem)
    assert all(one.hint for one in caught.value.problems)


def test_all_problems_are_told_at_once():
    """Three faults are three problems in one error, which is an operator's to mend."""
    with pytest.raises(Misconfigured, match="the policy has 3 problems") as caught:
        read({"hold_days": -1, "tag": {"header": 1}, "allow": [ENTRY | {"until": None}]}, REASONS)
    assert caught.value.hint.count("\n") == 2


def test_points_in_time_may_be_toml_datetimes():
    """TOML gives datetimes, JSON gives text; a local datetime without an offset is refused."""
    until = datetime(2027, 1, 31, tzinfo=UTC)
    assert read({"allow": [ENTRY | {"until": until}]}, REASONS).allow[0].until == until
    with pytest.raises(BadPolicy, match="no point in time"):
        read({"allow": [ENTRY | {"until": datetime(2027, 1, 31)}]}, REASONS)  # noqa: DTZ001 - the fault under test
