"""DMARC over a zone: discovery, alignment, and what keeps a spoofed author from passing."""

import pytest

from counterfoil.scan.authentication import canonical, dmarc
from counterfoil.scan.authentication.dkim import Dkim
from counterfoil.scan.authentication.spf import Spf

REJECT = {"TXT": "v=DMARC1; p=reject"}
NO_SPF = Spf("none", "mailfrom", "bounce.example.com")


def judge(zone, author="anna@example.org", spf=NO_SPF, dkim=()):
    """The DMARC result of a message by that author."""
    fields = canonical.split(f"From: {author}\r\n\r\n".encode()).named("from")
    return dmarc.judge(fields, zone.drive(dmarc.discover(fields)), spf, tuple(dkim))


@pytest.mark.parametrize(
    ("record", "spf", "dkim", "word"),
    [
        ("v=DMARC1; p=reject", Spf("pass", "mailfrom", "example.org"), [], "pass"),
        ("v=DMARC1; p=reject", Spf("pass", "mailfrom", "mail.example.org"), [], "pass"),
        ("v=DMARC1; p=reject", Spf("pass", "mailfrom", "example.com"), [], "fail"),
        ("v=DMARC1; p=reject", Spf("softfail", "mailfrom", "example.org"), [], "fail"),
        ("v=DMARC1; p=reject; aspf=s", Spf("pass", "mailfrom", "mail.example.org"), [], "fail"),
        ("v=DMARC1; p=reject; aspf=s", Spf("pass", "mailfrom", "example.org"), [], "pass"),
        ("v=DMARC1; p=reject", NO_SPF, [Dkim("pass", "example.org")], "pass"),
        ("v=DMARC1; p=reject", NO_SPF, [Dkim("fail", "example.org"), Dkim("pass", "m.example.org")], "pass"),
        ("v=DMARC1; p=reject; adkim=s", NO_SPF, [Dkim("pass", "m.example.org")], "fail"),
        ("v=DMARC1; p=reject", NO_SPF, [Dkim("pass", "example.com"), Dkim("fail", "example.org")], "fail"),
        ("v=DMARC1; p=reject", NO_SPF, [Dkim("policy", "example.org")], "fail"),
        ("v=DMARC1; p=reject", NO_SPF, [Dkim("temperror", "example.org")], "temperror"),
        ("v=DMARC1; p=reject", NO_SPF, [Dkim("temperror", "example.com")], "fail"),
        ("v=DMARC1; p=reject", Spf("temperror", "mailfrom", "example.org"), [], "temperror"),
        ("v=DMARC1; p=reject", Spf("not-checked", "mailfrom", ""), [], "not-checked"),
        ("v=DMARC1; p=reject", Spf("not-checked", "mailfrom", ""), [Dkim("pass", "example.org")], "pass"),
    ],
)
def test_alignment(make_zone, record, spf, dkim, word):
    """Only a pass for the author's own domain, or its organisation where that is enough, is a pass."""
    zone = make_zone({"_dmarc.example.org": [{"TXT": record}]})

    assert judge(zone, spf=spf, dkim=dkim).result == word


@pytest.mark.parametrize(
    ("author", "policy", "place"),
    [
        ("a@example.org", "reject", "example.org"),
        ("a@news.example.org", "quarantine", "example.org"),
        ("a@deep.news.example.org", "quarantine", "example.org"),
        ("a@own.example.org", "none", "own.example.org"),
        ("a@shop.example.co.uk", "reject", "example.co.uk"),
    ],
)
def test_the_policy_of_the_organisation_counts_where_a_subdomain_has_none(make_zone, author, policy, place):
    """A record of its own comes first, then the organisation's with its sp=."""
    zone = make_zone(
        {
            "_dmarc.example.org": [{"TXT": "v=DMARC1; p=reject; sp=quarantine"}, {"TXT": "unrelated"}],
            "_dmarc.own.example.org": [{"TXT": "v=DMARC1;p=none"}],
            "_dmarc.example.co.uk": [{"TXT": "v=DMARC1 ; p=REJECT"}],
            "_dmarc.co.uk": [{"TXT": "v=DMARC1; p=none"}],
        }
    )
    result = judge(zone, author)

    assert (result.result, result.policy.asked, result.policy.found_at) == ("fail", policy, place)


@pytest.mark.parametrize(
    ("entries", "word", "reason"),
    [
        ([], "none", "publishes no policy"),
        ([{"TXT": "v=DMARC1x; p=reject"}], "none", "publishes no policy"),
        ([{"TXT": "v=dmarc1; p=reject"}], "none", "publishes no policy"),
        ([{"TXT": " v=DMARC1; p=reject"}], "none", "publishes no policy"),
        ([REJECT, {"TXT": "v=DMARC1; p=none"}], "permerror", "several policies"),
        ([{"TXT": "v=DMARC1; p=destroy"}], "permerror", "asks for nothing that is known"),
        ([{"TXT": "v=DMARC1"}], "permerror", "asks for nothing that is known"),
        ([{"TXT": "v=DMARC1; p=destroy; rua=mailto:a@b.org"}], "fail", "speaks for the author"),
        ([{"TXT": "v=DMARC1; p=reject; p=none"}], "permerror", "stands there twice"),
        ([{"TXT": "v=DMARC1; p=reject; pct=x"}], "fail", "speaks for the author"),
        (["TIMEOUT"], "temperror", "no answer about the policy"),
    ],
)
def test_a_record_is_held_against_the_rules(make_zone, entries, word, reason):
    """What is no record is no policy; what is a broken one is a permanent error."""
    result = judge(make_zone({"_dmarc.example.org": entries} if entries else {}))

    assert result.result == word
    assert reason in result.reason


@pytest.mark.parametrize("author", ["a@example.org, b@example.com", "a@example.org\r\nFrom: a@example.org", "nobody"])
def test_an_author_that_is_not_plain_is_a_permerror(make_zone, author):
    """No policy is sought for a From field that clients may read in several ways."""
    zone = make_zone({"_dmarc.example.org": [REJECT]})

    assert judge(zone, author, Spf("pass", "mailfrom", "example.org")).result == "permerror"
    assert zone.asked == []
