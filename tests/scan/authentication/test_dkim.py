"""DKIM against dkimpy (which signs here and shares no code with the verifier), and attacks."""

import base64

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.model.instant import from_rfc3339
from counterfoil.scan.authentication import canonical, dkim

MESSAGE = (
    b"From: Anna <anna@example.org>\r\nTo: bob@example.net\r\nSubject: Two  words\r\n"
    b"Date: Tue, 03 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nHello,  Bob \r\n\r\nbye\r\n\r\n\r\n"
)
SIGNED = [b"from", b"to", b"subject", b"date", b"message-id"]


def spell_rsa(key) -> str:
    """The key record of an RSA key."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


@pytest.fixture(scope="session")
def rsa_key():
    """A signer's key; the record of it is in the zone as ``sel``."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def signed(rsa_key):
    """Signs a message with dkimpy."""
    pem = rsa_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())

    def sign(message=MESSAGE, headers=SIGNED, form=(b"relaxed", b"relaxed"), **options):
        return (
            dkimpy.sign(message, b"sel", b"example.org", pem, canonicalize=form, include_headers=headers, **options)
            + message
        )

    return sign


@pytest.fixture(scope="session")
def verify(rsa_key, make_zone):
    """Verifies a message with our verifier, the signer's record in the zone."""
    zone = {"sel._domainkey.example.org": [{"TXT": spell_rsa(rsa_key)}]}

    def check(raw, records=None, now=None):
        return make_zone(zone | (records or {})).drive(dkim.check(canonical.split(raw), now))

    return check


@pytest.mark.parametrize("body_form", [b"simple", b"relaxed"])
@pytest.mark.parametrize("header_form", [b"simple", b"relaxed"])
def test_what_dkimpy_signs_verifies(signed, verify, header_form, body_form):
    """Every pair of canonical forms is computed as the signer computed it."""
    (result,) = verify(signed(form=(header_form, body_form)))

    assert (result.result, result.domain, result.selector) == ("pass", "example.org", "sel")


@settings(max_examples=60, deadline=None)
@given(
    body=st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"\r\n\r\n", b"  \r\n", b"word", b"\x80"]), max_size=12),
    subject=st.text(st.sampled_from("ab \t:;"), max_size=20),
    form=st.tuples(*[st.sampled_from([b"simple", b"relaxed"])] * 2),
)
def test_any_message_that_dkimpy_signs_verifies(signed, verify, body, subject, form):
    """Blanks, tabs and empty lines are brought to the same form whatever their order."""
    message = b"From: a@example.org\r\nSubject: %s\r\n\r\n%s\r\n" % (subject.encode(), b"".join(body))
    (result,) = verify(signed(message, [b"from", b"subject"], form))

    assert result.result == "pass", result


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"Hello,", b"Hallo,", "body is not what was signed"),
        (b"Subject: Two", b"Subject: Tow", "does not fit the header fields"),
        (b"anna@example.org", b"anne@example.org", "does not fit the header fields"),
    ],
)
def test_a_changed_message_fails(signed, verify, old, new, reason):
    """One changed octet is a failure, and the result says on which side."""
    (result,) = verify(signed().replace(old, new, 1))

    assert (result.result, result.reason) == ("fail", pytest.approx(result.reason))
    assert reason in result.reason


@pytest.mark.parametrize("name", [b"From", b"Subject", b"To", b"Date"])
def test_a_second_field_beside_a_signed_one_is_no_pass(signed, verify, name):
    """What a reader may be shown instead of the signed field spoils the signature (RFC 6376 section 8.15)."""
    (result,) = verify(name + b": mallory@evil.example\r\n" + signed())

    assert result.result == "policy"
    assert f"there are 2 {name.decode().lower()} fields, and 1 are signed" == result.reason


def test_a_signer_who_signs_absence_forbids_a_second_field(signed, verify):
    """A name signed once more than it occurs makes an added field a failure."""
    headers = [*SIGNED, b"from"]

    assert verify(signed(headers=headers))[0].result == "pass"
    assert verify(b"From: mallory@evil.example\r\n" + signed(headers=headers))[0].result == "fail"


def test_a_body_beyond_its_signed_length_is_no_pass(signed, verify):
    """l= that covers the whole body passes; text after it makes the signature partial."""
    raw = signed(length=True)

    assert verify(raw)[0].result == "pass"
    assert verify(raw + b"<h1>evil</h1>\r\n")[0].result == "policy"
    assert "octets of the body are signed" in verify(raw + b"<h1>evil</h1>\r\n")[0].reason
    assert verify(raw.replace(b"Hello,  Bob \r\n\r\nbye\r\n", b"Hi\r\n"))[0].reason.startswith("the body is shorter")


@pytest.mark.parametrize(
    ("record", "word", "reason"),
    [
        ("v=DKIM1; k=rsa; p=", "permerror", "revoked"),
        ("v=DKIM1; k=rsa", "permerror", "holds no key"),
        ("v=DKIM2; p=AAAA", "permerror", "another version"),
        ("p=AAAA; v=DKIM1", "permerror", "another version"),
        ("v=DKIM1; p=AAAA", "permerror", "cannot be read"),
        ("v=DKIM1; p=!", "permerror", "no base64"),
        ("v=DKIM1; k=dsa; p=AAAA", "permerror", "cannot be read"),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "permerror", "not for rsa-sha256"),
        ("v=DKIM1; s=tlsrpt; {p}", "permerror", "not for email"),
        ("v=DKIM1; h=sha1; {p}", "permerror", "not for SHA-256"),
        ("v=DKIM1; t=y; {p}", "pass", "2048 bits"),
        ("v=DKIM1; h=sha1:sha256; s=email:*; {p}", "pass", "2048 bits"),
        ("k=rsa; {p};", "pass", "2048 bits"),
        ("x" * 10_000, "permerror", "out of all measure"),
    ],
)
def test_a_key_record_is_held_against_the_rules(signed, verify, rsa_key, record, word, reason):  # noqa: PLR0917 - fixtures and parameters
    """Each rule of RFC 6376 section 3.6.1 has its own reason."""
    text = record.format(p=spell_rsa(rsa_key).rpartition("; ")[2])
    (result,) = verify(signed(), {"sel._domainkey.example.org": [{"TXT": text}]})

    assert result.result == word
    assert reason in result.reason


@pytest.mark.parametrize("bits", [1024, 8192])
def test_a_key_has_a_measure(make_zone, bits):
    """1024 bits are accepted, 8192 are not (RFC 8301)."""
    key = rsa.generate_private_key(65537, 1024) if bits == 1024 else None
    record = spell_rsa(key) if key else f"v=DKIM1; p={base64.b64encode(_wide(bits)).decode()}"
    pem = key and key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    header = dkimpy.sign(MESSAGE, b"sel", b"example.org", pem, include_headers=SIGNED) if pem else HEADER
    zone = make_zone({"sel._domainkey.example.org": [{"TXT": record}]})
    (result,) = zone.drive(dkim.check(canonical.split(header + MESSAGE)))

    assert result.result == ("pass" if key else "permerror")
    assert ("1024 bits" if key else "8192 bits is not accepted") in result.reason


def _wide(bits: int) -> bytes:
    """A public key of that width whose factors nobody knows."""
    numbers = rsa.RSAPublicNumbers(65537, (1 << bits) - 1)
    return numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


HEADER = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=sel; h=from;\r\n"
    b" bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"v=1", b"v=2", "v= is not 1"),
        (b"v=1; ", b"", "v= is not 1"),
        (b"rsa-sha256", b"rsa-sha1", "not accepted"),
        (b"h=from", b"h=to", "From field is not signed"),
        (b"h=from", b"h=" + b"from:" * 1001, "more than 1000 header fields"),
        (b"d=example.org", b"d=example.org; i=a@example.com", "i= is not of the domain"),
        (b"d=example.org", b"d=org", "make no domain"),
        (b"d=example.org", b"d=exa(mple.org\x00", "make no domain"),
        (b"s=sel", b"s=a..b", "make no domain"),
        (b"s=sel", b"s=sel; s=sel", "stands there twice"),
        (b"s=sel; ", b"", "s= is missing"),
        (b"s=sel", b"s=", "s= is missing"),
        (b"s=sel", b"s=sel; l=-1", "l= is no number"),
        (b"s=sel", b"s=sel; t=20; x=10", "x= is not after t="),
        (b"s=sel", b"s=sel; q=http", "no way that is known"),
        (b"b=AAAA", b"b=A!", "no base64"),
        (b"b=AAAA", b"b=" + b"A" * 70_000, "out of all measure"),
        (b"c=relaxed/relaxed", b"c=nowsp", "unknown canonical form"),
    ],
)
def test_a_signature_is_held_against_the_rules(verify, old, new, reason):
    """Each malformed signature is a permerror with its own reason."""
    (result,) = verify(HEADER.replace(old, new) + MESSAGE)

    assert result.result == "permerror"
    assert reason in result.reason


def test_a_domain_that_only_tries_out_signing_is_not_blamed(signed, verify, rsa_key):
    """With t=y in the key a broken signature is neutral, as if there were none; a whole one still passes."""
    records = {"sel._domainkey.example.org": [{"TXT": f"{spell_rsa(rsa_key)}; t=y"}]}

    assert verify(signed(), records)[0].result == "pass"
    assert verify(signed().replace(b"Hello", b"Hallo"), records)[0].result == "neutral"


def test_an_expired_signature_is_a_permerror_where_the_time_is_known(verify):
    """x= is judged by the time that is given, and left alone where none is."""
    raw = HEADER.replace(b"s=sel", b"s=sel; x=1800000000") + MESSAGE

    assert verify(raw, now=from_rfc3339("2027-01-15T08:00:01Z"))[0].reason == "the signature has expired"
    assert verify(raw, now=from_rfc3339("2027-01-15T07:59:59Z"))[0].result == "fail"
    assert verify(raw)[0].result == "fail"


@pytest.mark.parametrize(
    ("entries", "word"),
    [(["TIMEOUT"], "temperror"), ([{"A": "192.0.2.1"}], "permerror"), ([{"TXT": "hello"}], "permerror")],
)
def test_a_key_that_cannot_be_had_is_no_pass(signed, verify, entries, word):
    """Silence is temporary, absence is permanent."""
    assert verify(signed(), {"sel._domainkey.example.org": entries})[0].result == word


def test_of_hundreds_of_signatures_few_are_looked_at(make_zone):
    """Three hundred signatures ask eight questions, and the result says what was left out."""
    zone = make_zone({})
    many = b"".join(HEADER.replace(b"s=sel", b"s=sel%d" % number) for number in range(300))
    results = zone.drive(dkim.check(canonical.split(many + MESSAGE)))

    assert len(zone.asked) == dkim.MAX_SIGNATURES
    assert results[-1].reason == "292 more signatures are not looked at"
    assert dkim.overall(results) == "neutral"


def test_a_message_without_a_signature_has_none(verify):
    """No signature, no result."""
    assert verify(MESSAGE) == ()
    assert dkim.overall(()) == "none"


def test_line_ends_of_a_file_do_not_matter(signed, verify):
    """A message stored with bare LF verifies as it was sent."""
    assert verify(signed().replace(b"\r\n", b"\n"))[0].result == "pass"
