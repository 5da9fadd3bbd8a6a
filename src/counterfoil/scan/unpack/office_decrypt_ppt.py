"""Decrypt PowerPoint 97 to 2003 presentations that open with the default password: RC4 CryptoAPI.

[MS-PPT] section 2.3.7: the newest UserEditAtom names the CryptSession10Container; every other persist object
is encrypted by itself, with its persist id as the block number of its key ([MS-OFFCRYPTO] section 2.3.5.1).
"""

import struct
from collections.abc import Iterator

from counterfoil.scan.unpack.office_ole import Compound
from counterfoil.scan.unpack.office_passwords import EXCEL, POWERPOINT, NotOpened
from counterfoil.scan.unpack.office_rc4 import Key, cryptoapi_key, rc4, read_cryptoapi, verifies

DOCUMENT = "PowerPoint Document"
CURRENT_USER = "Current User"
USER_EDIT = 0x0FF5
PERSIST_DIRECTORY = 0x1772
CRYPT_SESSION = 0x2F14
ENCRYPTED_TOKEN = b"\xdf\xc4\xd1\xf3"
PLAIN_TOKEN = b"\x5f\xc0\x91\xe3"
MAX_EDITS = 10_000
METHOD = "RC4 CryptoAPI"


def decrypt(compound: Compound) -> tuple[bytes, str] | None:
    """Return the file with its persist objects decrypted, and the method; ``None`` if it is not encrypted.

    Raises:
        NotOpened: If the default passwords are not the ones, or the file says too little to try them.
    """
    document, user = compound.stream(DOCUMENT), compound.stream(CURRENT_USER)
    if document is None or user is None or len(user) < 20:
        return None
    (edit,) = struct.unpack_from("<I", user, 16)
    session = _session(document, edit)
    if session is None:
        if user[12:16] == ENCRYPTED_TOKEN:
            raise NotOpened("the file says so, but names no encryption session")
        return None
    persists = _persists(document, edit)
    if session not in persists:
        raise NotOpened("the encryption session is not in the persist directory")
    key = _key(document, persists[session])
    decrypted = _decrypted(document, persists, key)
    decrypted[edit + 36 : edit + 40] = bytes(4)  # no session any more, so that nobody decrypts it again
    streams = {
        DOCUMENT: bytes(decrypted),
        CURRENT_USER: user.replace(ENCRYPTED_TOKEN, PLAIN_TOKEN, 1),
    }
    return compound.with_streams(streams), METHOD


def _header(document: bytes, at: int) -> tuple[int, int]:
    """Return the type and the length of the record at an offset (section 2.3.1); zeros where there is none."""
    if at < 0 or at + 8 > len(document):
        return 0, 0
    _, kind, length = struct.unpack_from("<HHI", document, at)
    return kind, length


def _session(document: bytes, edit: int) -> int | None:
    """Return the persist id of the encryption session, which only the UserEditAtom of an encrypted file holds."""
    kind, length = _header(document, edit)
    if kind != USER_EDIT or length < 32 or edit + 40 > len(document):
        return None
    (session,) = struct.unpack_from("<I", document, edit + 36)
    return session or None


def _persists(document: bytes, edit: int) -> dict[int, int]:
    """Return persist id to offset over all edits, the newest winning (section 2.1.2, part 1)."""
    offsets: dict[int, int] = {}
    for _ in range(MAX_EDITS):
        kind, length = _header(document, edit)
        if kind != USER_EDIT or length < 28:
            break
        previous, directory = struct.unpack_from("<II", document, edit + 16)
        for persist, offset in _directory(document, directory):
            offsets.setdefault(persist, offset)
        if previous == 0 or previous >= edit:
            break
        edit = previous
    return offsets


def _directory(document: bytes, at: int) -> Iterator[tuple[int, int]]:
    kind, length = _header(document, at)
    if kind != PERSIST_DIRECTORY:
        return
    end = min(at + 8 + length, len(document))
    at += 8
    while at + 4 <= end:
        (entry,) = struct.unpack_from("<I", document, at)
        first, count = entry & 0xFFFFF, entry >> 20
        at += 4
        for number in range(min(count, (end - at) // 4)):
            yield first + number, struct.unpack_from("<I", document, at + 4 * number)[0]
        at += 4 * count


def _key(document: bytes, at: int) -> Key:
    kind, length = _header(document, at)
    info = document[at + 8 : at + 8 + length]
    if kind != CRYPT_SESSION or info[2:4] != b"\2\0":
        raise NotOpened("the encryption session is none that we know")
    try:
        header = read_cryptoapi(info[4:])
        for password in (POWERPOINT, EXCEL):
            key = cryptoapi_key(password, header.verifier.salt, header.bits)
            if verifies(key, header.verifier, "sha1"):
                return key
    except ValueError as error:
        raise NotOpened(f"{METHOD}, {error}") from error
    raise NotOpened(METHOD)


def _decrypted(document: bytes, persists: dict[int, int], key: Key) -> bytearray:
    output = bytearray(document)
    for persist, at in persists.items():
        kind, length = _header(document, at)
        if kind == CRYPT_SESSION:
            output[at : at + 8 + length] = bytes(len(document[at : at + 8 + length]))
        elif kind not in {USER_EDIT, PERSIST_DIRECTORY, 0}:
            length = _header(rc4(key(persist), document[at : at + 8]), 0)[1]
            piece = document[at : at + 8 + length]
            output[at : at + len(piece)] = rc4(key(persist), piece)
    return output
