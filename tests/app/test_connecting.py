"""Connecting a tenant: what real use shows, and what is said when it does not work."""

import base64
import json
import uuid
from dataclasses import replace

import pytest
from tests.app.laboratory import place
from tests.lab.bench import KeyPair

from counterfoil.app import connecting
from counterfoil.cli.state import operator
from counterfoil.credential.registry import find
from counterfoil.evidence.roles import required_sources
from counterfoil.evidence.uses import MAILBOX
from counterfoil.model.errors import Refused
from counterfoil.model.trust import CredentialState
from counterfoil.tenant import grants
from counterfoil.tenant.door import Ask, CallRefused, Door
from counterfoil.tenant.endpoints import GRAPH
from counterfoil.tenant.mail import Mail
from counterfoil.tenant.registration import Registration
from counterfoil.tenant.token import TokenRefused, Tokens


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """One laboratory for all tests of this file; each makes tenants of its own."""
    with place(tmp_path_factory.mktemp("connecting")) as made:
        yield made


def short(guid):
    """Spell a sign-in's id as the ``uti`` of its token."""
    return base64.urlsafe_b64encode(uuid.UUID(guid).bytes_le).rstrip(b"=").decode()


def stubs(at, *kinds):
    """The bodies of the stubs of some kinds, in order."""
    return [row.stub.body for row in at.books.ledger.stubs(kinds=frozenset(kinds))]


def test_a_connection_that_works_becomes_current(at):
    """Enter, upload, test: the roles are those that were granted, and the first credential is in use."""
    connection = at.register("alpha", "mail", ["Mail.Read", "Application.Read.All"])
    found = at.connect(connection)
    assert found.works
    assert (found.granted, found.missing, found.too_much) == (("Application.Read.All", "Mail.Read"), (), ())
    assert found.unknown == ()
    assert at.books.connections.current(connection).state is CredentialState.CURRENT


def test_the_control_application_is_told_apart_in_the_list(at, capsys):
    """Of the two connections of a tenant the list says which may write the credentials of the other, and what for."""
    mail = at.register("twain", "mail", ["Mail.Read"])
    control = at.register("twain", "control", ["Application.ReadWrite.OwnedBy"], tenant_id=mail.tenant_id)
    at.connect(mail)
    at.connect(control)
    code, out, words = at.here(capsys, "connection", "list", "--json")
    assert code == 0, words
    assert {row["app"]: row["control"] for row in json.loads(out) if row["tenant"] == "twain"} == {
        mail.app: False,
        control.app: True,
    }
    code, out, words = at.here(capsys, "connection", "list")
    assert code == 0, words
    shown = " ".join(out.split())
    code, out, _ = at.here(capsys, "connection", "test", "twain", "--product", "scan-internal", "--json")
    assert [(one["missing"], one["too_much"]) for one in json.loads(out)] == [([], [])] * 2, "each has what it is for"
    assert code == 0
    assert at.here(capsys, "connection", "test", "twain")[0] == 0, "no product named: what was entered"
    assert "may: Mail.Read reads: all mail of all mailboxes changes: nothing" in shown
    assert "reads: nothing changes: the applications that it owns, their credentials included" in shown


def test_what_is_missing_and_what_is_too_much_is_named(at):
    """Against what the products need, each difference is told."""
    connection = at.register("beta", "mail", ["Mail.ReadWrite"])
    found = at.connect(connection, wanted=("Mail.Read", "AuditLog.Read.All"))
    assert found.missing == ("AuditLog.Read.All", "Mail.Read")
    assert found.too_much == ("Mail.ReadWrite",)


def test_credentials_that_are_not_ours_are_named_wherever_they_are(at):
    """Secrets and certificates that somebody added, on the application and on its service principal, are shown."""
    connection = at.register("gamma", "mail", ["Application.Read.All"])
    at.connect(connection)
    wanted = set()
    for where, more in (("application", {}), ("service-principal", {"tenant": connection.tenant_id})):
        secret = at.lab.operate("admin_add_secret", app_id=connection.app, **more)
        at.lab.operate("admin_add_key", app_id=connection.app, certificate_pem=KeyPair("thief").pem, **more)
        wanted.add(f"secret {secret['key_id']} on the {where}")
    found = connecting.test(at.books, connection, connection.roles, "test")
    assert set(found.unknown) >= wanted
    others = set(found.unknown) - wanted
    assert {words.split()[0] for words in others} == {"certificate"}
    assert {words.rpartition(" ")[2] for words in others} == {"application", "service-principal"}


def test_a_role_of_another_service_is_too_much(at, capsys):
    """What the old shape had, everything in every mailbox over EWS, is found though no token for Graph shows it."""
    connection = at.register("iota", "mail", ["Mail.Read", "full_access_as_app", "ActivityFeed.Read"])
    found = at.connect(connection, wanted=("Mail.Read",))
    assert found.too_much == ("ActivityFeed.Read", "full_access_as_app")
    code, out, words = at.here(capsys, "connection", "test", "iota", "--product", "scan-internal", "--json")
    asked = [row.stub.body for row in at.books.ledger.stubs(subject=f"{connection.tenant_id}/{connection.app}")]
    assert ("connection-test", operator().who) in [(body["action"], body["actor"]) for body in asked]
    assert code == 1, words
    (answer,) = json.loads(out)
    assert answer["opens"]["full_access_as_app"]["changes"].startswith("everything in every mailbox")
    assert answer["opens"]["Mail.Read"] == {"reads": "all mail of all mailboxes", "changes": ""}
    _, out, _ = at.here(capsys, "connection", "test", "iota", "--product", "scan-internal")
    assert "too much: ActivityFeed.Read (reads: mailbox and directory audit; changes: nothing)\n" in out


def test_a_consent_that_no_token_shows_yet_is_too_much(at):
    """Consents are listed too: a token from before does not carry the role, the tenant's list names it."""
    connection = at.register("kappa", "mail", ["Application.Read.All"])
    at.connect(connection)
    tokens, job = tokens_of(at, connection), at.books.new_job("verify", "kappa")
    assert grants.by_use(tokens, job) == {"Application.Read.All"}
    at.lab.operate("consent", tenant=connection.tenant_id, app_id=connection.app, roles=["Mail.Send"])
    assert grants.by_use(tokens, job) == {"Application.Read.All"}
    listed = grants.by_listing(Registration(Door(tokens), connection), job)
    assert listed == {"Application.Read.All", "Mail.Send"}
    assert connecting.test(at.books, connection, connection.roles, "test").too_much == ("Mail.Send",)


def tokens_of(at, connection):
    """Tokens of a connection's current credential."""
    return Tokens(connection, at.books.connections.current(connection), at.books.through.for_use, at.books.means)


def roles_said(at, connection):
    """What the books say of a tenant's roles now, as a reconciliation reads them."""
    rows = at.books.ledger.stubs(kinds=frozenset({"tenant"}), tenant=connection.tenant_id)
    return [row.stub.body.get("roles") for row in rows][-1]


def test_the_books_know_the_roles_of_every_connection_of_a_tenant(at):
    """A control application entered last leaves mailbox audit required of a tenant whose mail another one reads."""
    mail = at.register("lambda", "mail", ["Mail.Read"])
    control = at.register("lambda", "control", ["Application.ReadWrite.OwnedBy"], tenant_id=mail.tenant_id)
    for connection in (mail, control):
        connecting.enter(at.books, connection, "test", 30, None)
    assert set(roles_said(at, mail)) == {"Mail.Read", "Application.ReadWrite.OwnedBy"}
    assert MAILBOX in required_sources(tuple(roles_said(at, mail)))


def test_more_than_was_entered_decides_which_logs_have_to_be_there(at):
    """Entered as one that reads logs, found to read mail: from then on mailbox audit is required."""
    connection = at.register("mu", "watch", ["AuditLog.Read.All", "Mail.Read"])
    connection = replace(connection, roles=("AuditLog.Read.All",))
    at.connect(connection)
    assert MAILBOX in required_sources(tuple(roles_said(at, connection)))
    count = len(stubs(at, "tenant"))
    assert at.books.connections.one(connection.tenant_id, connection.app).roles == ("AuditLog.Read.All",)
    unknown = replace(at.register("nu", "mail", ["Mail.Read"]), roles=None)
    at.connect(unknown, wanted=("Mail.Read",))
    assert roles_said(at, unknown) is None, "unknown requires all logs, and stays so"
    assert len(stubs(at, "tenant")) == count + 1


def test_the_key_id_is_written_down_once_it_is_known(at):
    """The tenant gives a certificate its keyId when it is uploaded; logs may name nothing else."""
    connection = at.register("xi", "mail", ["Application.Read.All"])
    at.connect(connection)
    [key] = at.lab.operate("credentials", app_id=connection.app)["keys"]
    assert find(at.books.ledger.engine, f"{connection.tenant_id}/{connection.app}/1").key_id == key["key_id"]
    said = [body for body in stubs(at, "credential") if body.get("key_id") == key["key_id"]]
    connecting.test(at.books, connection, connection.roles, "test")
    again = [body for body in stubs(at, "credential") if body.get("key_id") == key["key_id"]]
    assert len(said) == len(again) == 1


def test_before_the_certificate_is_uploaded_it_says_what_to_do(at):
    """A refusal is told in words with a hint, and nothing becomes current."""
    connection = at.register("delta", "mail", ["Mail.Read"])
    credential = connecting.enter(at.books, connection, "test", 30, None)
    found = connecting.test(at.books, connection, connection.roles, "test")
    assert not found.works
    assert "AADSTS700027" in found.words
    assert found.words.startswith("the token service refused: AADSTS700027: ")
    assert "not registered on application: The key was not found (thumbprint " in found.words
    assert len(found.words) < 320
    assert "counterfoil credential certificate" in str(found.hint)
    with pytest.raises(Refused, match="no current credential"):
        at.books.connections.current(connection)
    name = f"{credential.tenant}/{credential.app}/1"
    assert find(at.books.ledger.engine, name).state is CredentialState.STAGED


def test_every_token_and_every_call_has_its_stub_before_it(at):
    """The correlation id and each client-request-id of the tenant's own logs are in our ledger."""
    connection = at.register("epsilon", "mail", ["Mail.ReadWrite"])
    at.connect(connection)
    at.lab.add_mailbox(connection.tenant_id, "eve@epsilon.example")
    at.put_mail(connection.tenant_id, "eve@epsilon.example", "hello")
    tokens = tokens_of(at, connection)
    job = at.books.new_job("remediate", "m1")
    mail = Mail(Door(tokens))
    message = next(mail.list("eve@epsilon.example", job))
    assert b"Subject: hello" in mail.mime(message, job)
    moved = mail.move(message, "deleteditems", job)
    assert moved.id == message.id, "immutable ids survive a move"
    calls = [body for body in stubs(at, "call") if body["job"] == job.id]
    assert [(body["method"], body["effect"], body.get("status")) for body in calls] == [
        ("GET", "read", None), ("GET", "read", 200), ("GET", "read", None), ("GET", "read", 200),
        ("POST", "change", None), ("POST", "change", 201),
    ]  # fmt: skip
    assert len({body["client_request_id"] for body in calls}) == 3
    assert calls[-1]["message_ids"] == ["<hello@b.example>"]


def test_a_token_stub_is_unknown_before_it_is_issued(at):
    """For one jti there are two stubs, and both carry the correlation id that went out."""
    connection = at.register("zeta", "mail", ["Mail.Read"])
    at.connect(connection)
    mine = [body for body in stubs(at, "token") if body["app"] == connection.app]
    assert [body["outcome"] for body in mine] == ["unknown", "issued"] * 3, "one for each service"
    assert mine[0]["jti"] == mine[1]["jti"]
    assert mine[0]["correlation_id"] == mine[1]["correlation_id"]
    rows = at.lab.operate("rows", log="signin", tenant=connection.tenant_id)
    assert mine[0]["correlation_id"] in str(rows)
    assert mine[1]["uti"] in {short(row["body"]["id"]) for row in rows}


def test_a_refused_token_leaves_its_trace_id(at):
    """The stub of a refused request carries the error and the trace id, by which the log's row joins it."""
    connection = at.register("eta", "mail", ["Mail.Read"])
    at.connect(connection)
    at.lab.operate("admin_enable", tenant=connection.tenant_id, app_id=connection.app, enabled=False)
    tokens = tokens_of(at, connection)
    with pytest.raises(TokenRefused, match="disabled") as caught:
        tokens.fresh(GRAPH, at.books.new_job("heartbeat", ""))
    last = stubs(at, "token")[-1]
    assert (last["outcome"], last["error"]) == ("refused", "AADSTS7000112")
    assert last["request_id"] == caught.value.trace


def test_a_call_without_the_permission_is_refused_with_what_to_do(at):
    """Graph's 403 becomes a refusal with a hint."""
    connection = at.register("theta", "mail", ["Mail.Read"])
    at.connect(connection)
    tokens = tokens_of(at, connection)
    with pytest.raises(CallRefused, match="refused the call") as caught:
        Door(tokens).call(Ask("GET", "/v1.0/auditLogs/directoryAudits", "none"), at.books.new_job("inspect", ""))
    assert caught.value.status == 403
    assert "connection test" in caught.value.hint
