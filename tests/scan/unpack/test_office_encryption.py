"""Office's default passwords: every scheme opens, and whatever else is locked is refused with a reason."""

import io
import zipfile

import pytest
from tests.scan import office_writers as writers
from tests.scan.compound_writer import compound
from tests.scan.making import scanned_file

from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack import office_decrypt_ppt, office_decrypt_xls, office_encryption, office_xlm
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.office_ole import Compound

VELVET = "VelvetSweatshop"
RUESCHER = "/01Hannes Ruescher/01"
FORMULAS = {(0, 0): writers.text("calc.exe") + writers.call(110, 1)}
STEP = "ole:decrypt:default-password"


def unpacked(data: bytes):
    """All that the unpacker yields."""
    return list(office_encryption.unpack(data, Budget()))


def package(size: int = 9000) -> bytes:
    """A ZIP that a lock goes around."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>" + " " * size)
    return output.getvalue()


def xor(password: str) -> bytes:
    """Excel 97 with XOR obfuscation."""
    stream = writers.workbook(FORMULAS, lock=writers.xor_lock(password, wide=True))
    return compound({"Workbook": writers.locked_xor(stream, password)})


def xor_95(password: str) -> bytes:
    """Excel 95 with XOR obfuscation."""
    formulas = {(0, 0): b"\x17\x08calc.exe" + writers.call(110, 1)}
    stream = writers.workbook(formulas, version=0x0500, lock=writers.xor_lock(password, wide=False))
    return compound({"Book": writers.locked_xor(stream, password)})


def binary_rc4(password: str) -> bytes:
    """Excel 97 with RC4."""
    stream = writers.workbook(FORMULAS, lock=writers.binary_lock(password))
    return compound({"Workbook": writers.locked_rc4(stream, lambda block: writers.binary_key(password, block))})


def cryptoapi(password: str, bits: int = 128) -> bytes:
    """Excel 2002 with RC4 CryptoAPI."""
    stream = writers.workbook(FORMULAS, lock=b"\1\0" + writers.cryptoapi_info(password, bits))
    return compound(
        {"Workbook": writers.locked_rc4(stream, lambda block: writers.cryptoapi_key(password, block, bits))}
    )


WORKBOOKS = {
    "XOR obfuscation": xor,
    "XOR obfuscation of Excel 95": xor_95,
    "RC4": binary_rc4,
    "RC4 CryptoAPI, 128 bits": cryptoapi,
    "RC4 CryptoAPI, 40 bits": lambda password: cryptoapi(password, 40),
    "RC4 CryptoAPI, 56 bits": lambda password: cryptoapi(password, 56),
}


@pytest.mark.parametrize("scheme", WORKBOOKS)
def test_a_workbook_with_the_default_password_opens(scheme):
    """The decrypted stream is what was locked, in its macro sheet and in the sheet list, for every scheme of .xls."""
    oddity, member = unpacked(WORKBOOKS[scheme](VELVET))
    assert oddity == Oddity(
        "ole:default-password", f"'VelvetSweatshop' opens it; {scheme.split(',')[0].split(' of')[0]}"
    )
    assert member.step == STEP
    texts = [found.data for found in office_xlm.unpack(member.data, Budget()) if isinstance(found, Member)]
    assert texts == [b'A1: =EXEC("calc.exe")']


@pytest.mark.parametrize("scheme", WORKBOOKS)
def test_a_workbook_with_another_password_is_refused(scheme):
    """Another password is said to be unknown, never passed over, whatever the scheme."""
    (refusal,) = unpacked(WORKBOOKS[scheme]("Geheim-2026"))
    assert isinstance(refusal, Refusal)
    assert refusal.reason.startswith("encrypted, password not known (")


def test_a_decrypted_workbook_is_not_encrypted_any_more():
    """The decrypted file is not taken for a locked one again, so unpacking ends."""
    _, member = unpacked(binary_rc4(VELVET))
    assert unpacked(member.data) == []


def test_a_forged_verifier_does_not_hide_a_workbook():
    """The output decides too: a verifier that says no does not stop a stream that decrypts to a workbook."""
    lock = bytearray(writers.binary_lock(VELVET))
    lock[30] ^= 0xFF
    stream = writers.workbook(FORMULAS, lock=bytes(lock))
    locked = compound({"Workbook": writers.locked_rc4(stream, lambda block: writers.binary_key(VELVET, block))})
    assert [type(found) for found in unpacked(locked)] == [Oddity, Member]


@pytest.mark.parametrize("bits", [128, 192, 256])
@pytest.mark.parametrize("password", [VELVET, RUESCHER])
def test_a_package_with_standard_encryption_opens(bits, password):
    """ECMA-376 standard encryption opens with either default password, and the bytes are the ones that were locked."""
    plain = package()
    oddity, member = unpacked(writers.locked_standard(plain, password, bits))
    assert member == Member(STEP, plain)
    assert repr(password) in oddity.detail


@pytest.mark.parametrize(("hash_name", "bits"), [("sha1", 128), ("sha256", 256), ("sha512", 256)])
def test_a_package_with_agile_encryption_opens_whatever_its_verifier_says(hash_name, bits):
    """Agile encryption opens although its verifier is nonsense: the output decides."""
    plain = package()
    oddity, member = unpacked(writers.locked_agile(plain, VELVET, hash_name=hash_name, bits=bits))
    assert member.data == plain
    assert "agile" in oddity.detail


def test_a_package_that_msoffcrypto_locked_opens():
    """Another program's agile encryption opens as well."""
    from msoffcrypto.method.ecma376_agile import ECMA376Agile

    plain = package()

    locked = ECMA376Agile.encrypt(RUESCHER, io.BytesIO(plain))
    _, member = unpacked(bytes(locked))
    assert member.data == plain


@pytest.mark.parametrize(
    "locked",
    [
        pytest.param(lambda: writers.locked_standard(package(), "Geheim-2026"), id="standard"),
        pytest.param(lambda: writers.locked_agile(package(), "Geheim-2026"), id="agile"),
    ],
)
def test_a_package_with_another_password_is_refused(locked):
    """Another password is said to be unknown."""
    (refusal,) = unpacked(locked())
    assert refusal.reason.startswith("encrypted, password not known (")


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (b"\4\0\4\0\x40\0\0\0no xml", "agile encryption, BadXml"),
        (b"\4\0\4\0\x40\0\0\0<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "declares a document type"),
        (b"\4\0\4\0\x40\0\0\0<encryption/>", "KeyError"),
        (b"\3\0\3\0", "encryption version 3.3"),
        (b"\4\0\2\0\x24\0\0\0", "cut short"),
        (b"", "encryption version 0.0"),
    ],
    ids=[
        "agile that is no XML",
        "agile with a document type",
        "agile without keys",
        "extensible",
        "standard cut short",
        "empty",
    ],
)
def test_an_odd_description_of_the_lock_is_refused(info, reason):
    """What cannot be read about the lock is a refusal that says why."""
    (refusal,) = unpacked(compound({"EncryptionInfo": info, "EncryptedPackage": bytes(5000)}))
    assert reason in refusal.reason


def test_a_spin_count_that_would_cost_minutes_is_refused():
    """A spin count beyond the limit is not computed."""
    (refusal,) = unpacked(writers.locked_agile(package(), VELVET, stated_spin=9_999_999))
    assert refusal.reason == "encrypted, password not known (agile encryption, spin count 9999999)"


@pytest.mark.parametrize(("password", "bits"), [(RUESCHER, 128), (RUESCHER, 40), (VELVET, 128)])
def test_a_presentation_with_a_default_password_opens(password, bits):
    """RC4 CryptoAPI of PowerPoint: each persist object comes out as it was."""
    record = b"\x0f\x00\xe8\x03\x20\x00\x00\x00" + b"slide text " * 2 + b"0123456789"
    _, member = unpacked(writers.presentation([record, record], password, bits))
    document = Compound(member.data).stream("PowerPoint Document")
    assert document.count(record) == 2
    assert unpacked(member.data) == []


def test_a_presentation_with_another_password_is_refused():
    """Another password is said to be unknown."""
    (refusal,) = unpacked(writers.presentation([b"\x0f\0\xe8\x03\4\0\0\0abcd"], "Geheim-2026"))
    assert refusal.reason == "encrypted, password not known (RC4 CryptoAPI)"


def test_a_presentation_that_says_it_is_encrypted_without_a_session_is_refused():
    """The token of an encrypted file without an encryption session cannot be believed to be open."""
    plain = writers.presentation([b"\x0f\0\xe8\x03\4\0\0\0abcd"])
    assert unpacked(plain) == []
    (refusal,) = unpacked(plain.replace(b"\x5f\xc0\x91\xe3", b"\xdf\xc4\xd1\xf3"))
    assert "names no encryption session" in refusal.reason


def test_rights_management_and_locked_word_documents_are_refused():
    """What only a server or a person can open is refused: DRM content, Word's own encryption."""
    (managed,) = unpacked(compound({"\tDRMContent": bytes(100), "EncryptedPackage": bytes(100)}))
    assert managed.reason == "encrypted, password not known (rights management)"
    word = b"\xec\xa5" + bytes(8) + b"\0\1" + bytes(5000)
    (locked,) = unpacked(compound({"WordDocument": word}))
    assert locked.reason == "encrypted, password not known (Word document)"


def test_a_bare_workbook_stream_opens_too():
    """A workbook stream without a compound file around it is decrypted in the same way."""
    stream = writers.locked_xor(writers.workbook(FORMULAS, lock=writers.xor_lock(VELVET, wide=True)), VELVET)
    oddity, member = office_encryption.unpack_workbook(stream, Budget())
    assert oddity.name == "ole:default-password"
    assert b"calc.exe" in member.data
    other = writers.locked_xor(writers.workbook(FORMULAS, lock=writers.xor_lock("Geheim", wide=True)), "Geheim")
    (refusal,) = office_encryption.unpack_workbook(other, Budget())
    assert "XOR" in refusal.reason


def test_the_inside_is_scanned_as_if_it_had_lain_open():
    """Through the whole scan: the lock and the macro inside are both findings, and ``via`` tells the way."""
    scan = scanned_file("invoice.xls", xor(VELVET))
    checks = {(finding.check, str(finding.severity)) for finding in scan.findings}
    assert {("default-password", "high"), ("excel4-macros", "high")} <= checks
    assert any(part.via[:1] == (STEP,) and part.via[-1] == "xlm" for part in scan.parts)
    evidence = next(finding.evidence for finding in scan.findings if finding.check == "default-password")
    assert evidence["how"] == "'VelvetSweatshop' opens it; XOR obfuscation"


def test_every_sample_with_a_default_password_opens(corpora):
    """The real files of oletools that carry Excel's default password all open, and no other file claims to."""
    opened = refused = 0
    for path in sorted((corpora / "office").rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        if not data.startswith(b"\xd0\xcf\x11\xe0"):
            continue
        found = unpacked(data)
        if "standardpassword" in path.name:
            opened += 1
            assert any(isinstance(one, Member) and one.step == STEP for one in found), path
        else:
            assert not any(isinstance(one, Member) for one in found), path
            refused += any(isinstance(one, Refusal) for one in found)
    assert (opened, refused) == (7, 22)


@pytest.mark.parametrize(
    ("name", "streams"),
    [
        ("rc4cryptoapi_password.xls", ["Workbook"]),
        ("rc4cryptoapi_password.ppt", ["PowerPoint Document"]),
        ("ecma376standard_password.docx", []),
        ("example_password.docx", []),
        ("example_password.xlsx", []),
    ],
)
def test_files_that_office_locked_come_out_as_msoffcrypto_says(corpora, monkeypatch, name, streams):
    """With the samples' own password in place of the default one, another program decrypts to the same contents."""
    import msoffcrypto

    password = "Password1234_"
    for module in (office_encryption, office_decrypt_xls, office_decrypt_ppt):
        for constant in ("EXCEL", "POWERPOINT"):
            monkeypatch.setattr(module, constant, password, raising=False)
    monkeypatch.setattr(office_encryption, "DEFAULT_PASSWORDS", (password,))
    data = (corpora / "office/msoffcrypto-tool/tests/inputs" / name).read_bytes()
    (member,) = [one for one in unpacked(data) if isinstance(one, Member)]
    theirs = io.BytesIO()
    file = msoffcrypto.OfficeFile(io.BytesIO(data))
    file.load_key(password=password)
    file.decrypt(theirs)
    if not streams:
        assert member.data == theirs.getvalue()
    for stream in streams:
        ours, other = Compound(member.data).stream(stream), Compound(theirs.getvalue()).stream(stream)
        differing = sum(one != two for one, two in zip(ours, other, strict=True))
        assert differing < 80  # both take the traces of the lock away, each in its own way
