"""Reading RFC 5322 messages far enough to show them, and writing those that callers send as JSON."""

import email.policy
from collections.abc import Mapping
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import format_datetime, getaddresses, parsedate_to_datetime
from functools import lru_cache
from typing import Any

from counterfoil.lab.spelling import utc


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part with a name."""

    index: int
    name: str
    content_type: str
    data: bytes
    inline: bool
    content_id: str


@dataclass(frozen=True, slots=True)
class View:
    """What a mail store shows of a message."""

    subject: str
    message_id: str
    sender: dict[str, Any] | None
    recipients: Mapping[str, list[dict[str, Any]]]
    date: float | None
    body_type: str
    body: str
    attachments: tuple[Attachment, ...]
    headers: tuple[tuple[str, str], ...]


def _text(value: object) -> str:
    """Decode RFC 2047, as far as it goes; a header that lies about its charset stays as it is."""
    raw = " ".join(str(value).split())
    try:
        return str(make_header(decode_header(raw)))
    except (LookupError, ValueError):
        return raw


def _people(message: Message, name: str) -> list[dict[str, Any]]:
    pairs = getaddresses([str(value) for value in message.get_all(name, [])])
    return [{"emailAddress": {"name": _text(who) or address, "address": address}} for who, address in pairs if address]


@lru_cache(maxsize=2048)
def view(mime: str) -> View:
    """Read a message (bytes as Latin-1 text); what cannot be read is shown empty."""
    message = BytesParser(policy=email.policy.compat32).parsebytes(mime.encode("latin-1"))
    body_type, body, attachments = "text", "", []
    shown = False
    for index, part in enumerate(message.walk()):
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        kind, name = part.get_content_type(), part.get_filename()
        disposition = str(part.get("Content-Disposition") or "").lower()
        if kind in {"text/plain", "text/html"} and not name and not disposition.startswith("attachment"):
            if not shown or (kind == "text/html" and body_type == "text"):
                body, body_type, shown = _decode(part, data), kind.partition("/")[2].replace("plain", "text"), True
            continue
        content_id = str(part.get("Content-ID") or "").strip("<> ")
        attachments.append(
            Attachment(index, _text(name or "attachment"), kind, data, disposition.startswith("inline"), content_id)
        )
    senders = _people(message, "From")
    return View(
        subject=_text(message.get("Subject", "")),
        message_id=_text(message.get("Message-ID", "")),
        sender=senders[0] if senders else None,
        recipients={field: _people(message, name) for field, name in _FIELDS.items()},
        date=_date(message),
        body_type=body_type,
        body=body,
        attachments=tuple(attachments),
        headers=tuple((name, _text(value)) for name, value in message.items()),
    )


_FIELDS = {"toRecipients": "To", "ccRecipients": "Cc", "bccRecipients": "Bcc", "replyTo": "Reply-To"}


def _decode(part: Message, data: bytes) -> str:
    try:
        return data.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return data.decode("latin-1")


def _date(message: Message) -> float | None:
    try:
        return parsedate_to_datetime(str(message.get("Date", ""))).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def compose(document: Mapping[str, Any], sender: str, message_id: str, now: float) -> bytes:
    """Write the message that a caller sent as Graph JSON.

    Raises:
        ValueError: If a recipient has no address, or a header would carry a line break.
    """
    message = EmailMessage(policy=email.policy.SMTP)
    message["Message-ID"] = str(document.get("internetMessageId") or message_id)
    message["Date"] = format_datetime(utc(now))
    message["Subject"] = str(document.get("subject") or "")
    message["From"] = _address(document.get("from")) or sender
    for field, name in _FIELDS.items():
        people = [_address(person) for person in document.get(field) or []]
        if people:
            message[name] = ", ".join(people)
    body = document.get("body") or {}
    subtype = "html" if str(body.get("contentType", "text")).lower() == "html" else "plain"
    message.set_content(str(body.get("content") or ""), subtype=subtype)
    return message.as_bytes()


def _address(person: Any) -> str:
    if not person:
        return ""
    address = str((person.get("emailAddress") or {}).get("address") or "")
    if not address:
        raise ValueError("a recipient has no address")
    return address


def recipients_of(mime: bytes) -> list[str]:
    """Return every address in To, Cc and Bcc, lower case, once each."""
    shown = view(mime.decode("latin-1")).recipients
    people = [person for field in ("toRecipients", "ccRecipients", "bccRecipients") for person in shown[field]]
    return list(dict.fromkeys(str(person["emailAddress"]["address"]).lower() for person in people))


def summary(name: str, size: int) -> str:
    """Spell an attachment as the audit log does: ``invoice.pdf (20110b)``."""
    return f"{name} ({size}b)"
