"""File names that lie: about what the file is, or so that a person does not see the end of them."""

import re
from collections.abc import Iterator

from counterfoil.model.mail import Finding, Part, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message
from counterfoil.scan.kinds import Kind

NAME = "file-name"

_RUNS = """
ade adp app appref-ms application appx bas bat chm cmd com cpl dll diagcab exe gadget hta inf ins iso isp jar jnlp js
jse ksh lib lnk mde msc msh msi msix msp mst ocx pif ps1 ps1xml ps2 psc1 psm1 reg scf scr sct settingcontent-ms shb
shs sys theme vb vbe vbp vbs vhd vhdx vxd wsc wsf wsh xbap xll xnk
"""
RUNS = frozenset(_RUNS.split())
"""Extensions that Windows runs or mounts on a double click (Exchange Online's and Outlook's block lists)."""

_SHOWS = "bmp csv doc docx gif htm html jpeg jpg mp3 mp4 odt pdf png ppt pptx rtf tif txt wav xls xlsx"
SHOWS = frozenset(_SHOWS.split())
"""Extensions that people trust."""

PROGRAMS = frozenset(
    {Kind.PE, Kind.DOS, Kind.ELF, Kind.MACHO, Kind.MSI, Kind.LNK, Kind.HTA, Kind.WSF, Kind.JAR, Kind.CHM}
)
"""Kinds that no name in ``SHOWS`` is for."""

MARKUP = frozenset({Kind.HTML, Kind.SVG, Kind.MHTML})
NOT_MARKUP = SHOWS - {"csv", "doc", "htm", "html", "ppt", "rtf", "txt", "xls"}
"""Names that a page has only in order to pass for something else (``.xls`` reports are honest pages too often)."""

BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")
BLANK = "\\s\u00a0\u2000-\u200d\u2060\u2800\u3164\ufeff"
INVISIBLE_END = re.compile(f"[.{BLANK}]+$")
GAP = re.compile(f"[{BLANK}]{{5,}}\\.\\w+$")

LONGEST = 1000
"""Characters of a name that are looked at, from its end: no file system takes more."""

INNER = frozenset({"ole", "vba", "xlm"})
"""The last step to members whose names are no file names."""


def check(message: Message) -> Iterator[Finding]:
    """Yield a finding for each lie that a part's names tell."""
    for part in message.parts:
        if part.via and part.via[-1] in INNER:
            continue
        told: set[str] = set()
        for name in (name[-LONGEST:] for name in part.names):
            for summary, severity, technique in _lies(name, part):
                if summary not in told:
                    told.add(summary)
                    yield _finding(part, name, summary, severity, technique)


def _lies(name: str, part: Part) -> Iterator[tuple[str, Severity, str]]:
    if BIDI.search(name):
        yield "The name is shown in another direction than it is read", Severity.HIGH, attack.RIGHT_TO_LEFT
    if GAP.search(name):
        yield "Blanks push the end of the name out of sight", Severity.HIGH, attack.SPACE_AFTER_NAME
    bare = INVISIBLE_END.sub("", name)
    if bare != name and bare:
        severity = Severity.HIGH if _extension(bare) in RUNS else Severity.LOW
        yield "The name ends in dots or blanks, which Windows drops", severity, attack.SPACE_AFTER_NAME
    stem, extension = bare.rpartition(".")[0], _extension(bare)
    if extension in RUNS:
        if _extension(stem) in SHOWS:
            yield "Two extensions, and the one that counts is hidden", Severity.HIGH, attack.DOUBLE_EXTENSION
        yield "The extension is one that Windows runs or mounts", Severity.HIGH, attack.MALICIOUS_FILE
    elif extension in SHOWS and part.detected_type in PROGRAMS:
        yield "The name says a document, the contents are a program", Severity.HIGH, attack.MASQUERADED_TYPE
    elif extension in NOT_MARKUP and part.detected_type in MARKUP:
        yield (
            "The name says a document or picture, the contents are a web page",
            Severity.MEDIUM,
            attack.MASQUERADED_TYPE,
        )


def _extension(name: str) -> str:
    return name.rpartition(".")[2].strip().lower() if "." in name else ""


def _finding(part: Part, name: str, summary: str, severity: Severity, technique: str) -> Finding:
    return Finding(
        check=NAME,
        severity=severity,
        summary=summary,
        part=part.id,
        techniques=(technique, attack.PHISHING_ATTACHMENT),
        evidence={"name": name, "escaped": name.encode("unicode_escape").decode(), "type": part.detected_type},
    )
