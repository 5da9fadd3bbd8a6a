import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.gateway import milter_wire as wire
from counterfoil.gateway.milter_wire import BadPacket, Decoder, Packet


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=1), st.binary(max_size=50))), st.integers(1, 7))
def test_packets_survive_any_cut(packets, size):
    """Packets are found again however their octets are cut."""
    made = [Packet(command, data) for command, data in packets]
    octets = b"".join(packet.encode() for packet in made)
    decoder = Decoder()
    found = []
    for begin in range(0, len(octets), size):
        found += decoder.receive(octets[begin : begin + size])
    assert found == made


@pytest.mark.parametrize("length", [0, wire.MOST + 1, 2**32 - 1])
def test_lengths_that_cannot_be(length):
    """A length of nothing, or over the limit, ends the connection before anything is kept."""
    with pytest.raises(BadPacket, match=f"a packet of {length} octets"):
        list(Decoder().receive(struct.pack("!I", length)))


def test_negotiation():
    """We ask for the right to change header fields, and for silence where we need not answer."""
    agreed = wire.negotiate(Packet(b"O", struct.pack("!III", 6, 0x1FF, 0x1FFFFF)))
    assert agreed.encode() == struct.pack("!IcIII", 13, b"O", 6, 0x11, 0x1D3180 | 0x100)
    assert not agreed.wants_reply(b"L")
    assert agreed.wants_reply(b"M")
    old = wire.negotiate(Packet(b"O", struct.pack("!III", 2, 0x3F, 0x7F)))
    assert old.wants_reply(b"L")


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (Packet(b"C", b"x"), "no negotiation"),
        (Packet(b"O", b"short"), "no negotiation"),
        (Packet(b"O", struct.pack("!III", 6, 0x01, 0)), "lets no filter change"),
    ],
)
def test_no_negotiation(packet, why):
    """Without the right to change header fields there is no milter of ours."""
    with pytest.raises(BadPacket, match=why):
        wire.negotiate(packet)


@pytest.mark.parametrize(
    ("data", "address"),
    [
        (b"host.example\x004\x04\x01192.0.2.1\0", "192.0.2.1"),
        (b"host.example\x006\x04\x01IPv6:2001:db8::1\0", "2001:db8::1"),
        (b"localhost\0L\0\0/run/socket\0", ""),
        (b"unknown\0U", ""),
    ],
)
def test_client_address(data, address):
    """The client's address is read from any family."""
    assert wire.client_address(Packet(b"C", data)) == address


@pytest.mark.parametrize(
    ("space", "value", "field"),
    [
        (True, b" folded\n more", b"A: folded\r\n more\r\n"),
        (False, b"plain", b"A: plain\r\n"),
        (True, b"x", b"A:x\r\n"),
    ],
)
def test_header(space, value, field):
    """A header packet is the field as it was, with its line ends."""
    assert wire.header(Packet(b"L", b"A\0" + value + b"\0"), leading_space=space) == field


@pytest.mark.parametrize("data", [b"", b"A\0B", b"A\0", b"A\0B\0C\0"])
def test_no_header(data):
    """A header packet that is no name and value ends the connection."""
    with pytest.raises(BadPacket, match=r"a text without its NUL|a name and a value"):
        wire.header(Packet(b"L", data), leading_space=True)


def test_replies_hold_no_second_line():
    """A refusal is one line of ASCII; a per cent sign, which has a meaning there, is left out."""
    assert wire.reply_code(550, "", "50% ü\r\nmore") == Packet(b"y", b"550 5.0.0 50  ?\0").encode()
