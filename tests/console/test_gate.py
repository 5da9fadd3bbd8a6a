"""Log-in, log-out, sessions, and forms that are not ours."""

import httpx
import pytest
from tests.console.house import WORDS, House, log_in, post, token

from counterfoil import clock
from counterfoil.console.gate import COOKIE
from counterfoil.console.throttle import PER_ADDRESS
from counterfoil.model.errors import Unavailable
from counterfoil.operators.roles import Grant, Role


@pytest.fixture(autouse=True)
def rested(house: House):
    """Every test begins as if nobody had tried to log in."""
    house.server.gate.throttle.__init__()
    yield
    house.server.gate.throttle.__init__()


def test_logging_in_and_out(house: House):
    """The cookie is the browser's alone; after the log-out it opens nothing; both are in the ledger."""
    client = house.browser()
    assert client.get("/").headers["location"] == "/log-in"
    answer = log_in(client, "chief")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith(f"{COOKIE}="))
    assert cookie.startswith("__Host-")
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)
    kept = client.cookies[COOKIE]
    assert client.get("/").status_code == 200
    assert post(client, "/log-out").headers["location"] == "/log-in"
    client.cookies.set(COOKIE, kept, domain="127.0.0.1")
    assert client.get("/").status_code == 303
    deeds = [(actor, action) for actor, action, _ in house.actions()]
    assert ("console:chief", "log-in") in deeds
    assert ("console:chief", "log-out") in deeds


@pytest.mark.parametrize(
    ("name", "password"), [("chief", "not the password"), ("nobody", WORDS), ("", ""), ("chief", "")]
)
def test_a_wrong_log_in_says_the_same_of_all(house: House, name: str, password: str):
    """No answer tells whether there is such an account, and no session begins."""
    client = house.browser()
    answer = log_in(client, name, password)
    assert answer.status_code == 403
    assert "The name or the password is not right." in answer.text
    assert COOKIE not in client.cookies


def test_a_refused_log_in_is_in_the_ledger_under_accounts_that_are_there(house: House):
    """A name that is nobody's may be a password in the wrong field: it is written nowhere."""
    client = house.browser()
    log_in(client, "my secret password", "x")
    log_in(client, "custodian", "x")
    client.get("/log-in")
    for _ in range(50):
        if ("console", "log-in-refused", "custodian") in house.actions():
            break
        clock.sleep(0.1)
    assert ("console", "log-in-refused", "custodian") in house.actions()
    assert b"my secret password" not in b"".join(row.octets or b"" for row in house.state.ledger.stubs())


def test_too_many_tries_must_wait(house: House):
    """After so many from one address even the right password waits; a header that claims another does not help."""
    client = house.browser()
    for number in range(PER_ADDRESS):
        client.headers["x-forwarded-for"] = f"198.51.100.{number}"
        assert log_in(client, "acme-viewer", "wrong").status_code == 403
    answer = log_in(client, "acme-viewer")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900
    assert "Too many tries" in answer.text
    assert COOKIE not in client.cookies


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:1"},
    ],
)
def test_forms_from_elsewhere_do_nothing(house: House, headers: dict[str, str]):
    """Even with the right token: the browser says that they are not from our page."""
    client = house.browser("chief")
    form = token(client.get("/").text)
    answer = client.post("/ledger/verify", data={"csrf": form}, headers=headers)
    assert answer.status_code == 403
    assert "was not one of ours" in answer.text
    again = house.browser()
    wrong = token(again.get("/log-in").text, "token")
    data = {"token": wrong, "name": "chief", "password": WORDS}
    assert again.post("/log-in", data=data, headers=headers).status_code == 403


@pytest.mark.parametrize("form", [{}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": "é\ud7ff"}])
def test_forms_without_the_sessions_own_token_do_nothing(house: House, form: dict[str, str]):
    """Neither without one, nor with another; another session's does not do either."""
    client, other = house.browser("chief"), house.browser("chief")
    for data in (form, {"csrf": token(other.get("/").text)}):
        answer = client.post("/quarantine/release", data={**data, "id": "acme-2"})
        assert answer.status_code == 403
    assert house.state.stories.story("acme-2", "acme")["wanted_by"] is None


def test_a_log_in_needs_its_own_form(house: House):
    """A form that another site made a browser send logs nobody in (log-in CSRF)."""
    client = house.browser()
    client.get("/log-in")
    for data in ({"name": "chief", "password": WORDS}, {"token": "x" * 43, "name": "chief", "password": WORDS}):
        assert client.post("/log-in", data=data).status_code == 403
    assert COOKIE not in client.cookies


@pytest.mark.parametrize(
    ("to", "where"),
    [
        ("/quarantine/acme-2", "/quarantine/acme-2"),
        ("/messages?sender=a%40b&verdict=clean", "/messages?sender=a%40b&verdict=clean"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/%0d%0aSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nb", "/"),
        ("", "/"),
    ],
)
def test_after_the_log_in_one_stays_with_us(house: House, to: str, where: str):
    """A link to a page of ours leads there; whatever else it says leads to the first page."""
    assert log_in(house.browser(), "chief", to=to).headers["location"] == where


def test_a_link_survives_the_log_in(house: House):
    """Who opens a link without a session gets to its page once logged in."""
    client = house.browser()
    there = client.get("/messages?sender=a%2Bb%40c&verdict=held").headers["location"]
    assert there.startswith("/log-in?next=")
    page = client.get(there).text
    assert 'name="next" value="/messages?sender=a%2Bb%40c&amp;verdict=held"' in page


def test_programs_are_told_and_not_sent_away(house: House):
    """JSON, CSV, live pages and deeds answer 401 without a session."""
    client = house.browser()
    for path in ("/messages.json", "/messages.csv", "/campaigns/spring/live"):
        assert client.get(path).status_code == 401
    assert client.post("/ledger/verify").status_code == 401


def test_a_session_that_the_browser_brought_never_becomes_ours(house: House):
    """Session fixation: the token before the log-in is not the one after it."""
    client = house.browser()
    client.cookies.set(COOKIE, "chosen-by-somebody-else", domain="127.0.0.1", path="/")
    assert log_in(client, "chief").status_code == 303
    thief = house.browser()
    thief.cookies.set(COOKIE, "chosen-by-somebody-else", domain="127.0.0.1", path="/")
    assert thief.get("/").status_code == 303


def test_a_new_password_or_a_removed_account_ends_its_sessions(house: House):
    """From the very next request on."""
    accounts = house.sources.accounts
    house.account("leaver", Grant(Role.VIEWER, None))
    client = house.browser("leaver")
    accounts.set_password("leaver", "another four odd words", house.now, "root")
    assert client.get("/").status_code == 303
    client = house.browser("leaver", password="another four odd words")
    accounts.remove("leaver", house.now, "root")
    assert client.get("/").status_code == 303


def test_a_role_that_is_taken_is_gone_from_the_next_page_on(house: House):
    """The account is looked up for each request."""
    house.account("mover", Grant(Role.VIEWER, "acme"))
    client = house.browser("mover")
    assert client.get("/messages").status_code == 200
    house.sources.accounts.take("mover", Grant(Role.VIEWER, "acme"), house.now, "root")
    assert client.get("/messages").status_code == 403


def test_without_its_stub_nobody_gets_in(house: House, monkeypatch: pytest.MonkeyPatch):
    """Where the ledger cannot be written no session begins, and the answer says so."""

    def full(*_args: object, **_more: object) -> None:
        raise Unavailable("the disk is full", "make room")

    monkeypatch.setattr(type(house.sources.accounts), "note", full)
    client = house.browser()
    answer = log_in(client, "chief")
    assert (answer.status_code, answer.text) == (503, "Not now: the disk is full\n")
    assert COOKIE not in client.cookies


def test_forms_are_bounded(house: House):
    """A large form, another type and nonsense are refused before anything is done with them."""
    client: httpx.Client = house.browser("chief")
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/quarantine/release", content=b"a=" + b"b" * 70_000, headers=kind).status_code == 413
    assert client.post("/quarantine/release", json={"csrf": "x"}).status_code == 415
    assert client.post("/quarantine/release", content=b"csrf=\xff\xfe", headers=kind).status_code == 400
    assert client.post("/quarantine/release", content=b"a&" * 1500, headers=kind).status_code == 400
    assert client.post("/log-in", content=b"a=" + b"b" * 70_000, headers=kind).status_code == 413
