"""Pages that build files, and pictures that run script."""

import pytest
from tests.scan.making import message, part

from counterfoil.scan.checks.smuggling import check

LONG = "QUFB" * 400
BLOB = (
    f"var b=new Blob([atob('{LONG}')]);var a=document.createElement('a');a.href=URL.createObjectURL(b);"
    "a.download='x.zip';a.click();"
)


@pytest.mark.parametrize(
    ("page", "severity"),
    [
        (f"<html><script>{BLOB}</script></html>", "high"),
        (f"<html><script>navigator.msSaveOrOpenBlob(new Blob([atob('{LONG}')]),'x.iso')</script></html>", "high"),
        (f'<html><body><a download="x.zip" href="data:application/zip;base64,{LONG}">x</a></body></html>', "high"),
        (f"<html><script>document.write(unescape('{'%3c%73' * 200}'))</script></html>", "high"),
        (f"<html><body onload=\"eval(atob('{LONG}'))\"></body></html>", "high"),
        ("<html><script>var a=[1,2];x=String.fromCharCode(65);y.download='a';</script></html>", "medium"),
    ],
    ids=["blob and click", "msSaveOrOpenBlob", "data link", "page that writes itself", "event handler", "small"],
)
def test_a_page_that_smuggles_is_found(page, severity):
    """Something encoded, something that decodes it, something that hands it over."""
    (found,) = check(message(part(page.encode(), "invoice.html")))
    assert (str(found.severity), found.techniques[0]) == (severity, "T1027.006")


@pytest.mark.parametrize(
    "page",
    [
        "<html><body><p>Hello</p><script>document.title='x'</script></body></html>",
        f'<html><body><img src="data:image/png;base64,{LONG}"><script>a.click()</script></body></html>',
        "<html><body>atob and Blob( and .download= are words in this text</body></html>",
    ],
    ids=["little script", "inline picture", "words without script"],
)
def test_an_honest_page_is_left_alone(page):
    """Script, inline pictures and prose are no smuggling."""
    assert list(check(message(part(page.encode())))) == []


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        ("<script>x()</script>", "high"),
        ('<rect onload="x()"/>', "high"),
        ('<a href="javascript:x()"><text>y</text></a>', "high"),
        ("<foreignObject><p>x</p></foreignObject>", "medium"),
        ("<rect width='1'/>", None),
    ],
)
def test_a_picture_that_runs_script_is_found(body, severity):
    """SVG is a page: script, handlers, script links and embedded HTML."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    found = list(check(message(part(svg.encode(), "a.svg"))))
    assert [str(one.severity) for one in found] == ([severity] if severity else [])
    assert all(one.techniques[0] == "T1027.017" for one in found)


def test_an_attached_page_that_asks_for_a_password_is_found():
    """A form for a password belongs on a site, not in an attachment."""
    page = b'<html><form action="https://x.example/"><input type="password"></form></html>'
    (found,) = check(message(part(page, "login.html")))
    assert found.summary == "An attached page asks for a password"
    assert list(check(message(part(page)))) == []
