"""Containers that hide what they carry from the warnings a downloaded file gets: disk images, OneNote, and the like.

Files inside an image that Windows mounts lose the mark of the web (MITRE ATT&CK T1553.005).
"""

from collections.abc import Iterator

from counterfoil.model.mail import Finding, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message
from counterfoil.scan.kinds import Kind

NAME = "carrier"

CARRIERS = {
    Kind.ISO: "a disc image",
    Kind.UDF: "a disc image",
    Kind.VHD: "a virtual disk",
    Kind.VHDX: "a virtual disk",
    Kind.VMDK: "a virtual disk",
    Kind.WIM: "a disk image",
    Kind.DMG: "a disk image",
    Kind.ONENOTE: "a OneNote section, which opens files that it carries",
    Kind.ACTIVEMIME: "macros in the form that only Office's web archives use",
    Kind.ACE: "an ACE archive, whose reader is unsafe",
    Kind.ARJ: "an ARJ archive, which few scanners open",
    Kind.XPS: "an XPS document, which few scanners open",
}


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each such container."""
    for part in message.parts:
        for kind, words in CARRIERS.items():
            if part.detected_type == kind:
                yield Finding(
                    check=NAME,
                    severity=Severity.MEDIUM,
                    summary=f"The message carries {words}",
                    part=part.id,
                    techniques=(attack.MARK_OF_THE_WEB, attack.PHISHING_ATTACHMENT),
                    evidence={"names": list(part.names), "type": part.detected_type},
                )
