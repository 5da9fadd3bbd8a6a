"""The fields that we put on top: Received, our id and verdict."""

import re
from email.utils import format_datetime

from counterfoil.gateway.received import Received
from counterfoil.gateway.routing import Client
from counterfoil.model.mail import Action, Decision

_WORD = re.compile(r"[A-Za-z0-9._:\-\[\]]{1,255}")
_LINE = 76


def received_field(received: Received, client: Client, hostname: str) -> tuple[str, str]:
    """Write our Received field (RFC 5321 section 4.4); a recipient is named only where there is one."""
    helo = client.helo if _WORD.fullmatch(client.helo) else "unknown"
    address = f"IPv6:{client.address}" if ":" in client.address else client.address
    kind = ("UTF8SMTP" if received.utf8 else "ESMTP" if client.extended else "SMTP") + ("S" if client.tls else "")
    recipients = received.envelope.recipients
    target = f"\r\n\tfor <{recipients[0]}>" if len(recipients) == 1 and recipients[0].isascii() else ""
    return "Received", (
        f"from {helo} ([{address}])\r\n\tby {hostname} (Counterfoil) with {kind} id {received.id}{target};"
        f"\r\n\t{format_datetime(received.time)}"
    )


def own_fields(received: Received, decision: Decision, *, verdict: bool) -> tuple[tuple[str, str], ...]:
    """Write our id, and if asked for the verdict, with its reasons where the message is tagged."""
    fields = [("X-Counterfoil-Id", received.id)]
    if verdict:
        fields.append(("X-Counterfoil-Verdict", f"{decision.verdict}; action={decision.action}"))
        if decision.action is Action.TAG:
            fields.append(("X-Counterfoil-Reasons", _fold("; ".join(decision.reasons))))
    return tuple(fields)


def _fold(text: str) -> str:
    """Fold printable ASCII at blanks (RFC 5322 section 2.2.3); anything else becomes a question mark."""
    lines = [""]
    for word in "".join(c if " " <= c <= "~" else "?" for c in text).split():
        if lines[-1] and len(lines[-1]) + len(word) >= _LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word[:900]
    return "\r\n\t".join(lines)
