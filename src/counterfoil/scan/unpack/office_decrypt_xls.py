"""Decrypt Excel 5 to 2003 workbooks ([MS-XLS] section 2.2.10) that open with the default password.

XOR obfuscation of BIFF5 (``Book``) and BIFF8, RC4, and RC4 CryptoAPI. Record headers are never encrypted,
and neither are the records of ``PLAIN`` and the first field of BoundSheet8.
"""

from collections.abc import Callable

from counterfoil.scan.unpack.office_biff import (
    BIFF8,
    BOF,
    BOUND_SHEET,
    CODE_PAGE,
    EOF,
    FILE_PASS,
    STREAMS,
    Record,
    records,
    version,
)
from counterfoil.scan.unpack.office_ole import Compound
from counterfoil.scan.unpack.office_passwords import EXCEL, NotOpened
from counterfoil.scan.unpack.office_rc4 import (
    Key,
    Verifier,
    binary_key,
    cryptoapi_key,
    decrypt_blocks,
    read_cryptoapi,
    verifies,
)

PLAIN = frozenset({BOF, FILE_PASS, 0x0194, 0x0195, 0x00E1, 0x0196, 0x0138})
"""BOF, FilePass, UsrExcl, FileLock, InterfaceHdr, RRDInfo, RRDHead."""

XOR_ARRAY = bytes.fromhex("876b9ae21ee305621e699660986e9404")
"""The obfuscation array of "VelvetSweatshop" ([MS-OFFCRYPTO] section 2.3.7.2)."""

XOR_VERIFIER = 0x9A0A
"""Its password verifier (section 2.3.7.1)."""

XOR_KEY = 0xB359
"""Its key, which the FilePass record repeats."""

BLOCK = 1024
"""RC4 changes its key after so many octets of the stream."""

CODE_PAGES = frozenset({367, 437, 720, 737, 775, 850, 852, 855, 857, 858, *range(860, 867), 869, 874, 932, 936})
CODE_PAGES |= {949, 950, 1200, *range(1250, 1259), 1361, 10000, 32768, 32769}
"""What a CodePage record may say (section 2.4.52); only a right password brings one of them out."""


def decrypt(compound: Compound) -> tuple[bytes, str] | None:
    """Return the file with its workbook streams decrypted, and the method; ``None`` if it is not encrypted.

    Where the file cannot be put together again it is the workbook stream alone.

    Raises:
        NotOpened: If the default password is not the one.
    """
    opened, method = {}, ""
    for name in STREAMS:
        stream = compound.stream(name)
        lock = file_pass(stream) if stream else None
        if stream and lock:
            opened[name], method = _decrypt_stream(stream, lock)
    if not opened:
        return None
    try:
        return compound.with_streams(opened), method
    except (OSError, ValueError):  # a file that is damaged enough to be read and not written
        return next(iter(opened.values())), method


def decrypt_bare(stream: bytes) -> tuple[bytes, str] | None:
    """Do the same for a workbook stream that lies open, as Excel 4 and older wrote it.

    Raises:
        NotOpened: If the default password is not the one.
    """
    lock = file_pass(stream)
    return _decrypt_stream(stream, lock) if lock else None


def file_pass(stream: bytes) -> Record | None:
    """Return the FilePass record of the workbook globals, which says that the stream is encrypted."""
    for record in records(stream):
        if record.type == FILE_PASS:
            return record
        if record.type == EOF:
            return None
    return None


def _decrypt_stream(stream: bytes, lock: Record) -> tuple[bytes, str]:
    if version(stream) != BIFF8 or len(lock.data) == 4:
        return _xor(stream, lock.data[:4])
    kind, info = lock.data[:2], lock.data[2:]
    if kind == b"\0\0":
        return _xor(stream, info[:4])
    major, minor = info[:2], info[2:4]
    if (major, minor) == (b"\1\0", b"\1\0"):
        verifier = Verifier(info[4:20], info[20:36], info[36:52])
        return _rc4(stream, binary_key(EXCEL, verifier.salt), verifier, "md5")
    if major in {b"\2\0", b"\3\0", b"\4\0"} and minor == b"\2\0":
        try:
            header = read_cryptoapi(info[4:])
            key = cryptoapi_key(EXCEL, header.verifier.salt, header.bits)
            return _rc4(stream, key, header.verifier, "sha1")
        except ValueError as error:
            raise NotOpened(f"RC4 CryptoAPI, {error}") from error
    raise NotOpened(f"FilePass version {major.hex()}.{minor.hex()}")


def _xor(stream: bytes, lock: bytes) -> tuple[bytes, str]:
    """Undo XOR obfuscation, method 1 ([MS-OFFCRYPTO] section 2.3.7.3): each octet is XORed, then rotated right by 5."""
    rotated = bytes((octet >> 5 | octet << 3) & 0xFF for octet in range(256))

    def plain(record: Record) -> bytes:
        first = record.offset + len(record.data)
        mask = bytes(XOR_ARRAY[(first + at) % 16] for at in range(16)) * (len(record.data) // 16 + 1)
        size = len(record.data)
        mixed = int.from_bytes(record.data, "little") ^ int.from_bytes(mask[:size], "little")
        return mixed.to_bytes(size, "little").translate(rotated)

    decrypted = _apply(stream, plain)
    verified = lock == XOR_KEY.to_bytes(2, "little") + XOR_VERIFIER.to_bytes(2, "little")
    return _judged(decrypted, "XOR obfuscation", verified=verified)


def _rc4(stream: bytes, key: Key, verifier: Verifier, algorithm: str) -> tuple[bytes, str]:
    whole = decrypt_blocks(key, stream, BLOCK)
    decrypted = _apply(stream, lambda record: whole[record.offset : record.offset + len(record.data)])
    method = "RC4" if algorithm == "md5" else "RC4 CryptoAPI"
    return _judged(decrypted, method, verified=verifies(key, verifier, algorithm))


def _apply(stream: bytes, plain: Callable[[Record], bytes]) -> bytes:
    """Return the stream with the encrypted records replaced and the FilePass record made void (type 0)."""
    output = bytearray(stream)
    for record in records(stream):
        start, end = record.offset, record.offset + len(record.data)
        if record.type == FILE_PASS:
            output[start - 4 : start - 2] = b"\0\0"
            output[start:end] = bytes(end - start)
        elif record.type not in PLAIN:
            kept = 4 if record.type == BOUND_SHEET else 0
            output[start + kept : end] = plain(record)[kept:]
    return bytes(output)


def _judged(decrypted: bytes, method: str, *, verified: bool) -> tuple[bytes, str]:
    """Accept the output where the verifier or the output itself says that the password is right."""
    pages = (record.data for record in records(decrypted) if record.type == CODE_PAGE)
    page = int.from_bytes(next(pages, b""), "little")
    if verified or page in CODE_PAGES:
        return decrypted, method
    raise NotOpened(method)
