"""DKIM on messages that others signed: the example of RFC 8463, and SpamAssassin's own."""

import pytest

from counterfoil.scan.authentication import canonical, dkim, signature, tags

# RFC 8463 appendix A.2 and A.3.
RFC_8463 = {
    "brisbane._domainkey.football.example.com": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "test._domainkey.football.example.com": (
        "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2"
        "jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
    ),
}


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("file", "results"), [("ed25519.eml", ("pass", "pass")), ("ed25519-broken.eml", ("fail", "fail"))]
)
def test_the_example_of_rfc_8463(corpora, make_zone, file, results):
    """Both signatures of the RFC's own message hold, and both fail on the broken copy."""
    raw = (corpora / "auth/rspamd/test/functional/messages" / file).read_bytes()
    zone = make_zone({name: [{"TXT": record}] for name, record in RFC_8463.items()})

    assert tuple(one.result for one in zone.drive(dkim.check(canonical.split(raw)))) == results


SHA1 = {"test-pass-01.msg"}
"""Messages that SpamAssassin accepts and we do not: signatures by rsa-sha1 are none (RFC 8301)."""


@pytest.mark.corpus
def test_the_bodies_of_spamassassin_s_signed_messages(corpora):
    """No key of these is at hand, but each message that passes there has the body that was signed."""
    files = sorted((corpora / "auth/spamassassin/t/data/dkim").glob("test-pass-*.msg"))
    assert len(files) == 23
    for path in files:
        message = canonical.split(path.read_bytes())
        for field in message.named("dkim-signature"):
            found = tags.parse(field.value.decode())
            if path.name in SHA1:
                with pytest.raises(tags.Malformed, match="rsa-sha1"):
                    signature.read(field, found)
                continue
            assert signature.body_problem(signature.read(field, found), signature.Bodies(message)) is None, path
