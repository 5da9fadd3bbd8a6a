"""Excel-4 macro sheets in OOXML workbooks: ``.xlsm`` and ``.xltm`` as XML, ``.xlsb`` as BIFF12 ([MS-XLSB]).

A sheet is a macro sheet by its relationship's type or by the folder it is in; its name and whether it is hidden
stand in the workbook part. Members and oddities are those of ``office_xlm``.
"""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from counterfoil.scan.formats.elements import BadXml, Element, elements
from counterfoil.scan.formats.package import Relationship, parts, relationships
from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack import office_biff12
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.office_xlm import AUTO, STEP

MACRO = "macrosheet"
BIFF12_START = b"\x81"
"""The first octet of BrtBeginSheet, with which every sheet of ``.xlsb`` begins."""

WORKBOOK = re.compile(r"(?:^|/)workbook\d*\.(?:xml|bin)$")


@dataclass(slots=True)
class _Workbook:
    """What the workbook parts say: relationship id to sheet name and state, and the defined names."""

    sheets: dict[str, tuple[str, str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the macro sheets of a package; nothing where it has none."""
    links = [
        link
        for name, content in parts(data, lambda name: name.endswith(".rels"), budget.room())
        for link in relationships(name, content)
    ]
    listed = {link.target: link for link in links if MACRO in link.type.lower() and not link.external}
    others = {link.target for link in links if "binaryindex" in link.type.lower()}
    sheets = list(parts(data, lambda name: name in listed or _in_folder(name, others), budget.room()))
    if not sheets:
        return
    workbook = _Workbook()
    sources = {link.source for link in links}
    for name, content in parts(data, lambda name: name in sources and bool(WORKBOOK.search(name)), budget.room()):
        _read_workbook(workbook, name, content)
    for name, content in sheets:
        yield from _sheet(name, content, listed.get(name), workbook)
    for name in workbook.names:
        if name.lower().removeprefix("_xlnm.").startswith(AUTO):
            yield Oddity("xlm:auto-open", name)


def _in_folder(name: str, others: AbstractSet[str]) -> bool:
    """Tell whether a part is in the macro sheets' folder, and is no index of one."""
    return f"{MACRO}s/" in name and "/_rels/" not in name and name not in others


def _sheet(
    name: str, content: bytes, link: Relationship | None, workbook: _Workbook
) -> Iterator[Member | Refusal | Oddity]:
    title, state = workbook.sheets.get(link.id if link else "", (name.rpartition("/")[2], "visible"))
    yield Oddity("xlm:macro-sheet", f"{title}: {state}")
    if link is None:
        yield Oddity("xlm:undeclared", name)
    try:
        binary = content.startswith(BIFF12_START)
        lines = office_biff12.formulas(content, workbook.names) if binary else _formulas(content)
        text = "\n".join(lines)
    except (BadXml, office_biff12.CutShort) as error:
        yield Refusal(f"macro sheet {name}: {error}")
        return
    yield Member(STEP, text.encode(), (f"{title}.txt",), "text/plain")


def _formulas(content: bytes) -> Iterator[str]:
    """Yield the formulas and inline texts of a macro sheet in XML."""
    place = ""
    for element in elements(content):
        if element.name == "c":
            place = element.attributes.get("r", "")
        elif element.name == "f":
            yield f"{place}: ={element.text}"
        elif element.name in {"v", "t"} and element.text:
            yield f"  value: {element.text}"


def _read_workbook(workbook: _Workbook, name: str, content: bytes) -> None:
    """Add what a workbook part says; one that cannot be read says nothing, and its sheets keep their file names."""
    try:
        if name.endswith(".xml"):
            for element in elements(content):
                _read_element(workbook, element)
        else:
            for sheet in office_biff12.sheets(content):
                workbook.sheets[sheet.relationship] = (sheet.name, sheet.state)
            workbook.names.extend(office_biff12.names(content))
    except (BadXml, office_biff12.CutShort):
        return


def _read_element(workbook: _Workbook, element: Element) -> None:
    if element.name == "sheet":
        state = {"hidden": "hidden", "veryhidden": "very hidden"}.get(element.attributes.get("state", "").lower())
        workbook.sheets[element.attributes.get("id", "")] = (element.attributes.get("name", ""), state or "visible")
    elif element.name == "definedName":
        workbook.names.append(element.attributes.get("name", ""))
