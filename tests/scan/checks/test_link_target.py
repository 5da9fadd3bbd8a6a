"""Links that lead elsewhere than a person reads."""

import pytest
from tests.scan.making import message

from counterfoil.model.mail import Link
from counterfoil.scan.checks.link_target import check


@pytest.mark.parametrize(
    ("url", "text", "severity", "shown"),
    [
        ("https://evil.example/a", "https://www.paypal.com/login", "medium", "www.paypal.com"),
        ("https://evil.example/a", "www.paypal.com", "medium", "www.paypal.com"),
        ("https://evil.example/a", "paypal.com", "low", "paypal.com"),
        ("https://www.paypal.com.evil.example/", "http://paypal.com", "medium", "paypal.com"),
        ("https://www.paypal.com@evil.example/", "click", "medium", "www.paypal.com"),
        ("https://user:secret@host.example/", "click", "low", "user"),
        ("https://3221226219/", "click", "medium", "192.0.2.235"),
        ("https://0xc0.0x0.0x2.0xeb/", "click", "medium", "192.0.2.235"),
        ("https://192.0.2.235/", "click", "low", "192.0.2.235"),
        ("https://xn--pypal-4ve.com/", "click", "low", "pаypal.com"),
        ("https://good.example\\@evil.example/", "click", "medium", "evil.example"),
    ],
    ids=[
        "URL",
        "www",
        "bare host",
        "host as a subdomain",
        "userinfo as a host",
        "userinfo",
        "decimal address",
        "hexadecimal address",
        "bare address",
        "punycode",
        "parsers disagree",
    ],
)
def test_a_lie_is_found(url, text, severity, shown):
    """Each kind of lie has its weight; the evidence shows both sides."""
    found = list(check(message(links=(Link(url, text, "1"),))))
    assert (severity, shown) in {(str(one.severity), one.evidence["shown"]) for one in found}
    assert all(one.techniques == ("T1566.002", "T1204.001") for one in found)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://www.paypal.com/a", "https://paypal.com"),
        ("https://login.paypal.com/a", "www.paypal.com"),
        ("https://paypal.com/", "Pay with ease"),
        ("https://evil.example/", "report.txt"),
        ("https://evil.example/", "News.com: the latest"),
        ("https://x.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.bank.com%2F", "https://www.bank.com/"),
        ("https://cdn.example/logo.png", "www.bank.com"),
        ("mailto:a@evil.example", "www.bank.com"),
        ("/relative", "www.bank.com"),
    ],
    ids=[
        "same owner",
        "subdomain",
        "words",
        "no top-level domain",
        "a name in a sentence",
        "known wrapper",
        "picture",
        "mail",
        "relative",
    ],
)
def test_an_honest_link_is_left_alone(url, text):
    """The same owner, words, pictures and known wrappers are no lie."""
    assert list(check(message(links=(Link(url, text, "1"),)))) == []


def test_the_same_lie_is_told_once():
    """A newsletter with a hundred equal links is one finding."""
    links = tuple(Link(f"https://evil.example/{number}", "http://bank.com", "1") for number in range(100))
    assert len(list(check(message(links=links)))) == 1
