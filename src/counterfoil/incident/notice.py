"""Notices: what one customer is told, as a page and as text, and the mail that carries both. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum

from counterfoil.incident import pages
from counterfoil.incident.facts import Telling
from counterfoil.incident.steps import Handover
from counterfoil.model.errors import Refused


class Paper(StrEnum):
    """What is told: the facts, or what the customer's administrator has to do by hand."""

    FACTS = "facts"
    STEPS = "steps"


class State(StrEnum):
    """A notice goes out only after a person has approved exactly this text.

    ``withdrawn`` are facts that were drafted before the scope was corrected: they never go out, approved or not.
    """

    DRAFT = "draft"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as it is kept. ``sha256`` is of the page and the text together: what was approved is what goes out."""

    incident: str
    tenant: str
    paper: Paper
    subject: str
    html: str
    text: str
    state: State
    drafted_by: str
    drafted: datetime
    approved_by: str | None = None

    @property
    def sha256(self) -> str:
        """The fingerprint of everything that the customer reads."""
        whole = f"{self.subject}\0{self.html}\0{self.text}"
        return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()


def facts_notice(telling: Telling, reference: str, sender: str, now: datetime) -> tuple[str, str, str]:
    """Return subject, page and text of what a customer is told."""
    values = {"t": telling, "reference": reference, "sender": sender, "now": now}
    return (
        f"Security notice {reference}: our connection to Microsoft 365",
        pages.page("notice.html", **values),
        pages.text("notice.txt", **values),
    )


def steps_notice(work: Sequence[Handover], reference: str, sender: str, now: datetime) -> tuple[str, str, str]:
    """Return subject, page and text of what one customer's administrator has to do, connection by connection."""
    values = {"first": work[0], "work": work, "reference": reference, "sender": sender, "now": now}
    return (
        f"Please do until {pages.when(work[0].deadline)}: replace our certificate ({reference})",
        pages.page("steps.html", **values),
        pages.text("steps.txt", **values),
    )


def require_approved(notice: Notice) -> None:
    """See that a notice may go out.

    Raises:
        Refused: If nobody approved it, or it is withdrawn.
    """
    if notice.state is State.WITHDRAWN:
        raise Refused(
            "this notice is withdrawn: the scope was corrected after it was drafted",
            "draft it again, read it, approve it: counterfoil incident notices draft",
        )
    if notice.state is not State.APPROVED:
        raise Refused("this notice is not approved", "read it, then: counterfoil incident notices approve")


def mail(
    notice: Notice, sender: str, recipients: tuple[str, ...], message_id: str, now: datetime, *, again: bool = False
) -> bytes:
    """Make the message that carries a notice; ``again`` makes it a reminder of it.

    Raises:
        Refused: If it is not approved or is withdrawn, or an address is none.
    """
    require_approved(notice)
    message = EmailMessage(policy=SMTP)
    try:
        message["From"], message["To"] = sender, ", ".join(recipients)
    except ValueError as error:
        raise Refused(f"this is no address: {error}", "write it as name@domain") from error
    message["Subject"] = f"Reminder: {notice.subject}" if again else notice.subject
    message["Date"] = now
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.text, cte="quoted-printable")
    message.add_alternative(notice.html, subtype="html", cte="quoted-printable")
    return message.as_bytes()
