"""Files that pages hide in their script."""

import base64
import io
import zipfile

import pytest
from tests.scan.making import scanned_file

from counterfoil.scan.limits import Budget, Limits
from counterfoil.scan.unpack.html_blobs import unpack
from counterfoil.scan.unpack.member import Member, Oddity


def archive() -> bytes:
    """A ZIP with a script in it."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as target:
        target.writestr("invoice.js", "new ActiveXObject('WScript.Shell')")
    return output.getvalue()


FILE = archive()
ENCODED = base64.b64encode(FILE).decode()


@pytest.mark.parametrize(
    ("literal", "how"),
    [
        (f"atob('{ENCODED}')", "base64"),
        ("atob('" + "' +\n '".join(ENCODED[at : at + 40] for at in range(0, len(ENCODED), 40)) + "')", "base64"),
        (f'"{FILE.hex()}"', "hexadecimal"),
        ('"' + "".join(f"\\x{octet:02x}" for octet in FILE) + '"', "hexadecimal"),
        ('unescape("' + "".join(f"%{octet:02X}" for octet in FILE) + '")', "hexadecimal"),
        ("[" + ", ".join(str(octet) for octet in FILE) + "]", "decimal"),
        (f'x" href="data:application/zip;base64,{ENCODED}', "base64"),
    ],
    ids=["base64", "base64 in pieces", "hex", "escaped hex", "percent", "decimal", "data link"],
)
@pytest.mark.parametrize("encoding", ["ascii", "utf-16"])
def test_a_hidden_file_comes_out(literal, how, encoding):
    """Every way of writing it is undone, in UTF-16 pages as well."""
    page = f"<html><script>var a = {literal};</script></html>".encode(encoding)
    found = list(unpack(page, Budget()))
    assert found == [Oddity("html:hidden-file", f"{how}: application/zip"), Member("html:blob", FILE)]


@pytest.mark.parametrize(
    "page",
    [
        b"<html><script></script><img src='data:image/png;base64,"
        + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(300))
        + b"'></html>",
        b"<html><script>var token='" + b"Zm9v" * 100 + b"'</script></html>",
        b"<html><script>[" + b"999," * 300 + b"1]</script></html>",
        b"<html>" + ENCODED.encode() + b"</html>",
    ],
    ids=["picture", "text token", "numbers that are no octets", "no script"],
)
def test_what_pages_carry_openly_is_left(page):
    """Pictures, tokens and numbers are no hidden files."""
    assert list(unpack(page, Budget())) == []


def test_a_hidden_file_beyond_the_budget_is_left_to_it():
    """What does not fit the budget is not decoded into memory twice."""
    page = f"<script>atob('{ENCODED}')</script>".encode()
    assert list(unpack(page, Budget(Limits(output=10)))) == []


def test_the_script_in_the_hidden_archive_is_found():
    """The whole way: page, literal, ZIP, script; each is a finding and ``via`` tells the way."""
    scan = scanned_file("invoice.html", f"<html><script>var a = atob('{ENCODED}');</script></html>".encode())
    assert {"executable", "html-smuggling"} <= {finding.check for finding in scan.findings}
    assert any(part.via == ("html:blob", "zip") for part in scan.parts)
