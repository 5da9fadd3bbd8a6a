"""Objects of the Packager that hold a command line in place of a file: a double click runs it.

The icon and its label are free to say "invoice"; the program it names lies on the reader's machine already, so
that no executable travels in the message (MITRE ATT&CK T1204.002).
"""

from collections.abc import Iterator

from counterfoil.model.mail import Finding, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message

NAME = "packager-command"

ODDITY = "ole:command"


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each command."""
    for ambiguity in message.ambiguities:
        if ambiguity.name == ODDITY:
            yield Finding(
                check=NAME,
                severity=Severity.HIGH,
                summary="An object in a document runs a command on a double click",
                part=ambiguity.part,
                techniques=(attack.MALICIOUS_FILE, attack.PHISHING_ATTACHMENT),
                evidence={"command": ambiguity.detail},
            )
