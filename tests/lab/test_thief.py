"""The thief in the laboratory: what he does is in his journal, and leaves the rows that Microsoft's logs would have."""

import base64
import datetime as dt
import json
from datetime import timedelta

import pytest
from tests.lab.bench import MESSAGE, KeyPair

from counterfoil import clock
from counterfoil.lab.thief import ADDRESS, Thief


@pytest.fixture
def thief(running, tmp_path):
    """A thief who writes to a fresh journal."""
    places = running.endpoints
    with Thief(places.login, places.graph, places.ca, tmp_path / "journal.jsonl") as made:
        made.path = tmp_path / "journal.jsonl"
        yield made


def _journal(thief):
    return [json.loads(line) for line in thief.path.read_text().splitlines()]


def _done(thief):
    return [line for line in _journal(thief) if line["phase"] == "done"]


def _rows(running, joined, log):
    return [row["body"] for row in running.operate("rows", tenant=joined.tenant, log=log)]


def _fill(running, joined, count=3):
    for number in range(count):
        mime = base64.b64encode(MESSAGE.replace(b"m1@", f"m{number}@".encode())).decode()
        running.operate("add_message", address=joined.mailbox, mime=mime)


def test_a_copied_key_reads_changes_and_stays(running, joined, thief):
    """With the key alone he reads, moves, deletes, sends and plants a rule; each act has its row with his address."""
    _fill(running, joined)
    hold = thief.sign_in(joined.tenant, joined.app["app_id"], joined.pair.key_pem, joined.pair.pem)
    first, second, third = hold.read(joined.mailbox)
    assert hold.move(joined.mailbox, first)
    assert hold.delete(joined.mailbox, second)
    assert hold.delete(joined.mailbox, third, permanently=True)
    assert hold.send(joined.mailbox, joined.mailbox, "Invoice")
    assert hold.add_rule(joined.mailbox, "drop@evil.example")
    running.set(joined.tenant, bind_window_seconds=0.0)
    running.engine.ripen_rows()
    journal, activity, audit = _done(thief), _rows(running, joined, "activity"), _rows(running, joined, "audit")
    [sign_in] = _rows(running, joined, "signin")

    assert (sign_in["id"], sign_in["ipAddress"]) == (journal[0]["request_id"], ADDRESS)
    assert sign_in["correlationId"] == journal[0]["correlation_id"]
    assert [line["client_request_id"] for line in journal[1:]] == [row["clientRequestId"] for row in activity]
    assert [line["status"] for line in journal[1:]] == [row["responseStatusCode"] for row in activity]
    assert {row["ipAddress"] for row in activity} == {row["AppAccessContext"] and ADDRESS for row in audit} == {ADDRESS}
    assert sorted(row["Operation"] for row in audit) == [
        "HardDelete",
        "MailItemsAccessed",
        "Move",
        "New-InboxRule",
        "Send",
        "SoftDelete",
    ]
    read = {name for line in journal if line["action"] == "read" for name in line["message_ids"]}
    bind = next(row for row in audit if row["Operation"] == "MailItemsAccessed")
    assert {item["InternetMessageId"] for item in bind["Folders"][0]["FolderItems"]} == read
    assert read == {f"<m{number}@fabrikam.example>" for number in range(3)}


def test_the_fault_plan_says_whose_key_and_token_he_has(running, joined, thief, credential):
    """By seed a tenant's key or token is copied; with that loot he is in, and his journal says with which."""
    given = running.operate("apply_faults", seed=1, share=1.0, kinds=["copied-key", "copied-token"])[joined.tenant]
    loot = {
        "copied-key": lambda: thief.sign_in(joined.tenant, joined.app["app_id"], joined.pair.key_pem, joined.pair.pem),
        "copied-token": lambda: thief.replay(credential.get_token("https://graph.microsoft.com/.default").token),
    }
    for kind in given:
        loot[kind]().read(joined.mailbox)
    reads = [line for line in _done(thief) if line["action"] == "list"]
    assert [(line["by"], line["status"]) for line in reads] == [("key", 200), ("token", 200)]


def test_the_journal_is_written_before_the_act(running, joined, thief):
    """Each act has an intent line before its done line, with the same ids; a refusal is written too."""
    stranger = KeyPair("stranger", start=clock.now() - dt.timedelta(days=1))
    assert thief.sign_in(joined.tenant, joined.app["app_id"], stranger.key_pem, stranger.pem) is None
    intent, done = _journal(thief)

    assert (intent["phase"], done["phase"], done["ok"], done["error"]) == ("intent", "done", False, 700027)
    assert intent["correlation_id"] == done["correlation_id"]
    assert [row["id"] for row in _rows(running, joined, "signin")] == [done["request_id"]]


def test_a_copied_token_leaves_no_sign_in(running, joined, thief, credential):
    """A replayed token works from elsewhere under the same uti: rows of calls, and the sign-in is the victim's."""
    _fill(running, joined)
    token = credential.get_token("https://graph.microsoft.com/.default").token
    thief.replay(token).read(joined.mailbox)
    signed_in, activity = _rows(running, joined, "signin"), _rows(running, joined, "activity")

    assert [row["ipAddress"] for row in signed_in] == ["127.0.0.1"]
    assert {row["ipAddress"] for row in activity} == {ADDRESS}
    assert {line["uti"] for line in _done(thief)} == {row["signInActivityId"] for row in activity}


def test_his_own_key_outlives_the_eviction_of_the_copied_one(running, joined, thief):
    """He plants a key by addKey; when the copied key is removed he still gets in, until the list is replaced."""
    planted = KeyPair("planted", start=clock.now() - dt.timedelta(days=1))
    app, other = joined.app, KeyPair("new", start=clock.now() - dt.timedelta(days=1))
    hold = thief.sign_in(joined.tenant, app["app_id"], joined.pair.key_pem, joined.pair.pem)
    assert hold.add_key(app["object_id"], joined.pair.key_pem, planted.pem)
    running.operate("admin_set_keys", app_id=app["app_id"], certificates_pem=[other.pem, planted.pem])

    assert thief.sign_in(joined.tenant, app["app_id"], joined.pair.key_pem, joined.pair.pem) is None
    kept = thief.sign_in(joined.tenant, app["app_id"], planted.key_pem, planted.pem)
    running.operate("admin_set_keys", app_id=app["app_id"], certificates_pem=[other.pem])
    assert thief.sign_in(joined.tenant, app["app_id"], planted.key_pem, planted.pem) is None
    assert kept.works()
    assert hold.works()
    added = [row for row in _rows(running, joined, "directory") if row["actor"]["app_id"] == app["app_id"]]
    assert [row["activity"] for row in added] == ["Update application – Certificates and secrets management "]


def test_a_subscription_delivers_to_him_without_a_token(running, joined, thief, receiver):
    """A subscription of his goes on telling him of new mail when the key is gone."""
    hold = thief.sign_in(joined.tenant, joined.app["app_id"], joined.pair.key_pem, joined.pair.pem)
    until = (clock.now() + timedelta(hours=1)).isoformat()
    assert hold.subscribe(joined.mailbox, receiver.url, until)
    running.operate("admin_set_keys", app_id=joined.app["app_id"], certificates_pem=[])
    _fill(running, joined, 1)

    assert receiver.heard.wait(10)
    assert receiver.told[0]["value"][0]["tenantId"] == joined.tenant


def test_a_live_token_undoes_an_eviction(running, joined, thief):
    """With a role that may write, a token kept from before puts his key back and makes a secret besides."""
    app = running.add_application(
        joined.tenant, "Control", roles=["Application.ReadWrite.All"], certificates_pem=[joined.pair.pem]
    )
    hold = thief.sign_in(joined.tenant, app["app_id"], joined.pair.key_pem, joined.pair.pem)
    running.operate("admin_set_keys", app_id=app["app_id"], certificates_pem=[])
    assert thief.sign_in(joined.tenant, app["app_id"], joined.pair.key_pem, joined.pair.pem) is None

    assert hold.put_keys(app["object_id"], [joined.pair.pem])
    secret = hold.add_secret(app["object_id"])
    assert thief.sign_in(joined.tenant, app["app_id"], joined.pair.key_pem, joined.pair.pem)
    assert thief.sign_in_with_secret(joined.tenant, app["app_id"], secret)
    assert not hold.grant(app["service_principal"], "810c84a8-4a9e-49e6-bf7d-12d183f40d01")
    assert secret not in thief.path.read_text()
    assert [line["action"] for line in _done(thief)] == [
        "sign-in",
        "sign-in",
        "put-keys",
        "add-secret",
        "sign-in",
        "sign-in",
        "grant",
    ]
