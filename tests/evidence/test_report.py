"""The page: names with ids, nothing loaded, nothing run, no sideways scrolling on a telephone."""

import base64
import hashlib
import html
import json
import re
import subprocess

import pytest
from tests.conftest import require_program

from counterfoil.evidence.report import path, report, visible

TENANT = "11111111-1111-1111-1111-111111111111"
OTHER = "99999999-9999-9999-9999-999999999999"


@pytest.fixture
def page(case):
    """A theft with reading, a rule and a failed sign-in, as a page."""
    case.heartbeat().signin(7, "09:30:00", ipAddress="198.51.100.9")
    case.stubs[0]["name"] = "Contoso & Sons"
    case.access(7, "mia-9", ["<m2@contoso.example>"], "09:31:00")
    case.graph(
        7,
        "x",
        "req-8",
        "09:32:00",
        requestMethod="POST",
        requestUri="https://graph.microsoft.com/v1.0/users/alice@contoso.example/mailFolders/inbox/messageRules",
    )
    case.signin(8, "09:40:00", code=7000215, ipAddress="192.0.2.1")  # fmt: skip
    answer = case.answer()
    return report(answer.tenants, answer.document, answer.files, answer.window.since, answer.window.until)


def test_a_tenant_goes_by_its_name_with_the_id_beside_it(page):
    """The heading is the name that the stubs give, escaped, and the id stands next to it."""
    assert "<h2>Contoso &amp; Sons</h2>" in page
    assert f'<span class="id">{TENANT}</span>' in page


def test_what_it_did_stands_beside_what_it_could_have_done(page):
    """Both lists are there: one message read, and what the role allows."""
    text = re.sub(r"<[^>]+>", " ", page)

    assert re.search(r"What it did\s+read\s+1 message", text)
    assert re.search(r"What it could have done\s+Mail.ReadWrite\s*: read, change, move and delete every message", text)
    assert re.search(r"Left behind\s+inbox-rule", text)


def test_each_technique_shows_its_rows(page):
    """A technique opens to the records that support it."""
    assert re.search(r"T1114\.002</span> Email Collection: Remote Email Collection.*?mia-9", page, re.DOTALL)


def test_numbers_are_for_people(page):
    """No power of ten, no plural of one, no time with microseconds."""
    text = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)

    assert not re.search(r"\d[eE][+-]\d", text)
    assert "1 rows" not in text
    assert not re.search(r"\d\d:\d\d:\d\d\.\d", text)


def test_only_its_own_style_is_allowed_and_nothing_can_run(page):
    """The policy allows one style sheet by its hash; there is no attribute that it would have to allow besides."""
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert f"""content="default-src 'none'; style-src 'sha256-{digest}'\"""" in page
    assert not re.search(r"<[^>]+ (style|on\w+|src|srcset|action)=", page)
    assert not re.search(r"<(script|link|img|iframe|object|form)\b", page)
    assert re.findall(r' href="(?!#)', page) == []


def test_text_from_logs_stays_text():
    """Markup is escaped, and characters that turn the line around are shown as their numbers."""
    assert str(path("/a<b>/\u202ec")) == "/<wbr>a&lt;b&gt;/<wbr>\\u202ec"
    assert visible("a\x1b[2Jb\u2066") == "a\\u001b[2Jb\\u2066"


def test_those_with_nothing_to_show_are_counted(case):
    """Without a tenant to show there are the sums, and no timeline."""
    case.heartbeat().connect(OTHER, connected=False)
    answer = case.answer()
    text = report(answer.tenants, answer.document, answer.files, answer.window.since, answer.window.until)

    assert "0 touched by somebody else, 0 cannot be judged, 2 clean." in text
    assert "something to know" not in text
    assert "Close up" not in text
    assert TENANT not in text


def test_a_page_about_one_tenant_shows_it_even_if_it_is_clean(case):
    """A customer's own page says that it is clean, and what the logs can prove; there is nobody to count."""
    case.heartbeat()
    answer = case.answer()
    text = report(answer.tenants, answer.document, [], answer.window.since, answer.window.until)

    assert '<span class="pill">clean</span>' in text
    assert "What the logs can prove" in text
    assert "cannot be judged" not in text
    assert "As far as the logs can prove it, nobody but us used this connection." in text
    assert "hours that our own rows prove" in text


def test_a_log_that_is_not_needed_is_no_gap(case):
    """A connection that reads mail over Exchange alone needs no Graph log: the page shows no hole."""
    case.heartbeat().stubs[0]["roles"] = ["full_access_as_app"]
    case.calls.clear()
    case.stubs[-1] |= {"resource": "https://outlook.office365.com/EWS/Exchange.asmx", "method": "POST"}
    answer = case.answer()
    text = report(answer.tenants, answer.document, [], answer.window.since, answer.window.until)

    assert answer.document["tenants"][0]["state"] == "clean"
    assert "not needed with these permissions" in text
    assert '<rect class="hole" x' not in text


def test_a_log_in_which_a_call_of_ours_must_show_is_needed_whatever_the_roles_say(case):
    """The page asks for the logs that the answer asks for: a Graph call of ours lacks its row, and that is a hole."""
    case.heartbeat().stubs[0]["roles"] = ["full_access_as_app"]
    case.calls.clear()
    answer = case.answer()
    text = report(answer.tenants, answer.document, [], answer.window.since, answer.window.until)

    assert any(reason.startswith("graph-activity: ") for reason in answer.document["tenants"][0]["reasons"])
    assert "not needed with these permissions" not in text
    assert '<rect class="hole" x' in text


def test_a_theft_beside_the_window_of_a_clean_tenant_is_on_the_page(case):
    """Among many that are only counted, the one with something to know is named with it."""
    case.heartbeat().connect(OTHER, connected=False)
    case.signin(7, "08:30:00")
    answer = case.answer()
    text = report(answer.tenants, answer.document, answer.files, answer.window.since, answer.window.until)

    assert "Clean, with something to know" in text
    assert "outside the window" in text
    assert TENANT in text


def test_many_that_cannot_be_judged_are_told_by_their_reasons(case):
    """Two hundred tenants without a log are one section with every name in it, and not two hundred sections."""
    case.heartbeat()
    for number in range(200):
        case.connect(f"{number:08x}-0000-4000-8000-000000000000")
        case.stubs[-2]["name"] = f"customer {number}"
    answer = case.answer()
    text = report(answer.tenants, answer.document, answer.files, answer.window.since, answer.window.until)

    assert "<h3>200 tenants</h3>" in text
    assert text.count('<section class="card cannot-say"') == 1
    assert all(f"customer {number} <span" in text for number in range(200))
    assert len(text) < 100_000


MEASURE = """<!doctype html><body><iframe id="f" style="width:{width}px;height:900px;border:0" srcdoc="{page}"></iframe>
<pre id="out"></pre><script>
document.getElementById("f").addEventListener("load", () => {{
  const inside = document.getElementById("f").contentDocument;
  const small = [...inside.querySelectorAll("svg text")].filter(t => t.getBoundingClientRect().height &&
      parseFloat(inside.defaultView.getComputedStyle(t).fontSize) < 10).length;
  const marks = [...inside.querySelectorAll("circle.sure")].filter(c => c.getBoundingClientRect().width > 8).length;
  const cut = [...inside.querySelectorAll("td.word, td.when, .pill")]
      .filter(c => c.scrollWidth > c.clientWidth + 1).length;
  const wide = inside.documentElement.scrollWidth;
  document.getElementById("out").textContent = JSON.stringify({{wide, small, marks, cut,
      styled: inside.defaultView.getComputedStyle(inside.querySelector(".card")).borderTopWidth}});
}});</script>"""


@pytest.mark.parametrize("width", [400, 1280])
def test_a_browser_shows_it_whole(page, tmp_path, width):
    """In a real browser nothing is wider than the screen, no figure too small to read, and the style is let in."""
    require_program("chromium")
    opened = page.replace("<details>", "<details open>")
    (tmp_path / "measure.html").write_text(MEASURE.format(width=width, page=html.escape(opened)))
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND",
             f"--user-data-dir={tmp_path}/profile", f"--window-size={max(width, 500)},1000",
             "--virtual-time-budget=3000", "--dump-dom", f"file://{tmp_path}/measure.html"]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    measured = json.loads(html.unescape(re.search(r'<pre id="out">(.*?)</pre>', done.stdout)[1]))

    assert measured["wide"] <= width
    assert measured["small"] == 0
    assert measured["cut"] == 0
    assert measured["marks"] > 3
    assert measured["styled"] != "0px"
