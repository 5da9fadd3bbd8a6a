import pytest

from counterfoil.gateway.smtp.reply import Reply, from_peer


@pytest.mark.parametrize(
    ("reply", "octets"),
    [
        (Reply(250, "2.0.0", "ok"), b"250 2.0.0 ok\r\n"),
        (Reply(250, "", "mx.test\nSIZE 10"), b"250-mx.test\r\n250 SIZE 10\r\n"),
        (Reply(550, "5.7.1", "a\r\nb\0c"), b"550-5.7.1 a?\r\n550 5.7.1 b?c\r\n"),
        (Reply(550, "5.7.1", "grüß"), b"550 5.7.1 gr??\r\n"),
        (Reply(250, "", ""), b"250 \r\n"),
    ],
)
def test_encode(reply, octets):
    """A reply is lines of printable ASCII with CRLF, whoever wrote its text."""
    assert reply.encode() == octets


def test_long_text_is_cut():
    """A line never exceeds 512 octets (RFC 5321 section 4.5.3.1.5), nor a reply twenty lines."""
    octets = Reply(550, "5.7.1", "\n".join(["x" * 2000] * 50)).encode()
    assert octets.count(b"\r\n") == 20
    assert max(len(line) for line in octets.split(b"\r\n")) <= 510


@pytest.mark.parametrize(
    ("code", "text", "reply"),
    [
        (550, "5.1.1 nobody", Reply(550, "5.1.1", "nobody")),
        (550, "5.1.1 nobody\n5.1.1 really", Reply(550, "5.1.1", "nobody\nreally")),
        (550, "2.0.0 odd", Reply(550, "", "2.0.0 odd")),
        (250, "ok", Reply(250, "", "ok")),
        (451, "4.7.1", Reply(451, "4.7.1", "")),
        (999, "what", Reply(451, "4.3.0", "the next hop answered 999, which is no reply code")),
        (-1, "what", Reply(451, "4.3.0", "the next hop answered -1, which is no reply code")),
    ],
)
def test_from_peer(code, text, reply):
    """Another server's enhanced code is kept where it fits the reply code; nonsense is a temporary failure."""
    assert from_peer(code, text) == reply
