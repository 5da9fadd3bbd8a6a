"""Where Office files keep links to other programs and field codes, as text: one function a format.

A DDE link is given as ``service|topic`` whatever the format calls the two.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from counterfoil.scan.formats.elements import Element, elements

QUOTE = re.compile(r"\bQUOTE\s+((?:\d{1,5}\s*)+)", re.IGNORECASE)
WORD_FIELD = re.compile(r"\x13([^\x13-\x15]{1,2000})")
FIELD_ELEMENTS = frozenset({"fldChar", "instrText", "fldSimple"})
LINK_ELEMENTS = frozenset({"ddeLink", "Cell"})
SUP_BOOK = 0x01AE
BIFF12_SUP_BOOK = re.compile(rb"\xe8\x02[\x00-\xff]{1,2}?\x01\x00", re.DOTALL)


@dataclass(slots=True)
class _Fields:
    """Field codes that are open, innermost last; the result of a field is no code."""

    open: list[list[str]] = field(default_factory=list)
    in_code: list[bool] = field(default_factory=list)

    def character(self, kind: str) -> str | None:
        """Take a field character; the end of a field returns its whole code."""
        if kind == "begin":
            self.open.append([])
            self.in_code.append(True)
        elif kind == "separate" and self.open:
            self.in_code[-1] = False
        elif kind == "end" and self.open:
            code = unquoted("".join(self.open.pop()))
            self.in_code.pop()
            self.text(code)
            return code
        return None

    def text(self, text: str) -> None:
        if self.open and self.in_code[-1]:
            self.open[-1].append(text)


def unquoted(code: str) -> str:
    """Undo ``QUOTE 68 68 69``, a field whose result is the characters of those numbers."""
    return QUOTE.sub(lambda match: "".join(chr(int(number) % 0x10000) for number in match.group(1).split()), code)


def xml_fields(data: bytes) -> Iterator[str]:
    """Yield the field codes of WordprocessingML, put together over all runs and nested fields.

    Raises:
        BadXml: If the part is no XML.
    """
    fields = _Fields()
    for element in elements(data, FIELD_ELEMENTS):
        if element.name == "fldChar":
            code = fields.character(element.attributes.get("fldCharType", "").lower())
            if code is not None:
                yield code
        elif element.name == "instrText":
            fields.text(element.text)
        elif element.name == "fldSimple":
            yield unquoted(element.attributes.get("instr", ""))
    while fields.open:  # a document that ends within a field
        code = fields.character("end")
        if code is not None:
            yield code


def xml_links(data: bytes) -> Iterator[str]:
    """Yield the DDE links of SpreadsheetML, and formulas that are one in the XML of Excel 2003.

    Raises:
        BadXml: If the part is no XML.
    """
    for element in elements(data, LINK_ELEMENTS):
        yield from _xml_link(element)


def _xml_link(element: Element) -> Iterator[str]:
    if element.name == "ddeLink":
        yield f"{element.attributes.get('ddeService', '')}|{element.attributes.get('ddeTopic', '')}"
    formula = element.attributes.get("Formula", "")
    if "|" in formula and "!" in formula:
        yield formula


def word_fields(stream: bytes) -> Iterator[str]:
    """Yield the field codes of a WordDocument stream, whose text is of octets or UTF-16 ([MS-DOC] section 2.8.25)."""
    for text in (
        stream.decode("latin-1"),
        stream.decode("utf-16-le", "replace"),
        stream[1:].decode("utf-16-le", "replace"),
    ):
        yield from (match.group(1) for match in WORD_FIELD.finditer(text))


def workbook_link(record: bytes) -> str | None:
    """Return the DDE link of a SupBook record's data ([MS-XLS] section 2.4.271), or ``None`` for another kind."""
    if len(record) < 6:
        return None
    length = int.from_bytes(record[2:4], "little")
    text = (
        record[5 : 5 + 2 * length].decode("utf-16-le", "replace")
        if record[4] & 1
        else record[5 : 5 + length].decode("latin-1")
    )
    return text.replace("\x03", "|") if "\x03" in text[1:] else None


def biff12_links(part: bytes) -> Iterator[str]:
    """Yield the DDE links of an externalLink part of ``.xlsb`` (BrtBeginSupBook, [MS-XLSB] section 2.4.219)."""
    for match in BIFF12_SUP_BOOK.finditer(part):
        at = match.end()
        words = []
        for _ in range(2):
            length = int.from_bytes(part[at : at + 4], "little")
            if length > 0x7FFF:
                break
            words.append(part[at + 4 : at + 4 + 2 * length].decode("utf-16-le", "replace"))
            at += 4 + 2 * length
        if len(words) == 2 and all(words):
            yield "|".join(words)
