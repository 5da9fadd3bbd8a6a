"""Office files locked with a password that Office tries by itself: they open without a question.

The lock hides the inside from scanners and from nobody else (reference: ISC diaries of 2018 and 2019 on
VelvetSweatshop; MITRE ATT&CK T1027.013), so its use is a finding whatever is inside.
"""

from collections.abc import Iterator

from counterfoil.model.mail import Finding, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message

NAME = "default-password"

ODDITY = "ole:default-password"


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each container that one of the default passwords opened."""
    opened = {ambiguity.part for ambiguity in message.ambiguities if ambiguity.name == ODDITY}
    for ambiguity in message.ambiguities:
        # The workbook stream of a locked file is a part as well, and its lock is the same one.
        if ambiguity.name == ODDITY and ambiguity.part.rpartition("/")[0] not in opened:
            yield Finding(
                check=NAME,
                severity=Severity.HIGH,
                summary="An Office file is encrypted with a password that Office tries by itself",
                part=ambiguity.part,
                techniques=(attack.ENCRYPTED_FILE, attack.PHISHING_ATTACHMENT),
                evidence={"how": ambiguity.detail},
            )
