"""ActiveMime, flat XML and OneNote: what they carry comes out."""

import base64
import struct
import zlib

import pytest
from tests.scan.compound_writer import compound
from tests.scan.making import scanned_file
from tests.scan.office_writers import vba_project

from counterfoil.scan.limits import Budget, Exhausted, Limits
from counterfoil.scan.unpack import office_carriers
from counterfoil.scan.unpack.member import Member, Refusal

SOURCE = 'Attribute VB_Name = "A"\r\nSub AutoOpen()\r\nShell "calc"\r\nEnd Sub\r\n'
PROJECT = compound(vba_project({"A": SOURCE}))
MSO = b"ActiveMime\0\0".ljust(0x32, b"\1") + zlib.compress(PROJECT)
ONENOTE = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3")
FILE_DATA = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")


@pytest.mark.parametrize("data", [MSO, b"MIME\r\n\r\n" + base64.encodebytes(MSO)], ids=["bare", "base64 behind text"])
def test_activemime_opens(data):
    """The compound file with the macros comes out, from a polyglot as well."""
    assert Member("activemime", PROJECT) in list(office_carriers.unpack_activemime(data, Budget()))


def test_activemime_that_is_damaged_or_a_bomb_is_told():
    """Damage is a refusal, a bomb meets the budget."""
    (refusal,) = office_carriers.unpack_activemime(b"ActiveMime" + bytes(80), Budget())
    assert refusal.reason.startswith("ActiveMime: ")
    assert Refusal("ActiveMime: cut short") in list(office_carriers.unpack_activemime(MSO[:-50], Budget()))
    with pytest.raises(Exhausted):
        list(office_carriers.unpack_activemime(MSO, Budget(Limits(output=100))))


@pytest.mark.parametrize(
    ("xml", "name"),
    [
        (
            '<w:d xmlns:w="w"><w:binData w:name="editdata.mso">{}</w:binData></w:d>',
            "editdata.mso",
        ),
        (
            '<p:p xmlns:p="p"><p:part p:name="/word/vbaProject.bin"><p:binaryData>{}</p:binaryData></p:part></p:p>',
            "word/vbaProject.bin",
        ),
    ],
    ids=["Word 2003", "flat OPC"],
)
def test_macros_in_flat_xml_are_found(xml, name):
    """A document in one XML file carries its macros as base64."""
    payload = MSO if name.endswith(".mso") else PROJECT
    data = b'<?xml version="1.0"?>' + xml.format(base64.b64encode(payload).decode()).encode()
    assert list(office_carriers.unpack_flat_xml(data, Budget())) == [Member("xml:binary", payload, (name,))]
    scan = scanned_file("offer.xml", data)
    assert any(
        finding.check == "macros" and finding.evidence["runs_by_itself"] == ["AutoOpen"] for finding in scan.findings
    )


def test_flat_xml_that_is_broken_is_refused():
    """What was to be decoded and cannot be read is uninspectable."""
    (refusal,) = office_carriers.unpack_flat_xml(b"<a><binData>", Budget())
    assert refusal.reason.startswith("XML document: ")
    assert list(office_carriers.unpack_flat_xml(b"<a>", Budget())) == []


def test_files_in_a_onenote_section_come_out():
    """A file that is cut short is told; the section stays uninspectable, because its pages are not read."""
    record = FILE_DATA + struct.pack("<QIQ", 5, 0, 0) + b"hello"
    found = list(office_carriers.unpack_onenote(ONENOTE + bytes(64) + record + record[:-2], Budget()))
    assert [one.data for one in found if isinstance(one, Member)] == [b"hello", b"hel"]
    assert Refusal("OneNote: an embedded file is cut short") in found
    scan = scanned_file("notes.one", ONENOTE + bytes(64) + record)
    assert [one.reason for one in scan.uninspectable] == ["no reader for OneNote"]
