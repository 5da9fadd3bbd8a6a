"""Every operation of the laboratory's Graph, asked for and parsed by Microsoft's own SDK; none is left out."""

import base64
import datetime as dt
import ssl
import uuid
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.applications.item.add_key.add_key_post_request_body import AddKeyPostRequestBody
from msgraph.generated.applications.item.add_password.add_password_post_request_body import AddPasswordPostRequestBody
from msgraph.generated.applications.item.remove_key.remove_key_post_request_body import RemoveKeyPostRequestBody
from msgraph.generated.applications.item.remove_password.remove_password_post_request_body import (
    RemovePasswordPostRequestBody,
)
from msgraph.generated.models.app_role_assignment import AppRoleAssignment
from msgraph.generated.models.application import Application
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.federated_identity_credential import FederatedIdentityCredential
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.key_credential import KeyCredential
from msgraph.generated.models.message import Message
from msgraph.generated.models.message_rule import MessageRule
from msgraph.generated.models.message_rule_actions import MessageRuleActions
from msgraph.generated.models.password_credential import PasswordCredential
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.subscription import Subscription
from msgraph.generated.users.item.mail_folders.item.messages.item.copy.copy_post_request_body import (
    CopyPostRequestBody,
)
from msgraph.generated.users.item.mail_folders.item.messages.item.move.move_post_request_body import (
    MovePostRequestBody,
)
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody
from tests.lab.bench import GRAPH, KEYS, ROLES
from tests.lab.test_graph_keys import DIRECTORY

from counterfoil import clock
from counterfoil.lab.graph import routes

# The SDK warns of its own deprecated classes while it imports itself.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

EVERYTHING = [*ROLES, "Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Organization.Read.All"]
WITH_FILE = (
    b"From: bob@fabrikam.example\r\nTo: alice@contoso.example\r\nSubject: With a file\r\nMIME-Version: 1.0\r\n"
    b'Message-ID: <f@fabrikam.example>\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    b'--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="a.bin"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n"
)


@pytest.fixture
async def sdk(running, joined, credential):
    """Microsoft's SDK with every permission; and what it asked for, as (method, path)."""
    running.operate("consent", tenant=joined.tenant, app_id=joined.app["app_id"], roles=EVERYTHING)
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=[f"{GRAPH}/.default"], allowed_hosts=["localhost", urlsplit(running.endpoints.graph).netloc]
    )
    asked = []

    async def note(response):
        request = response.request
        asked.append((request.method, unquote(urlsplit(str(request.url)).path), response.status_code))

    verify = ssl.create_default_context(cafile=str(running.endpoints.ca))
    async with httpx.AsyncClient(verify=verify, trust_env=False, event_hooks={"response": [note]}) as client:
        adapter = GraphRequestAdapter(provider, client=client)
        adapter.base_url = f"{running.endpoints.graph}/v1.0"
        yield GraphServiceClient(request_adapter=adapter), adapter, asked


async def use_mail(sdk, running, joined):
    """Every operation on folders, messages, attachments, rules; both ways to name a message."""
    user = sdk.users.by_user_id(joined.mailbox)
    assert (await user.get()).mail == joined.mailbox
    assert (await user.mail_folders.by_mail_folder_id("inbox").get()).display_name == "Inbox"
    inbox = user.mail_folders.by_mail_folder_id("inbox")
    assert (await inbox.messages.post(Message(subject="In a folder", body=ItemBody(content="x")))).is_draft
    assert (await inbox.messages.delta.get()).odata_delta_link
    archive = user.mail_folders.by_mail_folder_id("archive")
    for all_messages, there in ((user.messages, user.messages), (inbox.messages, archive.messages)):
        running.operate("add_message", address=joined.mailbox, mime=base64.b64encode(WITH_FILE).decode())
        found = next(m for m in (await all_messages.get()).value if m.subject == "With a file")
        one = all_messages.by_message_id(found.id)
        assert (await one.get()).internet_message_id == "<f@fabrikam.example>"
        assert (await one.patch(Message(is_read=True))).is_read
        assert await one.content.get() == WITH_FILE
        (file,) = (await one.attachments.get()).value
        assert (await one.attachments.by_attachment_id(file.id).get()).content_bytes == b"\0\1\2"
        assert await sdk_bytes(sdk, one.attachments.by_attachment_id(file.id)) == b"\0\1\2"
        copy = await one.copy.post(CopyPostRequestBody(destination_id="archive"))
        moved = await one.move.post(MovePostRequestBody(destination_id="archive"))
        assert len({found.id, copy.id, moved.id}) == 3
        await there.by_message_id(moved.id).delete()
        await there.by_message_id(copy.id).permanent_delete.post()
    await user.messages.post(Message(subject="Draft", body=ItemBody(content="x")))
    people = [Recipient(email_address=EmailAddress(address=joined.mailbox))]
    await user.send_mail.post(SendMailPostRequestBody(message=Message(subject="Sent", to_recipients=people)))
    rules = inbox.message_rules
    rule = rules.by_message_rule_id(
        (await rules.post(MessageRule(display_name="r", sequence=1, actions=MessageRuleActions(mark_as_read=True)))).id
    )
    assert (await rule.get()).display_name == "r"
    assert (await rule.patch(MessageRule(display_name="s"))).display_name == "s"
    assert [r.display_name for r in (await rules.get()).value] == ["s"]
    await rule.delete()
    assert (await user.mail_folders.get()).value
    assert (await sdk.users.get()).value
    assert (await sdk.organization.get()).value


async def sdk_bytes(sdk, attachment):
    """An attachment's octets; the SDK has no name for its ``$value``."""
    information = attachment.to_get_request_information()
    information.url_template = information.url_template.replace(
        "/attachments/{attachment%2Did}", "/attachments/{attachment%2Did}/$value"
    ).partition("{?")[0]
    return await sdk.request_adapter.send_primitive_async(information, "bytes", {})


async def use_keys(sdk, joined):
    """Every operation on applications and service principals, their credentials and grants."""
    assert joined.app["app_id"] in {a.app_id for a in (await sdk.applications.get()).value}
    assert joined.app["app_id"] in {p.app_id for p in (await sdk.service_principals.get()).value}
    application = sdk.applications.by_application_id(joined.app["object_id"])
    principal = sdk.service_principals.by_service_principal_id(joined.app["service_principal"])
    first = KeyCredential(type="AsymmetricX509Cert", usage="Verify", key=joined.pair.der)
    await principal.patch(ServicePrincipal(key_credentials=[first]))
    for thing, identifier, pair in (
        (application, joined.app["object_id"], KEYS[1]),
        (principal, joined.app["service_principal"], KEYS[2]),
    ):
        key = KeyCredential(type="AsymmetricX509Cert", usage="Verify", key=pair.der)
        added = await thing.add_key.post(AddKeyPostRequestBody(key_credential=key, proof=proof(joined, identifier)))
        assert added.custom_key_identifier
        await thing.remove_key.post(RemoveKeyPostRequestBody(key_id=added.key_id, proof=proof(joined, identifier)))
    secret = await application.add_password.post(
        AddPasswordPostRequestBody(password_credential=PasswordCredential(display_name="s"))
    )
    assert secret.secret_text
    await application.remove_password.post(RemovePasswordPostRequestBody(key_id=secret.key_id))
    secret = await principal.add_password.post(
        AddPasswordPostRequestBody(password_credential=PasswordCredential(display_name="p"))
    )
    await principal.remove_password.post(RemovePasswordPostRequestBody(key_id=secret.key_id))
    others = application.federated_identity_credentials
    wanted = FederatedIdentityCredential(
        name="f", issuer="https://issuer.example", subject="s", audiences=["api://AzureADTokenExchange"]
    )
    other = await others.post(wanted)
    assert [one.id for one in (await others.get()).value] == [other.id]
    await others.by_federated_identity_credential_id(other.id).delete()
    assert (await application.get()).key_credentials
    await application.patch(Application(display_name="Renamed"))
    assert (await principal.get()).account_enabled
    graph = next(p for p in (await sdk.service_principals.get()).value if p.app_id == GRAPH_APP)
    role = AppRoleAssignment(
        principal_id=uuid.UUID(joined.app["service_principal"]),
        resource_id=uuid.UUID(graph.id),
        app_role_id=DOMAIN_READ,
    )
    assigned = await principal.app_role_assignments.post(role)
    assert assigned.id in {one.id for one in (await principal.app_role_assignments.get()).value}
    await principal.app_role_assignments.by_app_role_assignment_id(assigned.id).delete()


GRAPH_APP = "00000003-0000-0000-c000-000000000000"
DOMAIN_READ = uuid.UUID("dbb9058a-0e50-45d7-ae91-66909b5d4664")


def proof(joined, identifier):
    """Prove possession of the key that is there."""
    now = int(clock.now().timestamp())
    return joined.pair.sign({"aud": DIRECTORY, "iss": identifier, "nbf": now, "exp": now + 600})


async def use_subscriptions(sdk, joined, receiver):
    """Every operation on subscriptions; making one validates its URL."""
    ends = clock.now() + dt.timedelta(hours=2)
    made = await sdk.subscriptions.post(
        Subscription(
            change_type="created",
            notification_url=receiver.url,
            lifecycle_notification_url=receiver.url,
            resource=f"/users/{joined.mailbox}/mailFolders('inbox')/messages",
            expiration_date_time=ends,
            client_state="s",
        )
    )
    one = sdk.subscriptions.by_subscription_id(made.id)
    assert (await one.get()).application_id == joined.app["app_id"]
    later = await one.patch(Subscription(expiration_date_time=ends + dt.timedelta(hours=1)))
    assert later.expiration_date_time > made.expiration_date_time
    await one.reauthorize.post()
    assert [s.id for s in (await sdk.subscriptions.get()).value] == [made.id]
    await one.delete()


async def test_the_sdk_parses_every_answer(running, joined, sdk, receiver):
    """Each operation in the laboratory's table is called once at least by the SDK and its good answer parsed."""
    client, adapter, asked = sdk
    await use_mail(client, running, joined)
    await use_keys(client, joined)
    await use_subscriptions(client, joined, receiver)
    assert (await client.audit_logs.directory_audits.get()).value
    adapter.base_url = adapter.base_url.replace("/v1.0", "/beta")
    from msgraph.generated.audit_logs.sign_ins.sign_ins_request_builder import SignInsRequestBuilder

    query = SignInsRequestBuilder.SignInsRequestBuilderGetQueryParameters(
        filter="signInEventTypes/any(t: t eq 'servicePrincipal')"
    )
    signed_in = (await client.audit_logs.sign_ins.get(RequestConfiguration(query_parameters=query))).value
    assert {row.app_id for row in signed_in} == {joined.app["app_id"]}
    adapter.base_url = adapter.base_url.replace("/beta", "/v1.0")
    await client.service_principals.by_service_principal_id(joined.app["service_principal"]).delete()
    assert {status for _, _, status in asked} <= {200, 201, 202, 204}
    called = set()
    for method, path, _ in asked:
        _, version, rest = path.split("/", 2)
        called.add(routes.find(method, routes.plain(f"/{rest}"), beta=version == "beta")[0])
    beta = {route.path for route in routes.ROUTES if route.beta and "/auditLogs/" not in route.path}
    assert {(r.method, r.path) for r in routes.ROUTES if r not in called} == {
        (r.method, r.path) for r in routes.ROUTES if r.path in beta
    }, "the SDK of v1.0 does not know the import and export of items, which is beta"


async def test_an_error_of_every_kind_is_parsed(joined, sdk):
    """Wrong id, wrong method's path, bad body: the SDK reads code and message of each."""
    client, _, _ = sdk
    for ask in (
        client.users.by_user_id("nobody@nowhere.example").get(),
        client.applications.by_application_id(str(uuid.uuid4())).get(),
        client.subscriptions.by_subscription_id("x").get(),
        client.users.by_user_id(joined.mailbox).messages.by_message_id("x").get(),
    ):
        with pytest.raises(APIError) as caught:
            await ask
        assert caught.value.error.code
        assert caught.value.error.message
