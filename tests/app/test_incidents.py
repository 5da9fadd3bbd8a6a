"""How incidents open, whom they concern, and what is kept under hold."""

import json

import pytest
from tests.app.laboratory import place
from tests.incident.conftest import BY, entry

from counterfoil.app import connecting, exhibits, incidents, reporting
from counterfoil.app.campaigning import mark
from counterfoil.credential.collect import take_in
from counterfoil.credential.registry import find
from counterfoil.database import open_database
from counterfoil.incident.record import Origin, Status, Subject
from counterfoil.incident.store import Incidents
from counterfoil.ledger.ledger import open_ledger
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.trust import CredentialState
from counterfoil.tenant.permissions import needed
from counterfoil.tenant.token import TokenRefused, Tokens

MARK = "1E8E9FFC270FA9770114BCB88D85F863CE0159F6"


@pytest.fixture
def store(tmp_path):
    """Incidents over a ledger with an embedded key."""
    engine = open_database(tmp_path / "counterfoil.db")
    ledger = open_ledger(engine, tmp_path, interval=3600)
    yield Incidents(ledger)
    ledger.close()
    engine.dispose()


def written(tmp_path, document, name="in.json"):
    """A file of JSON."""
    path = tmp_path / name
    path.write_text(json.dumps(document))
    return path


def test_a_report_from_outside_opens_an_incident_and_is_kept(store, tmp_path):
    """Thumbprint in any spelling, addresses and times are in the record; the file is under hold."""
    told = {"thumbprints": [MARK.lower()], "addresses": ["203.0.113.9"], "first": "2026-11-24T04:00:00+01:00"}
    incident = reporting.open_by_report(store, tmp_path, "leak", written(tmp_path, told), BY)
    assert (incident.origin, incident.subject) == (Origin.REPORT, Subject((MARK,)))
    assert any("203.0.113.9" in e.said.words and "2026-11-24T03:00:00Z" in e.said.words for e in incident.entries)
    assert [e.name for e in incident.exhibits] == ["in.json"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "no JSON object"),
        ({}, "names no thumbprint"),
        ({"thumbprints": "x"}, "thumbprints in the report is no list"),
        ({"thumbprints": ["zz"]}, "thumbprint 1 in the report is none: 'zz'"),
        ({"thumbprints": [MARK], "addresses": ["home"]}, "address 1 in the report is none: 'home'"),
        ({"thumbprints": [MARK], "first": "yesterday"}, "first in the report is no time"),
        ({"thumbprints": [MARK], "words": "x" * 5000}, "words in the report is no text"),
    ],
)
def test_a_report_that_is_none_opens_nothing(store, tmp_path, document, words):
    """Each defect is named, and nothing is left behind."""
    with pytest.raises(Refused, match=words):
        reporting.open_by_report(store, tmp_path, "leak", written(tmp_path, document), BY)
    assert store.all() == []


def test_an_answer_with_a_theft_opens_and_one_with_a_failed_use_asks_for_a_review(store, tmp_path):
    """The status says which; a clean answer opens nothing."""
    failed = entry("t1", "x", "clean")
    failed["discrepancies"] = [{**entry("t1")["discrepancies"][0], "kind": "attempted"}]
    some = {
        "theft": entry("t1"),
        "failed": failed,
    }
    found = {
        name: incidents.open_by_answer(store, tmp_path, name, written(tmp_path, {"tenants": [one]}), BY)
        for name, one in some.items()
    }
    assert {name: i.status for name, i in found.items()} == {"theft": Status.OPEN, "failed": Status.REVIEW}
    assert {name: i.origin for name, i in found.items()} == {"theft": Origin.FINDING, "failed": Origin.REVIEW}
    clean = written(tmp_path, {"tenants": [entry("t1", "x", "clean")]})
    with pytest.raises(Refused, match="nothing to open an incident for"):
        incidents.open_by_answer(store, tmp_path, "none", clean, BY)


def test_evidence_under_hold_is_a_copy_and_its_change_is_found(store, tmp_path):
    """The original may go; the copy is read-only, named by its hash, and a changed one is named."""
    incidents.open_by_hand(store, "leak", Subject((MARK,)), "", BY)
    original = written(tmp_path, {"a": 1}, "log.json")
    exhibits.hold(store, tmp_path, "leak", [original, original], BY)
    original.unlink()
    incident = store.one("leak")
    assert len(incident.exhibits) == 1
    assert exhibits.damaged(tmp_path, incident) == []
    kept = exhibits.evidence_folder(tmp_path, incident.reference) / incident.exhibits[0].sha256
    assert kept.stat().st_mode & 0o777 == 0o400
    kept.chmod(0o600)
    kept.write_text("{}")
    assert exhibits.damaged(tmp_path, incident) == ["log.json"]
    with pytest.raises(Misconfigured, match="there is no such file"):
        exhibits.hold(store, tmp_path, "leak", [original], BY)


def test_a_subject_that_is_on_no_connection_of_ours_is_a_review(store):
    """A mistyped thumbprint opens nothing that anybody would take for a theft in the works."""
    incident = incidents.open_by_hand(store, "leak", Subject((MARK,)), "Microsoft called", BY)
    assert (incident.status, incident.origin) == (Status.REVIEW, Origin.OPERATOR)
    assert incident.entries[0].said.words == (
        "opened by hand, about what is on no connection of ours now: Microsoft called"
    )


def test_an_incident_without_a_subject_is_refused(store):
    """Nothing can be contained, scoped or told about nothing."""
    with pytest.raises(Refused, match="needs a subject"):
        incidents.open_by_hand(store, "leak", Subject(), "", BY)


@pytest.fixture
def at(tmp_path):
    """A laboratory with two connections that do different things."""
    with place(tmp_path) as made:
        made.mail = made.register("one", "mail", ["Mail.ReadWrite"])
        made.logs = made.register("two", "logs", [*needed(("watch",))])
        for connection in (made.mail, made.logs):
            made.connect(connection)
        yield made


def test_a_subject_finds_the_connections_that_it_opens(at):
    """By either thumbprint, by key store, by product; another product's connection is not concerned."""
    ledger = at.books.ledger
    current = at.books.connections.current(at.mail)
    tenants = [at.mail.tenant_id, at.logs.tenant_id]
    for subject, wanted in (
        (Subject((current.thumbprint_sha1,)), tenants[:1]),
        (Subject((current.thumbprint_sha256,)), tenants[:1]),
        (Subject(key_stores=("file:",)), tenants),
        (Subject(key_stores=("pkcs11:",)), []),
        (Subject(products=("remediate",)), tenants[:1]),
        (Subject(products=("watch",)), tenants[1:]),
        (Subject(), []),
    ):
        found = [one.connection.tenant_id for one in incidents.concerned(ledger, subject)]
        assert sorted(found) == sorted(wanted)


def test_a_replayed_token_makes_its_certificate_the_subject(at, tmp_path):
    """Whoever has a token of ours may have the key: the certificate that won it is what the incident is about."""
    current = at.books.connections.current(at.mail)
    tokens = Tokens(at.mail, current, at.books.through.for_use, at.books.means)
    won = tokens.fresh("https://graph.microsoft.com", at.books.new_job("heartbeat", ""))
    replayed = entry(at.mail.tenant_id)
    replayed["discrepancies"][0]["kind"] = "replayed-token"
    replayed["discrepancies"][0]["evidence"][0] |= {"uti": won.uti, "subject": f"uti {won.uti}"}
    path = written(tmp_path, {"tenants": [replayed]})
    incident = incidents.open_by_answer(Incidents(at.books.ledger), tmp_path, "leak", path, BY)
    assert incident.subject == Subject((current.thumbprint_sha256,))


def test_a_standby_key_that_signs_is_an_alarm_and_opens_an_incident_once(at):
    """The signer marks the stub; watch finds it, and the second time it belongs to the first incident."""
    store = Incidents(at.books.ledger)
    assert incidents.alarms(store) == []
    stub = at.books.custodian.certificate(at.mail.tenant_id, at.mail.app, 2, 30, standby=True)
    take_in(at.books.ledger, stub)
    mark(at.books, f"{at.mail.tenant_id}/{at.mail.app}/2", CredentialState.STANDBY)
    standby = find(at.books.ledger.engine, f"{at.mail.tenant_id}/{at.mail.app}/2")
    tokens = Tokens(at.mail, standby, at.books.through.for_use, at.books.means)
    with pytest.raises(TokenRefused, match="700027"):
        tokens.fresh("https://graph.microsoft.com", at.books.new_job("verify", ""))
    (alarm,) = incidents.alarms(store)
    assert (alarm.what, alarm.thumbprint, alarm.incident) == ("standby-used", standby.thumbprint_sha256, None)
    incident = incidents.open_by_alarm(store, "canary", alarm, BY)
    assert incident.subject == Subject((standby.thumbprint_sha256,))
    (again,) = incidents.alarms(store)
    assert again.incident == "canary"
    with pytest.raises(Refused, match="belongs to canary already"):
        incidents.open_by_alarm(store, "other", again, BY)


def test_a_standby_key_that_logs_show_in_use_is_told_as_one(at, tmp_path):
    """Nobody of us uses it, so even a use that failed says that its key store was read; the logs decide on the rest."""
    stub = at.books.custodian.certificate(at.mail.tenant_id, at.mail.app, 2, 30, standby=True)
    take_in(at.books.ledger, stub)
    name = f"{at.mail.tenant_id}/{at.mail.app}/2"
    mark(at.books, name, CredentialState.STANDBY)
    tried = entry(at.mail.tenant_id, state="clean")
    tried["discrepancies"] = entry(at.mail.tenant_id)["discrepancies"]
    tried["discrepancies"][0]["kind"] = "attempted"
    used = find(at.books.ledger.engine, name).thumbprint_sha1
    tried["discrepancies"][0]["evidence"][0] |= {"subject": used, "success": False}
    path = written(tmp_path, {"tenants": [tried]})
    incident = incidents.open_by_answer(Incidents(at.books.ledger), tmp_path, "canary", path, BY)
    assert (incident.status, incident.origin) == (Status.REVIEW, Origin.REVIEW)
    assert f"a standby key that nobody uses is among what was used: {name}" in incident.entries[0].said.words


def test_a_failed_sign_in_with_a_retired_key_asks_for_a_review_about_that_key(at, tmp_path):
    """It touches nobody, since it can be faked; the retired certificate is what the review is about."""
    current = at.books.connections.current(at.mail)
    connecting.leave(at.books, at.mail, "ada")
    assert find(at.books.ledger.engine, f"{current.tenant}/{current.app}/1").state is CredentialState.RETIRED
    tried = entry(at.mail.tenant_id, state="clean")
    tried["discrepancies"] = entry(at.mail.tenant_id)["discrepancies"]
    tried["discrepancies"][0]["kind"] = "attempted"
    tried["discrepancies"][0]["evidence"][0] |= {"subject": current.thumbprint_sha1, "success": False}
    path = written(tmp_path, {"tenants": [tried]})
    incident = incidents.open_by_answer(Incidents(at.books.ledger), tmp_path, "review", path, BY)
    assert (incident.status, incident.subject) == (Status.REVIEW, Subject((current.thumbprint_sha256,)))
    assert "uses that failed or are unexplained in 1 tenant" in incident.entries[0].said.words


def test_the_files_that_an_answer_cites_are_kept_and_the_others_are_not(store, tmp_path):
    """By the names that the answer uses; what is missing is named, and an archive stands for what lies in it."""
    logs = tmp_path / "logs"
    for name in ("exports/somebody-else/signins.json", "exports/other.json"):
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / name).write_text(name)
    second = entry("t2")
    second["discrepancies"][0]["evidence"][0]["file"] = "week.zip/audit.json"
    path = written(tmp_path, {"tenants": [entry("t1"), second]})
    incident = incidents.open_by_answer(store, tmp_path, "leak", path, BY, logs=[logs])
    assert [exhibit.name for exhibit in incident.exhibits] == ["in.json", "exports/somebody-else/signins.json"]
    assert incident.cited == ["week.zip/audit.json"]
    (tmp_path / "week.zip").write_bytes(b"PK")
    exhibits.hold(store, tmp_path, "leak", [tmp_path / "week.zip"], BY)
    assert store.one("leak").cited == []


def test_evidence_outlives_its_original(store, tmp_path):
    """Octets that are no file, such as a message in quarantine, are kept as they are, read-only, and found whole."""
    incidents.open_by_hand(store, "leak", Subject((MARK,)), "", BY)
    exhibits.hold_octets(store, tmp_path, "leak", BY, file_name="m-1.eml", octets=b"raw \xff")
    incident = store.one("leak")
    kept = exhibits.evidence_folder(tmp_path, incident.reference) / incident.exhibits[0].sha256
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (b"raw \xff", 0o400)
    assert exhibits.damaged(tmp_path, incident) == []
