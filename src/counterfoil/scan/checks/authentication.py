"""What SPF, DKIM and DMARC say of the sender (RFC 7208, RFC 6376, RFC 7489; words of RFC 8601).

A failed SPF or DKIM alone is what forwarding and mailing lists look like; a failed DMARC is the domain
owner's own word that the mail is not theirs.
"""

from collections.abc import Iterator

from counterfoil.model.mail import Finding, Json, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message

NAME = "authentication"


BY_POLICY = {"reject": Severity.HIGH, "quarantine": Severity.MEDIUM, "none": Severity.LOW}
"""What a failed DMARC weighs, by what the domain owner asks for."""


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each method that failed."""
    results = message.authentication
    severities = {"dmarc": _weight(results.detail.get("dmarc")), "spf": Severity.LOW, "dkim": Severity.LOW}
    for method, severity in severities.items():
        result: str = getattr(results, method)
        if result in {"fail", "permerror"}:
            yield Finding(
                check=NAME,
                severity=severity if result == "fail" else Severity.LOW,
                summary=f"{method.upper()} says {result}",
                techniques=(attack.EMAIL_SPOOFING,) if result == "fail" else (),
                evidence={"method": method, "result": result, "detail": results.detail.get(method)},
            )


def _weight(detail: Json) -> Severity:
    policy = detail.get("policy") if isinstance(detail, dict) else None
    return BY_POLICY.get(policy, Severity.MEDIUM) if isinstance(policy, str) else Severity.MEDIUM
