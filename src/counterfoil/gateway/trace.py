"""The fields that we put on top: Received, our id and verdict, and what sender authentication gave."""

import re
from datetime import datetime
from email.utils import format_datetime

from counterfoil.gateway.received import Received
from counterfoil.gateway.routing import Client
from counterfoil.model.mail import NOT_CHECKED, Action, Authentication, Decision, Envelope, Json, Scan

_WORD = re.compile(r"[A-Za-z0-9._:\-\[\]]{1,255}")
_TOKEN = re.compile(r"[A-Za-z0-9._\-]+")
_LINE = 76
_PROPERTIES = {"spf": "smtp.mailfrom", "dkim": "header.d", "dmarc": "header.from", "arc": ""}


def received_field(received: Received, client: Client, hostname: str) -> tuple[str, str]:
    """Write our Received field (RFC 5321 section 4.4); a recipient is named only where there is one."""
    helo = client.helo if _WORD.fullmatch(client.helo) else "unknown"
    address = f"IPv6:{client.address}" if ":" in client.address else client.address
    kind = ("UTF8SMTP" if received.utf8 else "ESMTP" if client.extended else "SMTP") + ("S" if client.tls else "")
    recipients = received.envelope.recipients
    target = f"\r\n\tfor <{recipients[0]}>" if len(recipients) == 1 and recipients[0].isascii() else ""
    return "Received", (
        f"from {helo} ([{address}])\r\n\tby {hostname} (Counterfoil) with {kind} id {received.id}{target};"
        f"\r\n\t{_date(received.time)}"
    )


def own_fields(received: Received, scan: Scan, decision: Decision, authserv: str) -> tuple[tuple[str, str], ...]:
    """Write our id and verdict, the reasons where a message is tagged, and Authentication-Results."""
    fields = [
        ("X-Counterfoil-Id", received.id),
        ("X-Counterfoil-Verdict", f"{decision.verdict}; action={decision.action}"),
    ]
    if decision.action is Action.TAG:
        fields.append(("X-Counterfoil-Reasons", _fold("; ".join(decision.reasons))))
    fields.append(("Authentication-Results", _results(scan.authentication, received.envelope, authserv)))
    return tuple(fields)


def _results(authentication: Authentication, envelope: Envelope, authserv: str) -> str:
    """Spell the results as RFC 8601 section 2.2 does; what comes from the message is quoted or left out."""
    clauses = []
    for method in ("spf", "dkim", "dmarc", "arc"):
        result = getattr(authentication, method)
        if result == NOT_CHECKED or not _TOKEN.fullmatch(result):
            continue
        clause = f"{method}={result}"
        if method == "spf":
            clause += f" smtp.mailfrom={_quote(envelope.sender)}" if envelope.sender else ""
        elif domain := _domain(authentication.detail.get(method)):
            clause += f" {_PROPERTIES[method]}={_quote(domain)}" if _PROPERTIES[method] else ""
        clauses.append(clause)
    return ";\r\n\t".join([authserv, *(clauses or ["none"])])


def _domain(detail: Json) -> str:
    """Return the domain that a result rests on, where the detail names one."""
    if isinstance(detail, dict) and isinstance(found := detail.get("domain"), str):
        return found
    return ""


def _quote(text: str) -> str:
    if _TOKEN.fullmatch(text):
        return text
    safe = "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text)
    return f'"{safe[:255]}"'


def _fold(text: str) -> str:
    """Fold printable ASCII at blanks (RFC 5322 section 2.2.3); anything else becomes a question mark."""
    lines = [""]
    for word in "".join(c if " " <= c <= "~" else "?" for c in text).split():
        if lines[-1] and len(lines[-1]) + len(word) >= _LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word[:900]
    return "\r\n\t".join(lines)


def _date(time: datetime) -> str:
    return format_datetime(time)
