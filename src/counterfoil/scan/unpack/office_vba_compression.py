"""Decompression of [MS-OVBA] section 2.4.1: chunks of 4096 octets, each of literals and copy tokens."""

SIGNATURE = 0x01
CHUNK = 4096


class BadCompression(ValueError):
    """The bytes are no compressed container, or more than was allowed; ``partial`` is what came out before."""

    def __init__(self, message: str, partial: bytes = b"") -> None:
        super().__init__(message)
        self.partial = partial


def decompress(container: bytes, limit: int) -> bytes:
    """Return what a CompressedContainer holds.

    Raises:
        BadCompression: If it is none, is cut short, or holds more than ``limit`` octets.
    """
    if not container or container[0] != SIGNATURE:
        raise BadCompression("no compressed container")
    output = bytearray()
    position = 1
    while position + 2 <= len(container):
        header = int.from_bytes(container[position : position + 2], "little")
        size = (header & 0x0FFF) + 3
        if header >> 12 & 0b111 != 0b011:
            raise BadCompression("a chunk without its signature", bytes(output))
        chunk = container[position + 2 : position + size]
        if header & 0x8000:
            _expand(chunk, output)
        else:
            output += chunk[:CHUNK]
        if len(output) > limit:
            raise BadCompression(f"more than {limit} octets", bytes(output[:limit]))
        position += size
    return bytes(output)


def _expand(chunk: bytes, output: bytearray) -> None:
    """Append one chunk (section 2.4.1.3.2): a flag octet says of the next eight tokens which are copies."""
    start = len(output)
    position = 0
    while position < len(chunk):
        flags = chunk[position]
        position += 1
        for bit in range(8):
            if position >= len(chunk) or len(output) - start >= CHUNK:
                return
            if not flags >> bit & 1:
                output.append(chunk[position])
                position += 1
                continue
            token = int.from_bytes(chunk[position : position + 2], "little")
            position += 2
            _copy(output, start, token)


def _copy(output: bytearray, start: int, token: int) -> None:
    """Append what a CopyToken refers to (section 2.4.1.3.19.2): the split of its bits depends on the position."""
    done = len(output) - start
    bits = max((done - 1).bit_length(), 4)
    length = (token & 0xFFFF >> bits) + 3
    offset = (token >> 16 - bits) + 1
    if offset > done:
        raise BadCompression("a copy from before its chunk", bytes(output))
    length = min(length, CHUNK - done)
    for _ in range(length):
        output.append(output[-offset])
