"""Messages that we write ourselves: a heartbeat, a proof, a try at the back door."""

import secrets
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime


def compose(what: str, hostname: str, recipient: str, words: tuple[str, str], now: datetime) -> EmailMessage:
    """Write a message from ``counterfoil-WHAT@hostname`` that no robot answers (RFC 3834): its subject and its text."""
    subject, text = words
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"counterfoil-{what}@{hostname}", recipient, subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{what}-{secrets.token_hex(8)}@{hostname}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message
