"""Writes Office files for tests, locked and with macros, straight from the specifications.

Nothing here is shared with what reads them: RC4 is written out, XOR obfuscation takes its array from msoffcrypto.
"""

import base64
import hashlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from msoffcrypto.method.xor_obfuscation import DocumentXOR
from tests.scan.compound_writer import compound

SALT = bytes(range(16))
VERIFIER = bytes(range(16, 32))
PLAIN = {0x0809, 0x002F, 0x00E1, 0x0194, 0x0195, 0x0196, 0x0138}


def record(kind: int, data: bytes = b"") -> bytes:
    """One BIFF record."""
    return struct.pack("<HH", kind, len(data)) + data


def workbook(
    formulas: dict[tuple[int, int], bytes] | None = None,
    *,
    version: int = 0x0600,
    lock: bytes = b"",
    state: int = 0,
    kind: int = 1,
    name: str = "Macro1",
    auto: bytes = b"",
) -> bytes:
    """A workbook stream with one sheet, a macro sheet unless said otherwise; ``lock`` is a FilePass record's data.

    ``auto`` is the data of a defined name, ``formulas`` the parsed expressions by row and column.
    """
    wide = version == 0x0600
    encoded = (struct.pack("<BB", len(name), 0) if wide else bytes([len(name)])) + name.encode("latin-1")
    head = record(0x0809, struct.pack("<HHHHII", version, 5, 0x1234, 1997, 0, 6))
    head += record(0x002F, lock) if lock else b""
    head += record(0x00E1, struct.pack("<H", 1200)) + record(0x0042, struct.pack("<H", 1200 if wide else 1252))
    names = record(0x0018, auto) if auto else b""
    sheet_at = len(head) + 4 + 6 + len(encoded) + len(names) + 4
    head += record(0x0085, struct.pack("<IBB", sheet_at, state, kind) + encoded) + names + record(0x000A)
    sheet = record(0x0809, struct.pack("<HHHHII", version, 0x40 if kind == 1 else 0x10, 0x1234, 1997, 0, 6))
    for (row, column), tokens in (formulas or {}).items():
        body = struct.pack("<HHH8sHI", row, column, 0, bytes(8), 0, 0) + struct.pack("<H", len(tokens)) + tokens
        sheet += record(0x0006, body)
    return (head + sheet + record(0x000A)).ljust(5000, b"\0")


def text(value: str) -> bytes:
    """PtgStr of BIFF8."""
    return struct.pack("<BBB", 0x17, len(value), 0) + value.encode("latin-1")


def call(number: int, count: int) -> bytes:
    """PtgFuncVar."""
    return struct.pack("<BBH", 0x42, count, number)


def auto_open() -> bytes:
    """The data of an Lbl record: the built-in name Auto_Open."""
    return struct.pack("<HBBHHHI", 0x0020, 0, 1, 0, 0, 0, 0) + b"\x00\x01"


def rc4(key: bytes, data: bytes) -> bytes:
    """RC4, written out."""
    box = list(range(256))
    j = 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    i = j = 0
    output = bytearray()
    for octet in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        output.append(octet ^ box[(box[i] + box[j]) % 256])
    return bytes(output)


def binary_key(password: str, block: int) -> bytes:
    """[MS-OFFCRYPTO] 2.3.6.2."""
    first = hashlib.md5(password.encode("utf-16-le")).digest()[:5]
    second = hashlib.md5((first + SALT) * 16).digest()[:5]
    return hashlib.md5(second + struct.pack("<I", block)).digest()


def cryptoapi_key(password: str, block: int, bits: int) -> bytes:
    """[MS-OFFCRYPTO] 2.3.5.2."""
    first = hashlib.sha1(SALT + password.encode("utf-16-le")).digest()
    full = hashlib.sha1(first + struct.pack("<I", block)).digest()
    return full[:5] + bytes(11) if bits == 40 else full[: bits // 8]


def binary_lock(password: str) -> bytes:
    """The FilePass data of RC4."""
    sealed = rc4(binary_key(password, 0), VERIFIER + hashlib.md5(VERIFIER).digest())
    return struct.pack("<HHH", 1, 1, 1) + SALT + sealed


def cryptoapi_info(password: str, bits: int) -> bytes:
    """Version, flags, header and verifier of RC4 CryptoAPI."""
    sealed = rc4(cryptoapi_key(password, 0, bits), VERIFIER + hashlib.sha1(VERIFIER).digest())
    header = struct.pack("<IIIIIIII", 4, 0, 0x6801, 0x8004, bits, 1, 0, 0) + "CSP\0".encode("utf-16-le")
    verifier = struct.pack("<I", 16) + SALT + sealed[:16] + struct.pack("<I", 20) + sealed[16:]
    return struct.pack("<HHII", 2, 2, 4, len(header)) + header + verifier


def xor_lock(password: str, *, wide: bool) -> bytes:
    """The FilePass data of XOR obfuscation: BIFF8 says the method first."""
    key = DocumentXOR.create_xor_key_method1(password)
    verifier = next(word for word in range(0x10000) if DocumentXOR.verifypw(password, word))
    return (b"\0\0" if wide else b"") + struct.pack("<HH", key, verifier)


def locked_rc4(stream: bytes, keys) -> bytes:
    """Encrypt a workbook stream; ``keys`` gives the key of a block of 1024 octets."""
    blocks = [rc4(keys(at // 1024), stream[at : at + 1024]) for at in range(0, len(stream), 1024)]
    whole = b"".join(blocks)
    return _apply(stream, lambda start, data: whole[start : start + len(data)])


def locked_xor(stream: bytes, password: str) -> bytes:
    """Obfuscate a workbook stream: rotate left by five, then XOR ([MS-OFFCRYPTO] 2.3.7.3)."""
    array = DocumentXOR.create_xor_array_method1(password)

    def hidden(start: int, data: bytes) -> bytes:
        rotated = [(octet << 5 | octet >> 3) & 0xFF for octet in data]
        return bytes(octet ^ array[(start + len(data) + at) % 16] for at, octet in enumerate(rotated))

    return _apply(stream, hidden)


def _apply(stream: bytes, change) -> bytes:
    output = bytearray(stream)
    at = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        data = stream[at + 4 : at + 4 + size]
        if kind not in PLAIN and size:
            kept = 4 if kind == 0x0085 else 0
            output[at + 4 + kept : at + 4 + size] = change(at + 4, data)[kept:]
        at += 4 + size
    return bytes(output)


def locked_standard(package: bytes, password: str, bits: int = 128) -> bytes:
    """ECMA-376 standard encryption ([MS-OFFCRYPTO] 2.3.4.5 to 2.3.4.9)."""
    value = hashlib.sha1(SALT + password.encode("utf-16-le")).digest()
    for number in range(50_000):
        value = hashlib.sha1(struct.pack("<I", number) + value).digest()
    value = hashlib.sha1(value + struct.pack("<I", 0)).digest()
    inner = bytes(0x36 ^ octet for octet in value) + b"\x36" * 44
    outer = bytes(0x5C ^ octet for octet in value) + b"\x5c" * 44
    key = (hashlib.sha1(inner).digest() + hashlib.sha1(outer).digest())[: bits // 8]

    def sealed(data: bytes) -> bytes:
        return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(data.ljust(-(-len(data) // 16) * 16, b"\0"))

    algorithm = {128: 0x660E, 192: 0x660F, 256: 0x6610}[bits]
    header = struct.pack("<IIIIIIII", 0x24, 0, algorithm, 0x8004, bits, 0x18, 0, 0) + "CSP\0".encode("utf-16-le")
    digest = hashlib.sha1(VERIFIER).digest()
    verifier = struct.pack("<I", 16) + SALT + sealed(VERIFIER) + struct.pack("<I", 20) + sealed(digest)
    info = struct.pack("<HHII", 4, 2, 0x24, len(header)) + header + verifier
    return compound({"EncryptionInfo": info, "EncryptedPackage": struct.pack("<Q", len(package)) + sealed(package)})


def locked_agile(
    package: bytes,
    password: str,
    *,
    hash_name: str = "sha1",
    bits: int = 128,
    spin: int = 1000,
    stated_spin: int | None = None,
) -> bytes:
    """Agile encryption ([MS-OFFCRYPTO] 2.3.4.10 to 2.3.4.15), with verifier values that are nonsense."""

    def digest(data: bytes) -> bytes:
        return hashlib.new(hash_name, data).digest()

    def sealed(key: bytes, vector: bytes, data: bytes) -> bytes:
        padded = data.ljust(-(-len(data) // 16) * 16, b"\0")
        return Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor().update(padded)

    value = digest(SALT + password.encode("utf-16-le"))
    for number in range(spin):
        value = digest(struct.pack("<I", number) + value)
    lock_key = digest(value + bytes.fromhex("146e0be7abacd0d6"))[: bits // 8].ljust(bits // 8, b"\x36")
    package_key = bytes(range(100, 100 + bits // 8))
    pieces = []
    for number, at in enumerate(range(0, len(package), 4096)):
        vector = digest(VERIFIER + struct.pack("<I", number))[:16].ljust(16, b"\x36")
        pieces.append(sealed(package_key, vector, package[at : at + 4096]))
    name = {"sha1": "SHA1", "sha512": "SHA512", "sha256": "SHA256"}[hash_name]
    common = f'blockSize="16" keyBits="{bits}" hashSize="{len(digest(b""))}" cipherAlgorithm="AES" '
    common += f'cipherChaining="ChainingModeCBC" hashAlgorithm="{name}"'
    salt, package_salt = base64.b64encode(SALT).decode(), base64.b64encode(VERIFIER).decode()
    wrapped = base64.b64encode(sealed(lock_key, SALT, package_key)).decode()
    xml = (
        '<?xml version="1.0"?><encryption xmlns="http://schemas.microsoft.com/office/2006/encryption" '
        'xmlns:p="http://schemas.microsoft.com/office/2006/keyEncryptor/password">'
        f'<keyData saltSize="16" {common} saltValue="{package_salt}"/><keyEncryptors><keyEncryptor uri="p">'
        f'<p:encryptedKey spinCount="{stated_spin or spin}" saltSize="16" {common} saltValue="{salt}" '
        f'encryptedVerifierHashInput="AAAA" '
        f'encryptedVerifierHashValue="AAAA" encryptedKeyValue="{wrapped}"/></keyEncryptor></keyEncryptors></encryption>'
    )
    info = struct.pack("<HHI", 4, 4, 0x40) + xml.encode()
    content = struct.pack("<Q", len(package)) + b"".join(pieces)
    return compound({"EncryptionInfo": info, "EncryptedPackage": content})


def presentation(objects: list[bytes], password: str | None = None, bits: int = 128) -> bytes:
    """A PowerPoint file whose persist objects are the given records, locked where a password is given."""

    def atom(kind: int, data: bytes) -> bytes:
        return struct.pack("<HHI", 0, kind, len(data)) + data

    document = bytearray()
    offsets = []
    for number, plain in enumerate(objects, start=1):
        offsets.append(len(document))
        document += plain if password is None else rc4(cryptoapi_key(password, number, bits), plain)
    if password is not None:
        offsets.append(len(document))
        document += atom(0x2F14, cryptoapi_info(password, bits))
    directory_at = len(document)
    document += atom(0x1772, struct.pack("<I", len(offsets) << 20 | 1) + struct.pack(f"<{len(offsets)}I", *offsets))
    edit_at = len(document)
    edit = struct.pack("<IIIIIIHH", 0, 0x03000000, 0, directory_at, 1, len(offsets) + 1, 1, 0)
    document += atom(0x0FF5, edit + (struct.pack("<I", len(offsets)) if password is not None else b""))
    token = 0xF3D1C4DF if password is not None else 0xE391C05F
    user = atom(0x0FF6, struct.pack("<IIIHHI", 0x14, token, edit_at, 0, 1012, 3))
    return compound({"PowerPoint Document": bytes(document), "Current User": user})


def compressed(data: bytes) -> bytes:
    """An [MS-OVBA] container whose chunks hold literals only (a flag octet of zero before each eight)."""
    output = b"\x01"
    for at in range(0, len(data), 3640):
        piece = data[at : at + 3640]
        tokens = b"".join(b"\0" + piece[start : start + 8] for start in range(0, len(piece), 8))
        output += struct.pack("<H", 0xB000 | (len(tokens) - 1)) + tokens
    return output


def vba_project(modules: dict[str, str], compiled: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """The streams of a VBA project, by path below the storage that holds it."""
    directory = struct.pack("<HIH", 0x0003, 2, 1252) + struct.pack("<HIIH", 0x0009, 4, 1, 1)
    streams = {"VBA/_VBA_PROJECT": b"\xcc\x61" + bytes(60)}
    for name, source in modules.items():
        before = (compiled or {}).get(name, b"")
        encoded = name.encode("cp1252")
        for kind in (0x0019, 0x001A):
            directory += struct.pack("<HI", kind, len(encoded)) + encoded
        directory += struct.pack("<HII", 0x0031, 4, len(before)) + struct.pack("<HI", 0x002B, 0)
        streams[f"VBA/{name}"] = before + compressed(source.encode("cp1252"))
    streams["VBA/dir"] = compressed(directory)
    return streams
