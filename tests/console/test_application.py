"""What every answer carries, pages in their three forms, and faults that tell nothing."""

import asyncio
import csv
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest
import sqlalchemy as sa
from tests.console.house import House, post, refuse, take

from counterfoil.console.application import THREADS
from counterfoil.console.shield import HEADERS
from counterfoil.gateway.store.tables import messages


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/messages.json", 200),
        ("/messages.csv", 200),
        ("/messages/nobody", 404),
        ("/static/console.css", 200),
        ("/static/console.js", 200),
        ("/static/%2e%2e/application.py", 404),
        ("/nowhere", 404),
        ("/log-in", 200),
        ("/log-out", 405),
        ("/messages/", 404),
    ],
)
def test_every_answer_carries_the_shield(house: House, path: str, status: int):
    """Pages, data, style, errors: no script inside a page, no frame around it, nothing kept."""
    answer = house.browser("chief").get(path)
    assert answer.status_code == status
    for name, value in HEADERS.items():
        if name == "cache-control" and path.startswith("/static/"):
            assert answer.headers[name] == "no-cache"
        else:
            assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "server" not in answer.headers


def test_pages_load_nothing_from_elsewhere_and_have_no_script_or_style_inside(house: House):
    """What the policy forbids is not there to begin with."""
    client = house.browser("chief")
    for path in ("/", "/messages", "/quarantine/acme-2", "/campaigns/spring", "/ledger", "/log-in"):
        page = client.get(path).text
        assert "http://" not in page
        assert "https://" not in page
        assert " style=" not in page
        assert " onclick" not in page
        assert page.count("<script") == 1
        assert '<script src="/static/console.js" defer></script>' in page


def test_json_and_csv_hold_the_same_rows(house: House):
    """A table has the same cells in each form; a page of several tables gives each by its name."""
    client = house.browser("chief")
    rows = client.get("/messages.json").json()["messages"]
    cells = list(csv.DictReader(io.StringIO(client.get("/messages.csv").text)))
    assert [row["id"] for row in rows] == [row["id"] for row in cells]
    assert {row["subject"] for row in rows} >= {"Invoice for acme", "Held for beta"}
    assert client.get("/overview.json").json()["mail"]
    answer = client.get("/ledger.csv", params={"table": "deeds"})
    assert answer.headers["content-disposition"] == 'attachment; filename="counterfoil.csv"'
    assert client.get("/ledger.csv", params={"table": "nothing"}).status_code == 404


def test_search(house: House):
    """Each field narrows; times may be a day, a minute or RFC 3339; nonsense is said to be so on the page."""
    client = house.browser("chief")

    def ids(**query: str) -> set[str]:
        return {row["id"] for row in client.get("/messages.json", params=query).json()["messages"]}

    assert ids(sender="acme-sender") == {"acme-1", "acme-2"}
    assert ids(recipient="TO@BETA", outcome="held") == {"beta-2"}
    assert ids(subject="invoice", tenant="acme") == {"acme-1"}
    assert ids(verdict="clean") == set()
    assert ids(until="2020-01-01") == set()
    assert len(ids(since="2020-01-01T00:00")) == len(ids(since="2020-01-01T00:00:00+01:00")) == len(ids())
    page = client.get("/messages", params={"since": "<yesterday>"}).text
    assert "&lt;yesterday&gt; is no time" in page
    assert "No message matches. Search less" in page


@pytest.mark.parametrize(("limit", "rows"), [("1", 1), ("2", 2), ("0", 1), ("-1", 4), ("²", 4), ("9" * 30, 4), ("", 4)])
def test_a_page_may_be_longer_or_shorter(house: House, limit: str, rows: int):
    """So many rows as are asked for, within bounds; a full page leads on to what is older, and no row twice."""
    client = house.browser("chief")
    query = {"limit": limit, "until": str(house.furnished)}
    found = client.get("/messages.json", params=query).json()["messages"]
    assert len(found) == rows
    page = client.get("/messages", params=query).text
    assert (">Older</a>" in page) is (rows < 4)
    if rows < 4:
        older = unescape(page.split('">Older</a>', 1)[0].rpartition('<a href="/messages')[2])
        after = client.get(f"/messages.json{older}").json()["messages"]
        assert not {row["id"] for row in found} & {row["id"] for row in after}


def test_a_fault_tells_nothing_of_itself(house: House, monkeypatch: pytest.MonkeyPatch):
    """The page says where to look; what broke is in the log alone."""
    client = house.browser("chief")

    def broken(*_args: object) -> None:
        raise ValueError("the secret of the house")

    monkeypatch.setattr(type(house.sources.books), "tenants", broken)
    answer = client.get("/tenants")
    assert answer.status_code == 500
    assert "secret of the house" not in answer.text
    assert "Something broke" in answer.text


def test_a_word_about_what_was_done_is_said_once(house: House):
    """It is on the next page and not on the one after."""
    client = house.browser("chief")
    assert post(client, "/quarantine/release").status_code == 303
    assert "Nothing was chosen." in client.get("/quarantine").text
    assert "Nothing was chosen." not in client.get("/quarantine").text


async def test_pages_that_hang_hold_up_neither_mail_nor_the_log_in(house: House, monkeypatch: pytest.MonkeyPatch):
    """More pages than there are threads wait for a database; a message is journaled meanwhile, and one may log in."""
    free, waiting = threading.Event(), threading.Semaphore(0)

    def hangs(*_args: object) -> list[object]:
        waiting.release()
        assert free.wait(60)
        return []

    monkeypatch.setattr(type(house.sources.books), "tenants", hangs)
    client = house.browser("chief")
    browsing = ThreadPoolExecutor(THREADS * 2)
    pages = [browsing.submit(client.get, "/tenants") for _ in range(THREADS * 2)]
    try:
        for _ in range(THREADS):
            assert await asyncio.to_thread(waiting.acquire, timeout=30)
        await take(house.state, "acme-meanwhile", "acme", subject="meanwhile", sender="a@b.test")
        assert house.state.stories.story("acme-meanwhile", "acme")["outcome"] == "handed-on"
        assert (await asyncio.to_thread(house.browser().get, "/log-in")).status_code == 200
        assert not any(page.done() for page in pages)
    finally:
        free.set()
    assert {page.result(60).status_code for page in pages} == {200}
    browsing.shutdown()


async def test_a_message_that_was_never_scanned_has_its_page(house: House):
    """Refused before its scan, or held with its report lost: the page says so, and not that nothing was found."""
    await refuse(house.state, "acme-refused", "acme")
    await take(house.state, "acme-lost", "acme", subject="lost", sender="a@lost.test", held=True)
    with house.state.ledger.engine.begin() as connection:
        connection.execute(sa.update(messages).where(messages.c.id == "acme-lost").values(report=None))
    client = house.browser("chief")
    for path in ("/messages/acme-refused", "/messages/acme-lost", "/quarantine/acme-lost"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.text.count("The message was not scanned") == 2
        assert "Nothing was found" not in answer.text
        assert "Nothing that was found" not in answer.text
        assert "Everything could be inspected" not in answer.text
        assert "Sender authentication" not in answer.text
    assert "554 5.7.1 too large" in client.get("/messages/acme-refused").text
    assert "Nothing was found" not in client.get("/messages/acme-1").text
