"""The one place that turns findings into a verdict, and a verdict into an action by the tenant's policy.

Law 10: the reasons that decided are names of a closed set (``REASONS``), and the decision says what would
have changed it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from counterfoil.model.mail import Decision, Envelope, Finding, Scan, Severity, Verdict
from counterfoil.scan import checks
from counterfoil.scan.policy import ALLOWED, OFF, UNINSPECTABLE, Allow, Policy

REASONS: frozenset[str] = checks.NAMES | {UNINSPECTABLE, ALLOWED}
"""Every name that ``Decision.reasons`` may hold: the checks, and the two that are none."""

MALWARE: frozenset[str] = frozenset(
    {
        "eicar",
        "executable",
        "file-name",
        "default-password",
        "macros",
        "excel4-macros",
        "dde",
        "packager-command",
        "external-reference",
    }
    | {"html-smuggling"}
)
"""Checks whose malicious findings are malware hits: no allow entry lifts them."""

_VERDICTS = {
    Severity.CRITICAL: Verdict.MALICIOUS,
    Severity.HIGH: Verdict.MALICIOUS,
    Severity.MEDIUM: Verdict.SUSPICIOUS,
    Severity.LOW: Verdict.CLEAN,
    Severity.INFO: Verdict.CLEAN,
}
_WEIGHT = tuple(Verdict)  # its members stand from mildest to severest


def decide(scan: Scan, envelope: Envelope | None, policy: Policy, now: datetime) -> Decision:
    """Give the verdict, the action and the reasons.

    The order is: 1. the policy's overrides, 2. its allow entries, 3. the severest of what is left,
    4. the policy's action for that verdict.
    """
    claims = _claims(_overridden(scan.findings, policy), scan)
    entries = [entry for entry in policy.allow if _speaks_for(entry, envelope, scan, now)]
    kept = [claim for claim in claims if not any(_lifts(entry, *claim) for entry in entries)]
    verdict = _severest(kept)
    reasons = tuple(dict.fromkeys(name for name, claimed in kept if claimed is verdict is not Verdict.CLEAN))
    if len(kept) < len(claims) and _severest(claims) is not verdict:
        reasons += (ALLOWED,)
    return Decision(verdict, policy.actions[verdict], reasons, tuple(_would_change(claims, kept, verdict, policy)))


Claim = tuple[str, Verdict]
"""A reason's name, and the verdict that it asks for."""


def _overridden(findings: Iterable[Finding], policy: Policy) -> list[Finding]:
    kept = []
    for finding in findings:
        override = policy.overrides.get(finding.check)
        if override == OFF:
            continue
        kept.append(finding if override is None else replace(finding, severity=Severity(override)))
    return kept


def _claims(findings: Iterable[Finding], scan: Scan) -> list[Claim]:
    claims = [(finding.check, _VERDICTS[finding.severity]) for finding in findings]
    if scan.uninspectable:
        claims.append((UNINSPECTABLE, Verdict.UNINSPECTABLE))
    return [claim for claim in dict.fromkeys(claims) if claim[1] is not Verdict.CLEAN]


def _severest(claims: Iterable[Claim]) -> Verdict:
    return max((verdict for _, verdict in claims), key=_WEIGHT.index, default=Verdict.CLEAN)


def _speaks_for(entry: Allow, envelope: Envelope | None, scan: Scan, now: datetime) -> bool:
    """Tell whether an entry is in force for this sender; a null sender is nobody's."""
    if envelope is None or not envelope.sender or now >= entry.until:
        return False
    if not entry.unauthenticated and scan.authentication.spf != "pass":
        return False
    sender, wanted = envelope.sender.lower(), entry.sender.lower()
    return sender.rpartition("@")[2] == wanted[1:] if wanted.startswith("@") else sender == wanted


def _lifts(entry: Allow, name: str, verdict: Verdict) -> bool:
    if name in MALWARE and verdict is Verdict.MALICIOUS:
        return False
    if entry.checks:
        return name in entry.checks
    return name != UNINSPECTABLE


def _would_change(claims: list[Claim], kept: list[Claim], verdict: Verdict, policy: Policy) -> Iterable[str]:
    """Yield one sentence for each smallest change that leads to another verdict."""
    deciding = list(dict.fromkeys(name for name, claimed in kept if claimed is verdict))
    if verdict is not Verdict.CLEAN:
        other = _severest(claim for claim in kept if claim[0] not in deciding)
        yield f"without {' and '.join(deciding)}: {other}, {policy.actions[other]}"
    if len(kept) < len(claims):
        lifted = _severest(claims)
        if lifted is not verdict:
            yield f"without the allow entry: {lifted}, {policy.actions[lifted]}"
