"""Office files that are locked: opened with a default password where one fits, refused where none does.

The member's step is ``ole:decrypt:default-password``; the oddity of the same name tells the password and the
method. The inside is the caller's to take apart, as if it had lain open.

ODDITIES: ``ole:default-password``.
"""

from collections.abc import Iterator

from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack import office_agile, office_decrypt_ppt, office_decrypt_xls, office_standard
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.office_ole import MAGIC, Compound
from counterfoil.scan.unpack.office_passwords import (
    DEFAULT_PASSWORDS,
    EXCEL,
    NOT_KNOWN,
    ODDITY,
    POWERPOINT,
    STEP,
    NotOpened,
)

Opened = tuple[bytes, str, str]
"""The decrypted file, the method, the password."""

ZIP_MAGIC = b"PK\x03\x04"
RIGHTS_MANAGED = "\tDRMContent"
"""The stream of a binary document under rights management ([MS-OFFCRYPTO] section 2.2.10)."""

FIB_MAGIC = b"\xec\xa5"
FIB_ENCRYPTED = 0x0100
"""Bit fEncrypted of the FIB's flags ([MS-DOC] section 2.5.2); Word has no default password."""


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the decrypted file of a compound file that is locked, or a refusal; nothing where it is not.

    Raises:
        OSError: If the compound file's structure is broken.
    """
    del budget  # what comes out is no longer than what went in
    compound = Compound(data)
    for attempt in (_package, _workbook, _presentation, _document):
        try:
            opened = attempt(compound)
        except NotOpened as reason:
            yield Refusal(f"{NOT_KNOWN} ({reason})")
            continue
        if opened:
            content, method, password = opened
            yield Oddity(ODDITY, f"{password!r} opens it; {method}")
            yield Member(STEP, content)


def unpack_workbook(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Do the same for a workbook stream without a compound file around it, as Excel 4 and older wrote it."""
    del budget
    try:
        opened = office_decrypt_xls.decrypt_bare(data)
    except NotOpened as reason:
        yield Refusal(f"{NOT_KNOWN} ({reason})")
        return
    if opened:
        yield Oddity(ODDITY, f"{EXCEL!r} opens it; {opened[1]}")
        yield Member(STEP, opened[0])


def _package(compound: Compound) -> Opened | None:
    """Open an encrypted OOXML package ([MS-OFFCRYPTO] section 2.3.4), judged by what comes out."""
    info, package = compound.stream("EncryptionInfo"), compound.stream("EncryptedPackage")
    if info is None or package is None:
        if package is not None or compound.stream(RIGHTS_MANAGED) is not None:
            raise NotOpened("rights management")
        return None
    major, minor = int.from_bytes(info[:2], "little"), int.from_bytes(info[2:4], "little")
    for password in DEFAULT_PASSWORDS:
        if (major, minor) == (4, 4):
            method, content = "agile", office_agile.decrypt(info[8:], package, password)
        elif major in {2, 3, 4} and minor == 2:
            method, content = "standard", office_standard.decrypt(info[4:], package, password)
        else:
            raise NotOpened(f"encryption version {major}.{minor}")
        if content.startswith((ZIP_MAGIC, MAGIC)):
            return content, f"{method} encryption", password
    raise NotOpened(f"{method} encryption")


def _workbook(compound: Compound) -> Opened | None:
    opened = office_decrypt_xls.decrypt(compound)
    return (*opened, EXCEL) if opened else None


def _presentation(compound: Compound) -> Opened | None:
    opened = office_decrypt_ppt.decrypt(compound)
    return (*opened, POWERPOINT) if opened else None


def _document(compound: Compound) -> Opened | None:
    document = compound.stream("WordDocument")
    if document and document.startswith(FIB_MAGIC) and int.from_bytes(document[10:12], "little") & FIB_ENCRYPTED:
        raise NotOpened("Word document")
    return None
