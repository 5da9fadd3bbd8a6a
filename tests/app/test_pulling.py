"""Pulling a tenant's logs: resumable, each record once, every refusal a state that is shown."""

import json
from collections import Counter

import pytest
from tests.app.laboratory import place

from counterfoil import clock
from counterfoil.app.pulling import EVIDENCE, LATE, Pull, pull, pulls
from counterfoil.app.standing import Standings
from counterfoil.cli.state import operator
from counterfoil.model.errors import Unavailable
from counterfoil.tenant.door import Door
from counterfoil.tenant.mail import Mail
from counterfoil.tenant.token import Tokens

WATCHES = ["AuditLog.Read.All", "ActivityFeed.Read", "Mail.Read"]


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """One laboratory whose blobs of audit are small, and a pause that is short."""
    with place(tmp_path_factory.mktemp("pulling"), blob_seconds=0.2) as made:
        yield made


def connected(at, name, roles=WATCHES):
    """A connected tenant with one mailbox of its own."""
    connection = at.register(name, "mail", roles)
    at.lab.add_mailbox(connection.tenant_id, f"alice@{name}.example")
    at.connect(connection)
    return connection


def read_one(at, connection):
    """Read one fresh message through the door."""
    address = f"alice@{connection.tenant}.example"
    at.put_mail(connection.tenant_id, address, f"m{clock.now():%H%M%S%f}")
    current = at.books.connections.current(connection)
    door = Door(Tokens(connection, current, at.books.through.for_use, at.books.means))
    Mail(door).heartbeat(address, at.books.new_job("heartbeat", connection.tenant), set())


def pulled(at, connection):
    """Pull now, and return the states by log."""
    return {log: standing.state for log, standing in pull(at.books, connection, at.data, clock.now()).items()}


def records(at, connection, log):
    """Every record that lies in the evidence folder of one log."""
    found = []
    for path in (at.data / EVIDENCE / connection.tenant_id / log).glob("*.json"):
        document = json.loads(path.read_bytes())
        found += document["value"] if isinstance(document, dict) else document
    return found


def test_two_pulls_bring_each_record_once(at):
    """The second pull overlaps the first, brings what is new, and repeats nothing in the folder."""
    connection = connected(at, "one")
    read_one(at, connection)
    at.books.means.pause(0.5)
    assert pulled(at, connection) == {"sign-ins": "good", "directory-audit": "good", "mailbox-audit": "good"}
    first = {row["id"] for row in records(at, connection, "sign-ins")}
    assert first
    assert pulled(at, connection)["sign-ins"] == "good"
    second = Counter(row["id"] for row in records(at, connection, "sign-ins"))
    assert first < set(second), "the pulls themselves signed in"
    assert set(second.values()) == {1}


def test_how_far_it_got_survives_a_failure(at):
    """A throttled pull keeps the mark of the last good one, so nothing between them is left out."""
    connection = connected(at, "two")
    pulled(at, connection)
    before = Standings(at.data).of(connection).duties["sign-ins"]
    at.lab.set(connection.tenant_id, throttle_share=1.0)
    assert pulled(at, connection)["sign-ins"] == "throttled"
    after = Standings(at.data).of(connection).duties["sign-ins"]
    assert after.until == before.until
    assert after.at > before.at


def test_a_pull_that_breaks_goes_on_from_its_last_good_step(at, monkeypatch):
    """A first pull reaches back a week in steps of a day; broken at the third, it goes on from the second's end."""
    connection = connected(at, "steps")
    report, seen = Pull.report, []

    def breaking(one, log, since, until):
        seen.append((log, since, until))
        if log == "sign-ins" and len(seen) == 3:
            raise Unavailable("the line went down")
        return report(one, log, since, until)

    with monkeypatch.context() as broken:
        broken.setattr(Pull, "report", breaking)
        assert pulled(at, connection)["sign-ins"] == "unavailable"
        done = [entry for entry in seen if entry[0] == "sign-ins"]
        assert len(done) == 3
        assert Standings(at.data).of(connection).duties["sign-ins"].until == done[1][2]
        seen[:] = [("", None, None)] * 3
        assert pulled(at, connection)["sign-ins"] == "good"
        again = next(since for log, since, _ in seen[3:] if log == "sign-ins")
    assert again == done[1][2] - LATE


def test_a_tenant_without_a_licence_is_a_state_and_a_page(at):
    """The refusal is kept as the page that said it, which reconcile reads; other logs are pulled all the same."""
    connection = connected(at, "three")
    at.lab.operate("set_licensed", tenant=connection.tenant_id, licensed=False)
    assert pulled(at, connection) == {"sign-ins": "unlicensed", "directory-audit": "good", "mailbox-audit": "good"}
    page = at.data / EVIDENCE / connection.tenant_id / "sign-ins" / "refused.json"
    assert "NonPremium" in page.read_text()
    at.lab.operate("set_licensed", tenant=connection.tenant_id, licensed=True)
    assert pulled(at, connection)["sign-ins"] == "good"
    assert not page.exists()


def test_only_what_was_granted_is_pulled(at):
    """A connection that reads mail only is asked for no logs; one of unknown roles is tried for all."""
    assert pulls(connected(at, "four", ["Mail.Read"])) == ()


def test_a_refusal_says_which_permission_lacks(at):
    """Roles that were promised and not granted show as refused, with what to do."""
    connection = connected(at, "five", ["Mail.Read"])
    told = type(connection)(**{f: getattr(connection, f) for f in connection.__slots__} | {"roles": None})
    found = pull(at.books, told, at.data, clock.now())
    assert {standing.state for standing in found.values()} == {"refused"}, found
    assert "permission" in found["sign-ins"].words


def test_pulled_logs_prove_what_we_did(at):
    """By command: pull, then status; both print every duty, and exit 0 while all is well."""
    connection = connected(at, "six")
    code, rows, _ = at.command("connection", "pull", "six")
    assert code == 0
    assert {row["duty"] for row in rows} == {"sign-ins", "directory-audit", "mailbox-audit"}
    asked = [row.stub.body for row in at.books.ledger.stubs(subject=f"{connection.tenant_id}/{connection.app}")]
    assert ("logs-pull", operator().who) in [(body["action"], body["actor"]) for body in asked]
    code, rows, _ = at.command("connection", "status", "six")
    assert (code, {row["state"] for row in rows}) == (0, {"good"})
    assert connection.tenant_id not in json.dumps(rows)


def test_batches_and_deltas_are_ours_in_every_log(at):
    """Whatever the door did, in a storm too, joins the tenant's own logs: pulled ones and those of a container."""
    connection = connected(at, "seven", [*WATCHES, "Mail.ReadWrite", "Application.Read.All"])
    address = "alice@seven.example"
    for number in range(7):
        at.put_mail(connection.tenant_id, address, f"seven-{number}")
    current = at.books.connections.current(connection)
    mail = Mail(Door(Tokens(connection, current, at.books.through.for_use, at.books.means)))
    at.lab.set(connection.tenant_id, throttle_share=0.2, timeout_share=0.2)
    job = at.books.new_job("remediate", "a storm")
    found = mail.changes(address, job).found
    assert set(mail.move_all(found, "deleteditems", job).values()) == {None}
    at.lab.set(connection.tenant_id, throttle_share=0.0, timeout_share=0.0)
    at.books.means.pause(0.5)
    assert set(pulled(at, connection).values()) == {"good"}
    container = at.data.parent / "container"
    at.lab.export(container, tenants=[connection.tenant_id], shapes=["storage"])
    at.config.write_text(at.config.read_text() + f'[evidence]\nstorage = "{container}"\n')
    code, answer, words = at.command("reconcile")
    assert code in {0, 3}, words
    (tenant,) = [entry for entry in answer["tenants"] if entry["tenant"] == connection.tenant_id]
    assert tenant["discrepancies"] == []
    assert tenant["state"] != "touched"
