"""Containers that nobody but the recipient can open: a lock is no proof of malice, and hides what is inside.

The message is ``uninspectable`` by itself (law 3); this says which parts are locked, as opposed to broken.
"""

from collections.abc import Iterator

from counterfoil.model.mail import Finding, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message

NAME = "encrypted"


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each part with something encrypted in it."""
    reasons: dict[str, list[str]] = {}
    for entry in message.uninspectable:
        if "encrypted" in entry.reason:
            reasons.setdefault(entry.part, []).append(entry.reason)
    for part, told in reasons.items():
        yield Finding(
            check=NAME,
            severity=Severity.LOW,
            summary="Encrypted, and the password is not known",
            part=part,
            techniques=(attack.ENCRYPTED_FILE,),
            evidence={"reasons": [*told[:20]], "count": len(told)},
        )
