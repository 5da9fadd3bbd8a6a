"""A notification receiver and an SMTP client against the laboratory over TLS."""

import base64
import smtplib
import ssl
from datetime import timedelta

import httpx
import pytest
from tests.lab.bench import GRAPH, MESSAGE

from counterfoil import clock

MIME = base64.b64encode(MESSAGE).decode()


def _subscribe(running, joined, credential, url):
    token = credential.get_token(f"{GRAPH}/.default").token
    until = (clock.now() + timedelta(hours=1)).isoformat()
    body = {
        "changeType": "created",
        "notificationUrl": url,
        "lifecycleNotificationUrl": url,
        "resource": f"/users/{joined.mailbox}/mailFolders('inbox')/messages",
        "expirationDateTime": until,
        "clientState": "secret",
    }
    return httpx.post(
        f"{running.endpoints.graph}/v1.0/subscriptions",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        verify=ssl.create_default_context(cafile=str(running.endpoints.ca)),
        trust_env=False,
    )


def test_subscriptions_are_validated_and_notified(running, joined, credential, receiver):
    """The receiver must echo the token; then each new message in the folder is announced with the client state."""
    made = _subscribe(running, joined, credential, receiver.url)
    assert made.status_code == 201, made.text
    running.operate("add_message", address=joined.mailbox, mime=MIME)
    assert receiver.heard.wait(10)
    [notice] = receiver.told[0]["value"]

    assert (notice["clientState"], notice["changeType"], notice["tenantId"]) == ("secret", "created", joined.tenant)
    assert notice["subscriptionId"] == made.json()["id"]
    assert notice["resourceData"]["@odata.type"] == "#Microsoft.Graph.Message"
    assert notice["resource"].endswith(notice["resourceData"]["id"])


def test_a_receiver_that_fails_the_validation_gets_no_subscription(running, joined, credential, receiver):
    """A wrong echo, one that is not text/plain, or nobody at the URL: ValidationError, and there is no subscription."""
    receiver.answer = "something else"
    wrong = _subscribe(running, joined, credential, receiver.url)
    receiver.answer, receiver.kind = None, "text/html"
    page = _subscribe(running, joined, credential, receiver.url)
    nobody = _subscribe(running, joined, credential, "https://localhost:1/hook")

    assert [answer.json()["error"]["code"] for answer in (wrong, page, nobody)] == ["ValidationError"] * 3


def _send(running, recipient, identity=None, *, tls=True):
    context = ssl.create_default_context(cafile=str(running.endpoints.ca))
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    with smtplib.SMTP("localhost", running.endpoints.smtp, timeout=20) as client:
        if tls:
            client.starttls(context=context)
        client.sendmail("bob@fabrikam.example", [recipient], MESSAGE)


def test_mail_is_taken_from_the_right_certificate_only(running, joined, tmp_path):
    """With a partner connector only a client with the certificate's name delivers; all others are refused 5.7.51."""
    right = running.certificate(tmp_path, "mail.gateway.example")
    wrong = running.certificate(tmp_path, "mail.other.example")
    running.operate("add_connector", tenant=joined.tenant, name="Gateway", certificate_name="*.gateway.example")

    _send(running, joined.mailbox, right)
    for identity, tls in ((wrong, True), (None, True), (None, False)):
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="TenantInboundAttribution"):
            _send(running, joined.mailbox, identity, tls=tls)
    [arrived] = running.operate("messages", address=joined.mailbox)

    assert base64.b64decode(arrived["mime"]).endswith(MESSAGE)
    assert arrived["folder"] == "\\Inbox"


def test_without_a_connector_the_back_door_is_open(running, joined):
    """A tenant without a connector takes mail from anybody; unknown mailboxes and foreign domains are refused."""
    _send(running, joined.mailbox, tls=False)
    with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"5\.1\.10"):
        _send(running, f"nobody@{joined.domain}", tls=False)
    with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"5\.7\.54"):
        _send(running, "someone@elsewhere.example", tls=False)

    assert len(running.operate("messages", address=joined.mailbox)) == 1
