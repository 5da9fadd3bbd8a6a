"""Connecting a tenant: what real use shows, and what is said when it does not work."""

import base64
import uuid

import pytest
from tests.app.laboratory import place

from counterfoil.app import connecting
from counterfoil.credential.registry import find
from counterfoil.model.errors import Refused
from counterfoil.model.trust import CredentialState
from counterfoil.tenant.door import Ask, CallRefused, Door
from counterfoil.tenant.endpoints import GRAPH
from counterfoil.tenant.mail import Mail
from counterfoil.tenant.token import TokenRefused, Tokens


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """One laboratory for all tests of this file; each makes tenants of its own."""
    with place(tmp_path_factory.mktemp("connecting")) as made:
        yield made


def short(guid):
    """Spell a sign-in's id as the ``uti`` of its token (microsoft365.md 1.6)."""
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


def test_the_control_application_is_told_apart_in_the_list(at):
    """Of the two connections of a tenant the list says which may write the credentials of the other."""
    mail = at.register("twain", "mail", ["Mail.Read"])
    control = at.register("twain", "control", ["Application.ReadWrite.OwnedBy"], tenant_id=mail.tenant_id)
    at.connect(mail)
    at.connect(control)
    code, rows, words = at.command("connection", "list")
    assert code == 0, words
    assert {row["app"]: row["control"] for row in rows if row["tenant"] == "twain"} == {
        mail.app: False,
        control.app: True,
    }


def test_what_is_missing_and_what_is_too_much_is_named(at):
    """Against what the products need, each difference is told."""
    connection = at.register("beta", "mail", ["Mail.ReadWrite"])
    found = at.connect(connection, wanted=("Mail.Read", "AuditLog.Read.All"))
    assert found.missing == ("AuditLog.Read.All", "Mail.Read")
    assert found.too_much == ("Mail.ReadWrite",)


def test_a_credential_that_is_not_ours_is_named(at):
    """A secret that somebody added on the application is shown."""
    connection = at.register("gamma", "mail", ["Application.Read.All"])
    at.connect(connection)
    secret = at.lab.operate("admin_add_secret", app_id=connection.app)
    found = connecting.test(at.books, connection, connection.roles, "test")
    assert found.unknown == (f"secret {secret['key_id']} on the application",)


def test_before_the_certificate_is_uploaded_it_says_what_to_do(at):
    """A refusal is told in words with a hint, and nothing becomes current."""
    connection = at.register("delta", "mail", ["Mail.Read"])
    credential = connecting.enter(at.books, connection, "test", 30, None)
    found = connecting.test(at.books, connection, connection.roles, "test")
    assert not found.works
    assert "AADSTS700027" in found.words
    assert "publish the credential again" in found.words
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
    tokens = Tokens(connection, at.books.connections.current(connection), at.books.through.for_use, at.books.means)
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
    assert [body["outcome"] for body in mine] == ["unknown", "issued"]
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
    tokens = Tokens(connection, at.books.connections.current(connection), at.books.through.for_use, at.books.means)
    with pytest.raises(TokenRefused, match="disabled") as caught:
        tokens.fresh(GRAPH, at.books.new_job("heartbeat", ""))
    last = stubs(at, "token")[-1]
    assert (last["outcome"], last["error"]) == ("refused", "AADSTS7000112")
    assert last["request_id"] == caught.value.trace


def test_a_call_without_the_permission_is_refused_with_what_to_do(at):
    """Graph's 403 becomes a refusal with a hint."""
    connection = at.register("theta", "mail", ["Mail.Read"])
    at.connect(connection)
    tokens = Tokens(connection, at.books.connections.current(connection), at.books.through.for_use, at.books.means)
    with pytest.raises(CallRefused, match="refused the call") as caught:
        Door(tokens).call(Ask("GET", "/v1.0/auditLogs/directoryAudits", "none"), at.books.new_job("inspect", ""))
    assert caught.value.status == 403
    assert "connection test" in caught.value.hint
