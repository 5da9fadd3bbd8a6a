"""All four methods together: batches of questions, and what is said where nothing may be asked."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.model.dns import Answer, RecordType, Status
from counterfoil.model.mail import Authentication, Envelope
from counterfoil.scan.authentication import authenticate, results

WORDS = {
    "spf": {"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror", "not-checked"},
    "dkim": {"none", "pass", "fail", "policy", "neutral", "temperror", "permerror", "not-checked"},
    "dmarc": {"none", "pass", "fail", "temperror", "permerror", "not-checked"},
    "arc": {"none", "pass", "fail", "temperror", "not-checked"},
}
RAW = b"From: anna@example.org\r\nSubject: x\r\n\r\nbody\r\n"
ENVELOPE = Envelope("anna@example.org", ("bob@example.net",), "192.0.2.1", "mail.example.org")
ZONE = {
    "example.org": [{"TXT": "v=spf1 ip4:192.0.2.1 -all"}],
    "_dmarc.example.org": [{"TXT": "v=DMARC1; p=reject"}],
}


def test_a_message_of_its_domain(make_zone):
    """SPF passes for the author's domain, so that DMARC does; there is no signature and no chain."""
    result = make_zone(ZONE).drive(authenticate(RAW, ENVELOPE))

    assert (result.spf, result.dkim, result.dmarc, result.arc) == ("pass", "none", "pass", "none")
    assert result.detail["helo"]["result"] == "none"
    assert result.detail["dmarc"] == {
        "result": "pass",
        "domain": "example.org",
        "reason": "sent for example.org",
        "policy": "reject",
        "policy_of": "example.org",
        "percent": 100,
    }


def test_a_spoofed_author(make_zone):
    """Another host's mail in the author's name fails SPF and DMARC."""
    envelope = Envelope("anna@example.org", (), "198.51.100.66", "evil.example")
    result = make_zone(ZONE).drive(authenticate(RAW, envelope))

    assert (result.spf, result.dmarc) == ("fail", "fail")


def test_the_methods_ask_side_by_side(make_zone):
    """The first batch holds the questions of SPF (for both identities) and DMARC together, each once."""
    batch = next(authenticate(RAW, ENVELOPE))

    assert [(question.name, question.type) for question in batch] == [
        ("example.org", RecordType.TXT),
        ("mail.example.org", RecordType.TXT),
        ("_dmarc.example.org", RecordType.TXT),
    ]


@pytest.mark.parametrize("envelope", [None, ENVELOPE])
def test_where_nobody_may_ask_nothing_is_checked(envelope):
    """NOT_ASKED to the first question leaves every method not-checked."""
    asking = authenticate(RAW, envelope)
    batch = next(asking)
    with pytest.raises(StopIteration) as done:
        asking.send(tuple(Answer(Status.NOT_ASKED) for _ in batch))

    assert done.value.value == Authentication()


def test_a_file_has_no_envelope(make_zone):
    """From a file SPF is not-checked, and so is DMARC where no signature speaks."""
    result = make_zone(ZONE).drive(authenticate(RAW, None))

    assert (result.spf, result.dkim, result.dmarc) == ("not-checked", "none", "not-checked")


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b"x", b":", b"From:", b"\0\0\0", b"From: a@b.c\r\n\r\n", b"DKIM-Signature: "]
)
def test_bytes_that_are_no_message_are_answered(make_zone, raw):
    """Whatever the bytes, each method answers in its own words."""
    for envelope in (None, ENVELOPE, Envelope("", (), "", ""), Envelope("@", (), "::1", "\0")):
        result = make_zone({}).drive(authenticate(raw, envelope))
        assert result.spf in WORDS["spf"]
        assert result.dmarc in WORDS["dmarc"]


@pytest.mark.corpus
def test_every_message_of_the_corpus_is_answered_in_the_words_of_rfc_8601(corpora, make_zone):
    """No message of the authentication corpus breaks a method, asks without measure or gets a word of its own."""
    files = [path for path in (corpora / "auth").rglob("*") if path.is_file() and path.suffix != ".yml"]
    assert len(files) > 100
    for path in files:
        zone = make_zone(ZONE)
        result = zone.drive(authenticate(path.read_bytes(), ENVELOPE))
        for method, words in WORDS.items():
            assert getattr(result, method) in words, path
        assert len(zone.asked) < 30, path


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("dkim_huge_hlist.eml", "more than 1000 header fields are signed"),
        ("dkim_many_sigs.eml", "no key is published"),
        ("dkim_large_hlist.eml", "b= is no base64"),
        ("dkim_revoked_key.eml", "the key is revoked"),
    ],
)
def test_the_dkim_limits_on_rspamd_s_messages(corpora, make_zone, name, reason):
    """The messages that rspamd keeps for its own limits meet ours, each with its reason."""
    raw = (corpora / "auth/rspamd/test/functional/messages" / name).read_bytes()
    zone = make_zone({"revoked._domainkey.revokedkey.za.org": [{"TXT": "v=DKIM1; p="}]})
    result = zone.drive(authenticate(raw, None))

    assert any(reason in row["reason"] for row in result.detail["dkim"]), result.detail["dkim"]


PIECES = st.sampled_from(
    [
        *(b"From: ", b"DKIM-Signature: ", b"ARC-Seal: i=1; ", b"ARC-Message-Signature: i=1; "),
        *(
            b"ARC-Authentication-Results: i=1; x; ",
            b"v=1; ",
            b"a=rsa-sha256; ",
            b"d=example.org; ",
            b"s=s; ",
            b"h=from; ",
        ),
        *(
            b"bh=AAAA; ",
            b"b=AAAA; ",
            b"cv=none; ",
            b"i=2; ",
            b"l=99999999999999999999; ",
            b"t=-1; ",
            b"c=/; ",
            b"\r\n",
            b"\r\n ",
        ),
        *(
            b"a@example.org",
            b"<",
            b">",
            b"(",
            b'"',
            b"\\",
            b",",
            b"\0",
            b"\xff",
            b"\r",
            b"\n",
            b"=?utf-8?q?",
            b";;",
            b":",
        ),
    ]
)
STATUSES = st.sampled_from([status for status in Status if status is not Status.NOT_ASKED])
RECORDS = st.sampled_from(
    [
        "",
        "v=spf1 a mx ptr ?all",
        "v=spf1 include:%{d}",
        "v=DMARC1; p=reject",
        "v=DKIM1; p=AAAA",
        "p=",
        "10 .",
        "\x00\xff",
        "::1",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    pieces=st.lists(st.one_of(PIECES, st.binary(max_size=8)), max_size=40),
    sender=st.sampled_from(["", "a@example.org", "@", "a@\0", "é@bücher.example", "a@b@c.example"]),
    helo=st.sampled_from(["", "mail.example.org", "[192.0.2.1]", "\udc80", "a" * 300]),
    data=st.data(),
)
def test_whatever_comes_is_answered_in_the_words_of_rfc_8601(pieces, sender, helo, data):
    """No bytes and no answers of the DNS raise, ask without end, or make a word that is none."""
    asking = authenticate(b"".join(pieces), Envelope(sender, (), "192.0.2.1", helo))
    rounds = 0
    try:
        batch = next(asking)
        while True:
            rounds += 1
            assert rounds < 100
            answers = tuple(Answer(data.draw(STATUSES), tuple(data.draw(st.lists(RECORDS, max_size=2)))) for _ in batch)
            batch = asking.send(answers)
    except StopIteration as done:
        result = done.value
    for method, words in WORDS.items():
        assert getattr(result, method) in words
    results.write("mx.example.net", result)
    json.dumps(result.detail)
