"""The arguments by which messages are searched, the same for ``track`` and ``quarantine list``."""

import argparse
from datetime import datetime

from counterfoil.gateway.store.stories import Query
from counterfoil.model.instant import from_rfc3339
from counterfoil.model.mail import Json, Verdict


def time(text: str) -> datetime:
    """Read RFC 3339 for argparse.

    Raises:
        argparse.ArgumentTypeError: If it is none; it shows one.
    """
    try:
        return from_rfc3339(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time in RFC 3339, such as 2026-10-05T09:00:00Z") from None


def count(text: str) -> int:
    """Read a whole number from 1 for argparse.

    Raises:
        argparse.ArgumentTypeError: If it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def add_search(parser: argparse.ArgumentParser) -> None:
    """Declare what may be searched for."""
    parser.add_argument("--tenant", metavar="NAME", help="messages of this tenant only")
    parser.add_argument("--sender", metavar="TEXT", help="text in the envelope sender")
    parser.add_argument("--recipient", metavar="TEXT", help="text in an envelope recipient")
    parser.add_argument("--subject", metavar="TEXT", help="text in the subject")
    parser.add_argument("--message-id", metavar="ID", help="text in the Message-ID header")
    parser.add_argument("--since", type=time, metavar="TIME", help="received then or later (RFC 3339)")
    parser.add_argument("--until", type=time, metavar="TIME", help="received before then (RFC 3339)")
    parser.add_argument("--verdict", choices=[verdict.value for verdict in Verdict], help="what the message is")
    parser.add_argument("--limit", type=count, default=100, metavar="N", help="at most so many, newest first (100)")


def query_of(arguments: argparse.Namespace, *, outcome: str | None = None) -> Query:
    """Return what the arguments ask for."""
    return Query(
        tenant=arguments.tenant,
        message_id=arguments.message_id,
        sender=arguments.sender,
        recipient=arguments.recipient,
        subject=arguments.subject,
        since=arguments.since,
        until=arguments.until,
        verdict=arguments.verdict,
        outcome=outcome,
    )


def texts(value: Json) -> list[str]:
    """Return a JSON list of texts as such."""
    return [str(item) for item in value] if isinstance(value, list) else []
