"""The milter protocol's octets (Sendmail's libmilter, version 6, as Postfix speaks it), without I/O.

A packet is a length of four octets, a command octet, and data. Text ends in NUL. The facts are from
Sendmail's ``mfdef.h`` and Postfix's MILTER_README.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag

VERSION = 6
MOST = 1024 * 1024 + 64 * 1024
"""Octets of the largest packet taken; a piece of body has at most 65535, or 1 MiB where that was agreed."""


class Actions(IntFlag):
    """What a filter may do to a message."""

    ADD_HEADERS = 0x01
    CHANGE_HEADERS = 0x10


class Steps(IntFlag):
    """What a filter need not hear, or need not answer."""

    NO_UNKNOWN = 0x100
    NO_REPLY_HEADER = 0x80
    NO_REPLY_CONNECT = 0x1000
    NO_REPLY_HELO = 0x2000
    NO_REPLY_DATA = 0x10000
    NO_REPLY_EOH = 0x40000
    NO_REPLY_BODY = 0x80000
    LEADING_SPACE = 0x100000


WANTED_ACTIONS = Actions.ADD_HEADERS | Actions.CHANGE_HEADERS
WANTED_STEPS = (
    Steps.NO_UNKNOWN
    | Steps.NO_REPLY_HEADER
    | Steps.NO_REPLY_CONNECT
    | Steps.NO_REPLY_HELO
    | Steps.NO_REPLY_DATA
    | Steps.NO_REPLY_EOH
    | Steps.NO_REPLY_BODY
    | Steps.LEADING_SPACE
)

_SILENT = {
    b"C": Steps.NO_REPLY_CONNECT,
    b"H": Steps.NO_REPLY_HELO,
    b"T": Steps.NO_REPLY_DATA,
    b"L": Steps.NO_REPLY_HEADER,
    b"N": Steps.NO_REPLY_EOH,
    b"B": Steps.NO_REPLY_BODY,
}

CONTINUE = b"c"
ACCEPT = b"a"
DISCARD = b"d"
TEMPFAIL = b"t"


class BadPacket(Exception):
    """The other side does not speak the milter protocol, or breaks its rules; the text says how."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One command from the mail server, or one answer to it."""

    command: bytes
    data: bytes = b""

    def encode(self) -> bytes:
        """Return the octets with their length in front."""
        return struct.pack("!I", 1 + len(self.data)) + self.command + self.data

    def texts(self) -> list[bytes]:
        """Return the NUL-ended texts of the data.

        Raises:
            BadPacket: If the last one has no end.
        """
        if not self.data.endswith(b"\0"):
            raise BadPacket(f"a text without its NUL in {self.command!r}")
        return self.data[:-1].split(b"\0")


class Decoder:
    """Cuts octets into packets."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> Iterator[Packet]:
        """Take octets; yield the packets that are whole.

        Raises:
            BadPacket: If a length cannot be.
        """
        self._buffer += data
        while len(self._buffer) >= 4:
            (length,) = struct.unpack_from("!I", self._buffer)
            if not 1 <= length <= MOST:
                raise BadPacket(f"a packet of {length} octets")
            if len(self._buffer) < 4 + length:
                return
            packet = Packet(bytes(self._buffer[4:5]), bytes(self._buffer[5 : 4 + length]))
            del self._buffer[: 4 + length]
            yield packet


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides agreed on at the start."""

    version: int
    actions: Actions
    steps: Steps

    def encode(self) -> bytes:
        """Return our answer to the negotiation."""
        return Packet(b"O", struct.pack("!III", self.version, self.actions, self.steps)).encode()

    def wants_reply(self, command: bytes) -> bool:
        """Whether the mail server waits for an answer to a command."""
        silent = _SILENT.get(command)
        return silent is None or silent not in self.steps


def negotiate(packet: Packet) -> Agreed:
    """Choose from what the mail server offers.

    Raises:
        BadPacket: If it is no negotiation, or we may not change headers.
    """
    if packet.command != b"O" or len(packet.data) < 12:
        raise BadPacket("no negotiation at the start")
    version, actions, steps = struct.unpack_from("!III", packet.data)
    if version < 2 or (actions & WANTED_ACTIONS) != WANTED_ACTIONS:
        raise BadPacket("a mail server that lets no filter change header fields")
    return Agreed(min(version, VERSION), WANTED_ACTIONS, WANTED_STEPS & Steps(steps & WANTED_STEPS))


def client_address(packet: Packet) -> str:
    """Return the client's address of a connect packet, ``""`` where it is not an IP address.

    Raises:
        BadPacket: If it is no connect packet.
    """
    name, separator, rest = packet.data.partition(b"\0")
    if not separator or not rest:
        raise BadPacket(f"a connect packet from {name[:40]!r} without a family")
    if rest[:1] not in (b"4", b"6"):
        return ""
    address = rest[3:].rstrip(b"\0").decode("ascii", "replace")
    return address.removeprefix("IPv6:")


def header(packet: Packet, *, leading_space: bool) -> bytes:
    """Return a header packet as the field it was, its line ends CRLF.

    Raises:
        BadPacket: If it has no name and value.
    """
    texts = packet.texts()
    if len(texts) != 2:
        raise BadPacket("a header packet is a name and a value")
    name, value = texts
    value = value.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return name + (b":" if leading_space else b": ") + value + b"\r\n"


def insert_header(index: int, name: str, value: str, *, leading_space: bool) -> bytes:
    """Return the packet that puts a header field at a place, 0 for the top."""
    text = (" " if leading_space else "") + value.replace("\r\n", "\n")
    return Packet(b"i", struct.pack("!I", index) + _text(name) + _text(text)).encode()


def delete_header(index: int, name: str) -> bytes:
    """Return the packet that takes off the nth field of a name, counted from 1."""
    return Packet(b"m", struct.pack("!I", index) + _text(name) + b"\0").encode()


def change_header(index: int, name: str, value: bytes, *, leading_space: bool) -> bytes:
    """Return the packet that gives the nth field of a name another value, its leading blank included."""
    text = (value if leading_space else value.lstrip(b" ")).replace(b"\r\n", b"\n").replace(b"\0", b"?")
    return Packet(b"m", struct.pack("!I", index) + _text(name) + text + b"\0").encode()


def reply_code(code: int, enhanced: str, text: str) -> bytes:
    """Return the packet that refuses with a reply of our own; a per cent sign has a meaning there and is left out."""
    words = f"{code} {enhanced or f'{code // 100}.0.0'} {text.splitlines()[0] if text else ''}"
    return Packet(b"y", _text(words.replace("%", " "))).encode()


def _text(text: str) -> bytes:
    return text.replace("\0", "?").encode("ascii", "replace") + b"\0"
