"""Pages that move by themselves."""

import json
from collections.abc import Iterator

import httpx
import pytest
from tests.console.house import House, post

from counterfoil.console import application
from counterfoil.operators.roles import Grant, Role


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch):
    """Look again at once."""
    monkeypatch.setattr(application, "LOOK_AGAIN", 0.05)


def drawings(answer: httpx.Response) -> Iterator[str]:
    """Yield what is drawn anew."""
    for line in answer.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_a_hold_is_seen_on_an_open_page(house: House):
    """The stream draws the page as it is, and again once somebody holds the campaign."""
    client, other = house.browser("chief"), house.browser("custodian")
    with client.stream("GET", "/campaigns/spring/live") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        drawn = drawings(answer)
        assert ">running<" in next(drawn)
        post(other, "/campaigns/spring/hold", {"why": "a reason <here>"})
        after = next(drawn)
    post(other, "/campaigns/spring/resume", {"why": "done"})
    assert ">held<" in after
    assert "a reason &lt;here&gt;" in after


def test_a_stream_ends_with_the_account(house: House):
    """Somebody who is removed sees no more."""
    house.account("watcher", Grant(Role.VIEWER, "acme"))
    client = house.browser("watcher")
    with client.stream("GET", "/campaigns/spring/live") as answer:
        drawn = drawings(answer)
        assert "beta" not in next(drawn)
        house.sources.accounts.remove("watcher", house.now, "root")
        assert list(drawn) == []


def test_a_stream_ends_with_the_role(house: House):
    """A role that is taken ends what it opened."""
    house.account("changer", Grant(Role.VIEWER, "acme"))
    client = house.browser("changer")
    with client.stream("GET", "/campaigns/spring/live") as answer:
        drawn = drawings(answer)
        next(drawn)
        house.sources.accounts.take("changer", Grant(Role.VIEWER, "acme"), house.now, "root")
        assert list(drawn) == []


def test_streams_are_counted(house: House, monkeypatch: pytest.MonkeyPatch):
    """One session opens no more than so many."""
    monkeypatch.setattr(application, "STREAMS", 1)
    client = house.browser("chief")
    with client.stream("GET", "/campaigns/spring/live") as answer:
        drawn = drawings(answer)
        next(drawn)
        refused = client.get("/campaigns/spring/live")
    assert refused.status_code == 429
