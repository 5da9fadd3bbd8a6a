"""The EICAR test file (eicar.org, "The Anti-Malware Testfile"): harmless, and to be found by every scanner.

Its signature is kept in two halves, so that this file is none.
"""

from collections.abc import Iterator

from counterfoil.model.mail import Finding, Severity
from counterfoil.scan.features import Message

NAME = "eicar"

SIGNATURE = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + rb"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
LONGEST = 128
"""The definition: the signature comes first, and at most white space follows, up to 128 octets."""


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each part that is the test file."""
    for part in message.parts:
        if part.data.startswith(SIGNATURE) and len(part.data.rstrip()) <= LONGEST:
            yield Finding(
                check=NAME,
                severity=Severity.CRITICAL,
                summary="The EICAR anti-malware test file",
                part=part.id,
                evidence={"names": list(part.names), "sha256": part.sha256},
            )
