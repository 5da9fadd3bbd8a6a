"""One place turns findings into a verdict; the reasons are closed, and say what would have changed it."""

from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.model.mail import Action, Authentication, Envelope, Finding, Scan, Severity, Uninspectable, Verdict
from counterfoil.scan.checks import CHECKS, MODULES, NAMES
from counterfoil.scan.policy import DEFAULT_POLICY, OFF, Allow, Policy
from counterfoil.scan.verdict import MALWARE, REASONS, decide

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ENVELOPE = Envelope("Anna@Partner.example", ("bob@tenant.example",))


def scan(*findings: tuple[str, str], uninspectable: bool = False, spf: str = "pass") -> Scan:
    """A scan with the given findings by check and severity."""
    return Scan(
        message_id="<1@example.org>",
        subject="",
        sha256="",
        size=0,
        findings=tuple(Finding(check, Severity(severity), "") for check, severity in findings),
        parts=(),
        links=(),
        authentication=Authentication(spf=spf),
        uninspectable=(Uninspectable("1", "why"),) if uninspectable else (),
    )


def allow(**changes) -> Policy:
    """A policy with one allow entry."""
    entry = {"sender": "@partner.example", "who": "w", "why": "y", "until": NOW + timedelta(days=1)} | changes
    return Policy(allow=(Allow(**entry),))


@pytest.mark.parametrize(
    ("findings", "uninspectable", "verdict", "action", "reasons"),
    [
        ([], False, Verdict.CLEAN, Action.DELIVER, ()),
        ([("long-lines", "info"), ("sender", "low")], False, Verdict.CLEAN, Action.DELIVER, ()),
        ([("sender", "medium"), ("long-lines", "info")], False, Verdict.SUSPICIOUS, Action.TAG, ("sender",)),
        (
            [("sender", "medium"), ("structure", "medium")],
            False,
            Verdict.SUSPICIOUS,
            Action.TAG,
            ("sender", "structure"),
        ),
        ([("sender", "medium")], True, Verdict.UNINSPECTABLE, Action.QUARANTINE, ("uninspectable",)),
        ([("macros", "high"), ("sender", "medium")], True, Verdict.MALICIOUS, Action.QUARANTINE, ("macros",)),
        ([("eicar", "critical"), ("macros", "high")], False, Verdict.MALICIOUS, Action.QUARANTINE, ("eicar", "macros")),
    ],
)
def test_the_severest_claim_decides(findings, uninspectable, verdict, action, reasons):
    """Malicious outranks uninspectable, that outranks suspicious; only what decided is a reason."""
    decision = decide(scan(*findings, uninspectable=uninspectable), ENVELOPE, DEFAULT_POLICY, NOW)
    assert (decision.verdict, decision.action, decision.reasons) == (verdict, action, reasons)


def test_a_decision_says_what_would_have_changed_it():
    """The sentence names the checks that decided and the verdict without them."""
    both = decide(scan(("macros", "high"), ("dde", "high"), ("sender", "medium")), None, DEFAULT_POLICY, NOW)
    assert both.would_change == ("without macros and dde: suspicious, tag",)
    assert decide(scan(), None, DEFAULT_POLICY, NOW).would_change == ()


@pytest.mark.parametrize(
    ("override", "verdict"),
    [
        (OFF, Verdict.CLEAN),
        (Severity.LOW, Verdict.CLEAN),
        (Severity.HIGH, Verdict.MALICIOUS),
        ("high", Verdict.MALICIOUS),
    ],
)
def test_a_policy_overrides_a_check(override, verdict):
    """An override silences a check or gives its findings another weight."""
    policy = Policy(overrides={"sender": override})
    assert decide(scan(("sender", "medium")), ENVELOPE, policy, NOW).verdict is verdict


def test_the_action_is_the_policys():
    """The same verdict leads to the action that the tenant chose."""
    policy = Policy(actions=DEFAULT_POLICY.actions | {Verdict.SUSPICIOUS: Action.REJECT})
    assert decide(scan(("sender", "medium")), ENVELOPE, policy, NOW).action is Action.REJECT


@pytest.mark.parametrize("changes", [{}, {"sender": "anna@partner.example"}, {"checks": ("sender", "structure")}])
def test_an_allow_entry_lifts_what_is_no_malware(changes):
    """A domain, an address, or named checks: the finding is lifted, and the reason says so."""
    decision = decide(scan(("sender", "medium"), ("structure", "medium")), ENVELOPE, allow(**changes), NOW)
    assert (decision.verdict, decision.reasons) == (Verdict.CLEAN, ("allowed",))
    assert decision.would_change == ("without the allow entry: suspicious, tag",)


@pytest.mark.parametrize(
    ("changes", "envelope", "spf"),
    [
        ({"until": NOW}, ENVELOPE, "pass"),
        ({}, Envelope("x@sub.partner.example", ()), "pass"),
        ({}, Envelope("x@notpartner.example", ()), "pass"),
        ({}, Envelope("", ()), "pass"),
        ({"sender": ""}, Envelope("", ()), "pass"),
        ({}, None, "pass"),
        ({}, ENVELOPE, "fail"),
        ({}, ENVELOPE, "not-checked"),
        ({"checks": ("structure",)}, ENVELOPE, "pass"),
    ],
    ids=[
        "expired",
        "subdomain",
        "longer domain",
        "null sender",
        "null entry",
        "no envelope",
        "spf fails",
        "spf unknown",
        "another check",
    ],
)
def test_an_allow_entry_does_not_reach_further(changes, envelope, spf):
    """Expired, for somebody else, or for a sender that nobody proved: the finding stays."""
    decision = decide(scan(("sender", "medium"), spf=spf), envelope, allow(**changes), NOW)
    assert (decision.verdict, decision.reasons) == (Verdict.SUSPICIOUS, ("sender",))


def test_an_operator_may_give_up_the_proof_of_the_sender():
    """``unauthenticated`` lifts findings of a sender whose SPF did not pass."""
    assert (
        decide(scan(("sender", "medium"), spf="none"), ENVELOPE, allow(unauthenticated=True), NOW).verdict
        is Verdict.CLEAN
    )


@pytest.mark.parametrize("check", sorted(MALWARE))
def test_no_allow_entry_lifts_a_malware_hit(check):
    """Whatever an entry names, malware stays malware; below that weight the entry counts."""
    policy = allow(checks=tuple(REASONS), unauthenticated=True)
    assert decide(scan((check, "high")), ENVELOPE, policy, NOW).verdict is Verdict.MALICIOUS
    assert decide(scan((check, "medium")), ENVELOPE, policy, NOW).verdict is Verdict.CLEAN


def test_uninspectable_is_lifted_only_where_it_is_named():
    """An entry for a sender does not say that unreadable mail may pass; one that names it does."""
    locked = scan(uninspectable=True)
    assert decide(locked, ENVELOPE, allow(), NOW).verdict is Verdict.UNINSPECTABLE
    assert decide(locked, ENVELOPE, allow(checks=("uninspectable",)), NOW).verdict is Verdict.CLEAN


def test_reasons_are_closed():
    """Every check is in order once, and reasons can only be their names and the two that are none."""
    assert len(CHECKS) == len(MODULES) == len(NAMES)
    assert {"uninspectable", "allowed"} == REASONS - NAMES
    assert MALWARE <= NAMES
