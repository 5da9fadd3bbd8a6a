"""From the bytes of a message to all that is known of it: readings, parts, links, authentication, checks.

``examine`` is the order of things on one page. It is pure: names are looked up by yielding questions.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from counterfoil.model.dns import Asking
from counterfoil.model.mail import Authentication, Envelope, Finding, Scan, Uninspectable
from counterfoil.scan.authentication import authenticate
from counterfoil.scan.checks import CHECKS, Check
from counterfoil.scan.dismantling import Dismantling
from counterfoil.scan.features import Header, Message
from counterfoil.scan.limits import DEFAULT_LIMITS, Limits
from counterfoil.scan.mime.fields import Field
from counterfoil.scan.mime.words import header_text

WHOLE = "message"
"""The ``part`` of what is uninspectable about the message as a whole."""


def examine(
    raw: bytes,
    envelope: Envelope | None = None,
    *,
    now: datetime | None = None,
    limits: Limits = DEFAULT_LIMITS,
    checks: Iterable[Check] = CHECKS,
) -> Asking[Scan]:
    """Examine one message.

    Args:
        raw: The message as received.
        envelope: What SMTP said, or ``None`` for a message from a file.
        now: When it came, or ``None`` for a message from a file.
        limits: What it may cost, containers within containers included.
        checks: What is looked for, in order.
    """
    apart = Dismantling(limits)
    apart.message(raw)
    authentication, failure = yield from _authenticated(raw, envelope, now)
    if failure is not None:
        apart.uninspectable.append(failure)
    return _judged(_features(raw, envelope, apart, authentication), checks)


def examine_file(
    name: str, data: bytes, *, limits: Limits = DEFAULT_LIMITS, checks: Iterable[Check] = CHECKS
) -> Asking[Scan]:
    """Examine a bare file as if it were the one attachment of an empty message."""
    yield ()
    apart = Dismantling(limits)
    apart.file(name, data)
    return _judged(_features(data, None, apart, Authentication()), checks)


def _authenticated(
    raw: bytes, envelope: Envelope | None, now: datetime | None
) -> Asking[tuple[Authentication, Uninspectable | None]]:
    try:
        result = yield from authenticate(raw, envelope, now)
    except Exception as error:  # noqa: BLE001 - law 3: whatever goes wrong is said, and never taken for "clean"
        return Authentication(), Uninspectable(WHOLE, f"authentication failed: {_named(error)}")
    return result, None


def _features(raw: bytes, envelope: Envelope | None, apart: Dismantling, authentication: Authentication) -> Message:
    return Message(
        raw=raw,
        envelope=envelope,
        headers=tuple(_header(field) for field in apart.fields),
        parts=tuple(apart.parts),
        texts=apart.texts,
        links=tuple(apart.links),
        ambiguities=tuple(apart.ambiguities),
        authentication=authentication,
        uninspectable=tuple(apart.uninspectable),
    )


def _judged(message: Message, checks: Iterable[Check]) -> Scan:
    findings: list[Finding] = []
    uninspectable = list(message.uninspectable)
    for check in checks:
        try:
            findings.extend(check(message))
        except Exception as error:  # noqa: BLE001 - law 3, as above
            uninspectable.append(Uninspectable(WHOLE, f"check {check.__module__.rpartition('.')[2]}: {_named(error)}"))
    return Scan(
        message_id=next(message.values("message-id"), "").strip(),
        subject=next(message.values("subject"), ""),
        sha256=sha256(message.raw).hexdigest(),
        size=len(message.raw),
        findings=tuple(findings),
        parts=message.parts,
        links=message.links,
        authentication=message.authentication,
        uninspectable=tuple(dict.fromkeys(uninspectable)),
    )


def _header(field: Field) -> Header:
    return Header(field.name, header_text(field.raw), field.raw)


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
