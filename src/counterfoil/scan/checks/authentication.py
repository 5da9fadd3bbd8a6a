"""What SPF, DKIM and DMARC say of the sender (RFC 7208, RFC 6376, RFC 7489; words of RFC 8601).

A failed SPF or DKIM alone is what forwarding and mailing lists look like; a failed DMARC is the domain
owner's own word that the mail is not theirs.
"""

from collections.abc import Iterator

from counterfoil.model.mail import Finding, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message

NAME = "authentication"


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each method that failed."""
    results = message.authentication
    severities = {
        "dmarc": Severity.MEDIUM,
        "spf": Severity.LOW,
        "dkim": Severity.LOW,
    }
    for method, severity in severities.items():
        result: str = getattr(results, method)
        if result in {"fail", "permerror"}:
            weight = severity if result == "fail" else Severity.LOW
            yield Finding(
                check=NAME,
                severity=weight,
                summary=f"{method.upper()} says {result}",
                techniques=(attack.EMAIL_SPOOFING,) if result == "fail" else (),
                evidence={"method": method, "result": result, "detail": results.detail.get(method)},
            )
