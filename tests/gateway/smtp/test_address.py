import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.gateway.smtp.address import BadAddress, domain_of, mailbox, path


@pytest.mark.parametrize(
    "text",
    [
        "ann@sender.example",
        "ann+tag.more@sender.example",
        "!#$%&'*+/=?^_`{|}~-@sender.example",
        '"ann b"@sender.example',
        '"a\\"b\\\\c"@sender.example',
        '"a@b"@sender.example',
        "ann@a_b.sender.example",
        "ann@localhost",
        "ann@[192.0.2.1]",
        "ann@[IPv6:2001:db8::1]",
        "x" * 255 + "@sender.example",
    ],
)
def test_mailboxes(text):
    """What RFC 5321 calls a mailbox is one, and is returned as it is written."""
    assert mailbox(text, utf8=False) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ann", "no mailbox"),
        ("ann@", "no mailbox"),
        ("@sender.example", "no mailbox"),
        ("a..b@sender.example", "no mailbox"),
        (".a@sender.example", "no mailbox"),
        ("a b@sender.example", "no mailbox"),
        ("a@b@sender.example", "no mailbox"),
        ('"a"b"@sender.example', "no mailbox"),
        ("ann@-sender.example", "no mailbox"),
        ("ann@sender..example", "no mailbox"),
        ("ann@sender.example.", "no mailbox"),
        ("ann@[not.an.address]", "no address literal"),
        ("ann@[IPv6:192.0.2.1]", "no address literal"),
        ("ann@" + "x" * 64 + ".example", "too long"),
        ("x" * 310 + "@sender.example", "longer than 320"),
        ("ann\r\nRCPT TO:<eve@evil.example>@sender.example", "control character"),
        ("ann\0@sender.example", "control character"),
        ("ann\x7f@sender.example", "control character"),
        ("änn@sender.example", "SMTPUTF8"),
        ("ann@sënder.example", "SMTPUTF8"),
    ],
)
def test_no_mailboxes(text, why):
    """Anything else is refused, and the reason is said."""
    with pytest.raises(BadAddress, match=why):
        mailbox(text, utf8=False)


@pytest.mark.parametrize("text", ["änn@sender.example", "ann@sënder.example", '"ä b"@sender.example'])
def test_utf8_when_asked_for(text):
    """With SMTPUTF8 characters outside ASCII are allowed in both halves; C1 controls are not."""
    assert mailbox(text, utf8=True) == text
    with pytest.raises(BadAddress, match="control"):
        mailbox("\x85" + text, utf8=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<ann@a.example> SIZE=3", ("ann@a.example", " SIZE=3")),
        (" <>", ("", "")),
        ('<"a>b\\">"@a.example>x', ('"a>b\\">"@a.example', "x")),
        ("<@one.example,@two.example:ann@a.example>", ("ann@a.example", "")),
    ],
)
def test_path(text, expected):
    """A path ends at the bracket that no quoted string holds; a source route is dropped."""
    assert path(text) == expected


@pytest.mark.parametrize("text", ["", "ann@a.example", "<ann@a.example", '<"ann>@a.example>'])
def test_no_path(text):
    """A path without its brackets is refused."""
    with pytest.raises(BadAddress, match="angle bracket"):
        path(text)


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("ann@Sender.EXAMPLE", "sender.example"),
        ('"a@b"@sender.example', "sender.example"),
        ("ann@bücher.example", "xn--bcher-kva.example"),
        ("ann@BÜCHER.example.", "xn--bcher-kva.example"),
        ("ann@ü" + "x" * 70 + ".example", "ü" + "x" * 70 + ".example"),
        ("", ""),
        ("ann", ""),
    ],
)
def test_domain_of(address, domain):
    """The domain is what stands behind the last @, in lower-case A-labels."""
    assert domain_of(address) == domain


@given(st.text(max_size=60))
def test_what_is_accepted_can_be_said(text):
    """Whatever is accepted holds no control character and survives being said in a command."""
    try:
        accepted = mailbox(text, utf8=True)
    except BadAddress:
        return
    assert accepted == text
    assert not any(c in text for c in "\r\n\0")
    assert path(f"<{text}>") == (text, "")
