"""A connection that a named operator shut, and the gap that it makes. Pure."""

from dataclasses import dataclass
from datetime import datetime

from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json


@dataclass(frozen=True, slots=True)
class Containment:
    """A connection that a named operator shut; ``released`` is ``None`` while it is shut.

    What our own use met is no entry of the record, but read out of the ledger beside it: ``refused`` counts our
    attempts in vain, and ``again`` is when a token was given again. Without keys a connection stays shut when the
    order ends, so only ``again`` ends the gap.
    """

    tenant: str
    app: str
    how: str
    by: str
    why: str
    since: datetime
    done: bool = False
    released: datetime | None = None
    refused: int = 0
    again: datetime | None = None

    @property
    def which(self) -> tuple[str, str, str]:
        """Which connection, and how: one may be disabled and stripped of its keys, and each ends by itself."""
        return self.tenant, self.app, self.how


def containment_document(containment: Containment) -> dict[str, Json]:
    """Spell a containment as JSON."""
    return {
        "tenant": containment.tenant,
        "app": containment.app,
        "how": containment.how,
        "by": containment.by,
        "why": containment.why,
        "since": rfc3339(containment.since),
        "done": containment.done,
        "released": rfc3339(containment.released) if containment.released else None,
    }


def gap_document(containment: Containment) -> dict[str, Json]:
    """Spell a containment as JSON, with what our own use met."""
    again = rfc3339(containment.again) if containment.again else None
    return {**containment_document(containment), "refused": containment.refused, "works_again": again}
