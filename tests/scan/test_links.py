import pytest

from counterfoil.scan.hosts import hosts_of
from counterfoil.scan.links import Tangled, html_links, text_links

MARKUP = {
    "anchor": ("<a href='https://a.example/'>click <b>here</b></a>", ("https://a.example/", "click here")),
    "form": ("<form action=https://a.example/post><input></form>", ("https://a.example/post", "")),
    "area": ("<map><area href='https://a.example/' alt=x></map>", ("https://a.example/", "x")),
    "refresh": ("<meta http-equiv=Refresh content=\"0; URL='https://a.example/'\">", ("https://a.example/", "")),
    "base": ("<base href='https://a.example/d/'><a href=x>t</a>", ("https://a.example/d/x", "t")),
    "image": ("<img src='https://a.example/i.png'>", ("https://a.example/i.png", "")),
    "svg": ("<svg><a xlink:href='https://a.example/'><text>t</text></a></svg>", ("https://a.example/", "t")),
    "unlinked": ("<p>see https://a.example/x.</p>", ("https://a.example/x", "")),
    "entities": ("<a href='https&#58;//a.example/'>t</a>", ("https://a.example/", "t")),
}


@pytest.mark.parametrize(("markup", "link"), MARKUP.values(), ids=MARKUP)
def test_references_in_markup(markup, link):
    """Whatever a person or the client itself would follow is a link, with what is shown for it."""
    assert link in list(html_links(markup))


TEXT = {
    "sentence": ("Go to https://a.example/x?y=1, now.", ["https://a.example/x?y=1"]),
    "brackets": ("(see https://a.example/w_(x))", ["https://a.example/w_(x)"]),
    "no scheme": ("at www.a.example/x today", ["www.a.example/x"]),
    "handler": ("search-ms:query=x&crumb=location:\\\\1.2.3.4\\s", ["search-ms:query=x&crumb=location:\\\\1.2.3.4\\s"]),
    "share": ("open \\\\1.2.3.4\\s\\a.exe please", ["\\\\1.2.3.4\\s\\a.exe"]),
    "twice": ("https://a.example/ https://a.example/", ["https://a.example/"]),
    "none": ("ratio 1:2, note: nothing", []),
}


@pytest.mark.parametrize(("text", "urls"), TEXT.values(), ids=TEXT)
def test_references_in_text(text, urls):
    """What a mail client makes a link of in plain text, without the punctuation of the sentence."""
    assert [url for url, _ in text_links(text)] == urls


def test_deep_markup_is_not_given_to_the_parser():
    """Nesting costs the parser quadratic time; plainly written references are found all the same."""
    found = []
    with pytest.raises(Tangled, match="nested deeper than 400"):
        found.extend(html_links("<div>" * 100_000 + "<a href='https://a.example/'>x</a>"))
    reader = html_links("<div>" * 100_000 + "<a href='https://a.example/'>x</a>")
    assert next(reader) == ("https://a.example/", "")


HOSTS = {
    "plain": ("https://A.example:443/x", ("a.example",)),
    "user information": ("https://good.example@evil.example/", ("evil.example",)),
    "backslash": ("https://evil.example\\@good.example/", ("evil.example", "good.example")),
    "many slashes": ("https:////evil.example/", ("evil.example",)),
    "one slash": ("https:/evil.example/", ("evil.example",)),
    "tab inside": ("ht\ttps://evil.example/", ("evil.example",)),
    "number": ("http://2130706433/", ("127.0.0.1",)),
    "hexadecimal": ("http://0x7f.1/", ("127.0.0.1",)),
    "octal": ("http://0177.0.0.1/", ("127.0.0.1",)),
    "percent": ("http://%65vil.example/", ("evil.example",)),
    "ideographic stop": ("http://evil\u3002example/", ("evil.example",)),
    "scheme relative": ("//evil.example/x", ("evil.example",)),
    "no host": ("mailto:a@example.com", ()),
    "address of six": ("http://[::1]:80/", ("[::1]",)),
}


@pytest.mark.parametrize(("url", "hosts"), HOSTS.values(), ids=HOSTS)
def test_hosts_by_both_readings(url, hosts):
    """Browsers (WHATWG) and libraries (RFC 3986) may see different hosts; both are given, the browser's first."""
    found = hosts_of(url)
    assert found[:1] == hosts[:1]
    assert set(hosts) <= set(found)
