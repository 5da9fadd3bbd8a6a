"""Documents that fetch something when they open: templates, objects, frames, pictures from elsewhere.

Relationships of OOXML packages whose target is external (MITRE ATT&CK T1221), web pages embedded whole
(altChunk), RTF templates and linked objects, and targets on file servers, which make Windows sign in (T1187).
"""

import re
from collections.abc import Iterator

from counterfoil.model.mail import Finding, Json, Part, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message
from counterfoil.scan.formats import rtf
from counterfoil.scan.formats.package import Relationship, relationships
from counterfoil.scan.kinds import Kind

NAME = "external-reference"

FETCHED = {
    "attachedtemplate": (Severity.HIGH, "A document template is fetched from elsewhere"),
    "oleobject": (Severity.HIGH, "An object is fetched from elsewhere"),
    "frame": (Severity.HIGH, "A frame is fetched from elsewhere"),
    "subdocument": (Severity.HIGH, "A part of the document is fetched from elsewhere"),
    "afchunk": (Severity.HIGH, "A part of the document is fetched from elsewhere"),
    "externallinkpath": (Severity.LOW, "Another workbook is asked for values"),
    "image": (Severity.LOW, "A picture is fetched from elsewhere"),
}
"""Relationship types, by their last word, that Office follows without a click; all others are ``LOW``."""

CLICKED = frozenset({"hyperlink", "hlinkclick", "hlinkhover"})
FILE_SERVER = re.compile(r"^(?:file:)?[/\\]{2,5}(?!/|[a-z]:)[^/\\?#]", re.IGNORECASE)
"""A UNC path, or a file URL with a host."""

MONIKER = re.compile(
    r"^(?:mhtml|script|ms-[a-z]+|search-ms|javascript|vbscript|data|its|mk|view-source):|!x-usc:", re.IGNORECASE
)
REMOTE = re.compile(r"^(?:https?|ftp):", re.IGNORECASE)


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each reference."""
    for part in message.parts:
        names = [name.lower() for name in part.names if name.lower().endswith(".rels")]
        if names:
            for link in relationships(names[0], part.data):
                yield from _relationship(part, link)
        if part.detected_type == Kind.RTF:
            yield from _rtf(part)


def _relationship(part: Part, link: Relationship) -> Iterator[Finding]:
    kind = link.type.rpartition("/")[2].lower()
    if kind == "afchunk" and not link.external:
        yield _finding(part, Severity.MEDIUM, "Another document is embedded whole (altChunk)", link.target, kind)
    if not link.external:
        return
    target = link.target.strip()
    if MONIKER.search(target):
        yield _finding(part, Severity.HIGH, "A reference with a scheme that runs code", target, kind)
    elif FILE_SERVER.match(target):
        severity = Severity.MEDIUM if kind in CLICKED else Severity.HIGH
        yield _finding(part, severity, "A reference to a file server", target, kind)
    elif kind not in CLICKED and REMOTE.match(target):
        severity, summary = FETCHED.get(kind, (Severity.LOW, "Something is fetched from elsewhere"))
        yield _finding(part, severity, summary, target, kind)


def _rtf(part: Part) -> Iterator[Finding]:
    for target in rtf.destinations(part.data, "template"):
        if REMOTE.match(target) or FILE_SERVER.match(target) or MONIKER.search(target):
            yield _finding(part, Severity.HIGH, "A document template is fetched from elsewhere", target, "template")
    if rtf.has(part.data, "objupdate"):
        yield _finding(part, Severity.HIGH, "An object is loaded without a click", "", "objupdate")
    elif rtf.has(part.data, "objautlink") or rtf.has(part.data, "objlink"):
        yield _finding(part, Severity.MEDIUM, "An object is linked from elsewhere", "", "objlink")


def _finding(part: Part, severity: Severity, summary: str, target: str, kind: str) -> Finding:
    technique = attack.FORCED_AUTHENTICATION if FILE_SERVER.match(target) else attack.TEMPLATE_INJECTION
    evidence: dict[str, Json] = {"target": target[:2000], "relationship": kind, "names": list(part.names)}
    return Finding(NAME, severity, summary, part.id, (technique, attack.PHISHING_ATTACHMENT), evidence)
