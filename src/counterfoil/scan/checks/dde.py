"""Dynamic Data Exchange: fields, links and cells that start a program (MITRE ATT&CK T1559.002).

Word fields are put together first, because their code may be cut into many runs; cells of CSV files are looked
at because Excel computes them.
"""

import re
from collections.abc import Iterable, Iterator

from counterfoil.model.mail import Finding, Part, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message
from counterfoil.scan.formats import data_links, rtf
from counterfoil.scan.formats.elements import BadXml
from counterfoil.scan.kinds import Kind
from counterfoil.scan.unpack.office_biff import records

NAME = "dde"

FIELD = re.compile(r"""["'\s]*DDE(?:AUTO)?\b""", re.IGNORECASE)
CELL = re.compile(r"""^[ \t"']{0,50}[=+\-@][^,;\t\n|]{0,200}\|[^\n!]{0,500}!""", re.MULTILINE)
"""A formula with service, bar, topic, exclamation mark: ``=cmd|'/c calc'!A0``; it may stand in any cell."""

CELL_START = re.compile(r"[,;\t]")
SHOWN = 500


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each field, link or cell."""
    for part in message.parts:
        for where, code in dict.fromkeys(_codes(part, message)):
            yield Finding(
                check=NAME,
                severity=Severity.HIGH,
                summary=f"DDE in a {where}: opening it can start a program",
                part=part.id,
                techniques=(attack.DYNAMIC_DATA_EXCHANGE, attack.MALICIOUS_FILE),
                evidence={"code": code[:SHOWN], "names": list(part.names)},
            )


def _codes(part: Part, message: Message) -> Iterator[tuple[str, str]]:
    names = [name.lower() for name in part.names]
    last = {name.rpartition("/")[2] for name in names}
    if part.detected_type == Kind.RTF:
        yield from _fields(rtf.destinations(part.data, "fldinst"))
    elif part.detected_type == Kind.XML or b"<?xml" in part.data[:64] or any(name.endswith(".xml") for name in names):
        yield from _xml(part.data)
    elif part.detected_type == Kind.CSV or any(name.endswith(".csv") for name in names):
        text = message.texts.get(part.id) or part.data.decode("utf-8", "replace")
        rows = CELL_START.sub("\n", text) if "|" in text else ""
        yield from (("cell", match.group().strip()) for match in CELL.finditer(rows))
    elif "worddocument" in last:
        yield from _fields(data_links.word_fields(part.data))
    elif last & {"workbook", "book"}:
        found = (data_links.workbook_link(one.data) for one in records(part.data) if one.type == data_links.SUP_BOOK)
        yield from (("link", link) for link in found if link)
    elif any("externallink" in name and name.endswith(".bin") for name in names):
        yield from (("link", link) for link in data_links.biff12_links(part.data))


def _fields(codes: Iterable[str]) -> Iterator[tuple[str, str]]:
    return (("field", code.strip()) for code in codes if FIELD.match(code))


def _xml(data: bytes) -> Iterator[tuple[str, str]]:
    """Look into XML that may hold one: most parts do not, and are not parsed."""
    text = data.replace(b"\0", b"")  # UTF-16 too, which Office reads
    try:
        if b"instr" in text:
            yield from _fields(data_links.xml_fields(data))
        if b"ddeLink" in text or b"Formula" in text:
            yield from (("link", link) for link in data_links.xml_links(data))
    except BadXml:
        return
