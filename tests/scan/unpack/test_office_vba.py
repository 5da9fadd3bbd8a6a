"""VBA projects: every module's source, and what hides compiled code from its readers."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scan.compound_writer import compound
from tests.scan.office_writers import compressed, presentation, vba_project

from counterfoil.scan.limits import Budget, Exhausted, Limits
from counterfoil.scan.unpack import office_ppt, office_vba
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.office_vba_compression import BadCompression, decompress

HEADER = 'Attribute VB_Name = "Module1"\r\n'
SOURCE = HEADER + 'Sub AutoOpen()\r\n  Shell "calc.exe"\r\nEnd Sub\r\n'
OTHER = HEADER + "Sub Quiet()\r\nEnd Sub\r\n"


def unpacked(streams: dict[str, bytes]):
    """All that the unpacker yields."""
    return list(office_vba.unpack(compound(streams), Budget()))


def sources(found) -> dict[str, str]:
    """The modules among what was found, by name."""
    return {one.names[0]: one.data.decode() for one in found if isinstance(one, Member)}


def literal(text: str, opcode: int = 0xB9) -> bytes:
    """The p-code of a string literal."""
    return struct.pack("<HH", opcode, len(text)) + text.encode() + b"\0" * (len(text) % 2)


@given(st.binary(max_size=9000))
def test_literals_come_out_as_they_went_in(data):
    """A container of literals is decompressed to the same bytes, over chunk borders."""
    assert decompress(compressed(data), 10_000) == data


@given(st.lists(st.tuples(st.binary(min_size=4, max_size=40), st.integers(1, 30)), min_size=1, max_size=8))
def test_copies_come_out_as_the_specification_says(pieces):
    """Copy tokens, whose split of bits depends on the position, repeat what came before ([MS-OVBA] 2.4.1.3.19)."""
    tokens, plain = b"", b""
    for text, extra in pieces:
        if len(plain) + len(text) * 2 + extra > 4000:
            break
        for at in range(0, len(text), 8):
            tokens += b"\0" + text[at : at + 8]
            plain += text[at : at + 8]
            if len(text[at : at + 8]) < 8:
                tokens = tokens[: -len(text[at : at + 8]) - 1]
                plain = plain[: -len(text[at : at + 8])]
        if len(plain) < 8:
            continue
        offset, length = min(len(plain), 8), 3 + extra % 12
        bits = max(4, (len(plain) - 1).bit_length())
        tokens += b"\1" + struct.pack("<H", (offset - 1) << (16 - bits) | (length - 3))
        for _ in range(length):
            plain += plain[-offset : len(plain) - offset + 1]
        break  # a flag octet speaks of eight tokens; the chunk ends here
    if tokens:
        container = b"\1" + struct.pack("<H", 0xB000 | (len(tokens) - 1)) + tokens
        assert decompress(container, 10_000) == plain


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        (b"", "no compressed container"),
        (b"\2\0\0", "no compressed container"),
        (b"\1\0\0", "without its signature"),
        (b"\1" + struct.pack("<H", 0xB002) + b"\1\0\0", "a copy from before its chunk"),
        (compressed(b"x" * 200), "more than 100 octets"),
    ],
    ids=["empty", "another signature", "chunk without signature", "copy of nothing", "too long"],
)
def test_what_cannot_be_decompressed_says_why(container, reason):
    """Every refusal of the decompressor names its reason."""
    with pytest.raises(BadCompression, match=reason):
        decompress(container, 100)


@pytest.mark.parametrize("root", ["_VBA_PROJECT_CUR/", "Macros/", "", "Deep/er/"])
def test_modules_are_found_wherever_the_project_is(root):
    """Excel, Word, a bare vbaProject.bin and any other place: the storage decides, not the program."""
    found = unpacked({root + path: data for path, data in vba_project({"Module1": SOURCE, "Blätter": OTHER}).items()})
    assert sources(found) == {"Module1.bas": SOURCE, "Blätter.bas": OTHER}
    assert {one.step for one in found} == {"vba"}


def test_compiled_code_with_other_strings_is_stomping():
    """A string in the p-code that the source does not hold gives the stomping away; strings it holds do not."""
    compiled = bytes(600) + literal("powershell -enc AAAA") + literal("calc.exe") + literal("cmd.exe /c x", 0xB6)
    found = unpacked(vba_project({"Module1": SOURCE}, {"Module1": compiled}))
    (oddity,) = [one for one in found if isinstance(one, Oddity)]
    assert oddity == Oddity("vba:stomped", "Module1: compiled, not in the source: powershell -enc AAAA, cmd.exe /c x")


def test_honest_compiled_code_is_not_stomping():
    """Literals with doubled quotes in the source are the same string in the p-code."""
    source = HEADER + 'Sub A()\r\n  x = "say ""hello"" twice"\r\nEnd Sub\r\n'
    found = unpacked(vba_project({"Module1": source}, {"Module1": bytes(600) + literal('say "hello" twice')}))
    assert not [one for one in found if isinstance(one, Oddity)]


def test_a_module_without_source_is_told():
    """Compiled code whose source was emptied is an oddity of its own."""
    found = unpacked(vba_project({"Module1": ""}, {"Module1": bytes(600)}))
    assert [one.name for one in found if isinstance(one, Oddity)] == ["vba:no-source"]


def test_a_module_that_the_project_does_not_list_is_read():
    """A module stream that the directory leaves out is found by what its source begins with."""
    streams = vba_project({"Module1": OTHER})
    streams["VBA/Hidden"] = bytes(64) + compressed(SOURCE.encode())
    found = unpacked(streams)
    assert sources(found)["Hidden.bas"] == SOURCE
    assert Oddity("vba:unlisted-module", "Hidden") in found


def test_source_that_is_not_where_the_project_says_is_found():
    """A wrong offset does not hide the source, and the module is refused as whole."""
    streams = vba_project({"Module1": SOURCE}, {"Module1": bytes(100)})
    streams["VBA/Module1"] = bytes(50) + streams["VBA/Module1"]
    found = unpacked(streams)
    assert sources(found)["Module1.bas"] == SOURCE
    assert [one.reason for one in found if isinstance(one, Refusal)] == [
        "VBA module 'Module1': its source is not where the project says"
    ]


def test_a_broken_directory_is_refused_and_the_modules_are_read_all_the_same():
    """A project whose directory cannot be read is uninspectable, not clean, and what can be read is."""
    streams = vba_project({"Module1": SOURCE}) | {"VBA/dir": b"\x07nonsense"}
    found = unpacked(streams)
    assert sources(found) == {"Module1.bas": SOURCE}
    assert Refusal("VBA project, no compressed container") in found


def test_a_missing_module_stream_is_refused():
    """A listed module without its stream says so."""
    streams = vba_project({"Module1": SOURCE})
    del streams["VBA/Module1"]
    assert [one.reason for one in unpacked(streams) if isinstance(one, Refusal)] == [
        "VBA module 'Module1': its stream is not there"
    ]


def test_purged_code_is_told():
    """A project without any compiled code was not written by Office; the source is there."""
    streams = vba_project({"Module1": SOURCE}) | {"VBA/_VBA_PROJECT": b"\xcc\x61\xff\xff\0\0\0"}
    assert Oddity("vba:purged", "Module1") in unpacked(streams)


def storage(content: bytes, *, packed: bool = True) -> bytes:
    """An object storage record of PowerPoint."""
    body = struct.pack("<I", len(content)) + zlib.compress(content) if packed else content
    return struct.pack("<HHI", 0x10 if packed else 0, 0x1011, len(body)) + body


@pytest.mark.parametrize("packed", [True, False])
def test_the_project_of_a_presentation_is_inside_an_object(packed):
    """PowerPoint's object storages come out as compound files, compressed or not, with their macros."""
    inner = compound(vba_project({"Module1": SOURCE}))
    found = list(office_ppt.unpack(presentation([storage(inner, packed=packed)]), Budget()))
    assert found == [Member("ppt:object", inner)]
    assert sources(office_vba.unpack(found[0].data, Budget())) == {"Module1.bas": SOURCE}


def test_objects_of_a_presentation_are_bounded_and_their_damage_is_told():
    """A bomb meets the budget; a storage that is cut short or broken is a refusal."""
    bomb = presentation([storage(bytes(3_000_000))])
    with pytest.raises(Exhausted):
        list(office_ppt.unpack(bomb, Budget(Limits(output=1_000_000))))
    inner = compound(vba_project({"Module1": SOURCE}))
    whole = storage(inner)
    short = whole[:4] + struct.pack("<I", len(whole) - 208) + whole[8:-200]
    (refusal, _) = office_ppt.unpack(presentation([short]), Budget())
    assert "cut short" in refusal.reason
    broken = whole[:20] + bytes(len(whole) - 20)
    (refusal,) = office_ppt.unpack(presentation([broken]), Budget())
    assert "cannot be inflated" in refusal.reason


def documents(data: bytes):
    """The compound files in a file: itself, and those in its ZIP."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if not entry.flag_bits & 1:
                    yield from documents(archive.read(entry))
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        yield data
        yield from (one.data for one in office_ppt.unpack(data, Budget()) if isinstance(one, Member))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_sources_are_those_that_olevba_reads(corpora):
    """On every real file with macros, another reader finds the same modules with the same code."""
    from oletools.olevba import VBA_Parser

    files = 0
    for path in sorted((corpora / "office").rglob("*")):
        if not path.is_file() or path.suffix in {".txt", ".js", ".slk", ".csv", ".rtf", ".one", ".zip"}:
            continue
        data = path.read_bytes()
        ours = {
            name.removesuffix(".bas"): "".join(text.split())
            for document in documents(data)
            for name, text in sources(office_vba.unpack(document, Budget())).items()
        }
        parser = None
        if not data.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
            continue
        parser = VBA_Parser(str(path), data=data)
        try:
            theirs = (
                {
                    name.rpartition("/")[2]: "".join(text.split())
                    for _, _, name, text in parser.extract_macros()
                    if name != "xlm_macro.txt"
                }
                if parser.detect_vba_macros()
                else {}
            )
        finally:
            parser.close()
        theirs = {name.rpartition(".")[0] or name: text for name, text in theirs.items()}
        for name, text in theirs.items():
            assert ours.get(name, "").endswith(text[-200:]), (path.name, name)
        files += bool(theirs)
    assert files >= 4
