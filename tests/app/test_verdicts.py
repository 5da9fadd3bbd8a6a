"""Answers of earlier runs are kept, found by their window, and compared with by command."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.__main__ import main
from counterfoil.app import verdicts
from counterfoil.app.verdicts import Verdicts
from counterfoil.database import open_database
from counterfoil.ledger.ledger import open_ledger
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Unavailable

NOW = datetime(2026, 10, 5, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
TENANT = "11111111-1111-1111-1111-111111111111"
APP = "22222222-2222-2222-2222-222222222222"


def run(name, since=NOW, until=NOW + HOUR):
    """A snapshot of a run."""
    return {"since": since.isoformat(), "until": until.isoformat(), "as_of": None, "tenants": {}, "name": name}


def test_the_last_answer_about_this_time_is_found(tmp_path):
    """Of several runs the newest that was about some of the window; one about another time is passed over."""
    kept = Verdicts(tmp_path)
    assert kept.latest(NOW, NOW + HOUR) is None
    for hours, name, since in ((1, "first", NOW), (2, "second", NOW), (3, "another day", NOW + timedelta(days=1))):
        kept.keep(run(name, since, since + HOUR), NOW + timedelta(hours=hours))
    given, found = kept.latest(NOW, NOW + HOUR)

    assert (found["name"], given) == ("second", NOW + timedelta(hours=2))


def test_a_damaged_file_hides_no_other(tmp_path):
    """What cannot be read is passed over; the run before it is found."""
    kept = Verdicts(tmp_path)
    kept.keep(run("good"), NOW)
    for number, text in enumerate(("{", "{}", "[]", '{"given": "x", "run": {}}', '{"given": 1, "run": 2}')):
        (tmp_path / "verdicts" / f"2027-{number}.json").write_text(text)

    assert kept.latest(NOW, NOW + HOUR)[1]["name"] == "good"


def test_old_runs_go(tmp_path, monkeypatch):
    """So many are kept, the newest; nobody else may read them."""
    monkeypatch.setattr(verdicts, "RUNS", 3)
    for hours in range(5):
        Verdicts(tmp_path).keep(run(str(hours)), NOW + timedelta(hours=hours))
    files = sorted((tmp_path / "verdicts").glob("*.json"))

    assert [json.loads(path.read_text())["run"]["name"] for path in files] == ["2", "3", "4"]
    assert {path.stat().st_mode & 0o077 for path in files} == {0}


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    """A file in the way is an error that says what to do."""
    (tmp_path / "verdicts").write_text("in the way")
    with pytest.raises(Unavailable, match="the answer cannot be kept"):
        Verdicts(tmp_path).keep(run("x"), NOW)


@pytest.fixture
def house(tmp_path):
    """A data folder with a tenant and a call of ours, and logs in which the call is missing."""
    data = tmp_path / "data"
    data.mkdir()
    ledger = open_ledger(open_database(data / "counterfoil.db"), data)
    ledger.append(stub_at("tenant", NOW, TENANT, name="Contoso", connected=True, roles=["Mail.Read"]))
    credential = {"app": APP, "thumbprint_sha1": "B45A29F60A83B210302B174E58386EFBB612EAA1", "state": "current"}
    ledger.append(stub_at("credential", NOW, TENANT, **credential))
    ledger.append(stub_at("call", NOW, TENANT, app=APP, client_request_id="c1", job="j1", method="GET"))
    ledger.close()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "note.txt").write_text("nothing yet")
    return tmp_path


def answered(house, capsys, *words):
    """Reconcile; the JSON answer, or the text without ``--json``."""
    window = ("--since", "2026-10-05T09:00:00Z", "--until", "2026-10-05T10:00:00Z")
    main(["reconcile", "--ledger", str(house / "data"), "--logs", str(house / "logs"), *window, *words])
    printed = capsys.readouterr()
    return json.loads(printed.out) if "--json" in words else printed.out


def stolen(house):
    """A sign-in with our certificate arrives in the logs."""
    row = {"id": "9f3b6c1e-5d2a-4c77-8e10-4b7a2c9d1e00", "createdDateTime": "2026-10-05T09:30:00Z", "appId": APP,
           "resourceTenantId": TENANT, "signInEventTypes": ["servicePrincipal"], "status": {"errorCode": 0},
           "servicePrincipalCredentialThumbprint": "B45A29F60A83B210302B174E58386EFBB612EAA1"}  # fmt: skip
    (house / "logs" / "signins.json").write_text(json.dumps({"value": [row]}))


def test_by_command_the_second_answer_says_what_is_new(house, capsys):
    """Nothing to compare with at first; then the theft with its reason, in JSON, in the terminal and on the page."""
    first = answered(house, capsys, "--json")
    assert set(first) == {"summary", "tenants"}
    stolen(house)
    second = answered(house, capsys, "--json")
    (change,) = second["changes"]
    assert (change["name"], change["before"], change["after"]) == ("Contoso", "cannot-say", "touched")
    assert change["because"][0].startswith("found now: stolen-certificate by B45A29F60A83B210302B174E58386EFBB612EAA1")
    assert second["compared_with"].startswith("of 20")
    assert "Nothing changed since the answer of 20" in answered(house, capsys)


def test_by_command_an_answer_can_be_named(house, capsys):
    """``--against`` compares with that answer, on the page as well."""
    (house / "first.json").write_text(json.dumps(answered(house, capsys, "--json")))
    stolen(house)
    answered(house, capsys)
    page = house / "page.html"
    text = answered(house, capsys, "--against", str(house / "first.json"), "--report", str(page))

    assert "New since the answer in first.json" in text
    assert "Contoso: cannot-say before, touched now" in text
    assert "New since the answer in first.json" in page.read_text()
    assert main(["reconcile", "--stubs", "x", "--logs", str(house / "logs"), "--against", str(page)]) == 2
