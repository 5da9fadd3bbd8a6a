"""Microsoft's own Graph SDK parses what the laboratory answers."""

import asyncio
import base64
import ssl

import httpx
import pytest
from kiota_abstractions.api_error import APIError
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.message import Message
from msgraph.generated.models.message_rule import MessageRule
from msgraph.generated.models.message_rule_actions import MessageRuleActions
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.users.item.messages.item.move.move_post_request_body import MovePostRequestBody
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody
from tests.lab.bench import GRAPH, MESSAGE

MIME = base64.b64encode(MESSAGE).decode()


# The SDK warns of its own deprecated classes while it imports itself.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
async def sdk(running, credential):
    """Microsoft's Graph SDK, pointed at the laboratory."""
    host = running.endpoints.graph.removeprefix("https://")
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=[f"{GRAPH}/.default"], allowed_hosts=[host, "localhost"]
    )
    verify = ssl.create_default_context(cafile=str(running.endpoints.ca))
    async with httpx.AsyncClient(verify=verify, trust_env=False) as client:
        adapter = GraphRequestAdapter(provider, client=client)
        adapter.base_url = f"{running.endpoints.graph}/v1.0"
        yield GraphServiceClient(request_adapter=adapter)


async def test_the_sdk_reads_and_moves_mail(running, joined, sdk):
    """msgraph-sdk parses organization, users, folders, messages, MIME, move, attachments and delta."""
    running.operate("add_message", address=joined.mailbox, mime=MIME)
    user = sdk.users.by_user_id(joined.mailbox)

    [organization] = (await sdk.organization.get()).value
    [person] = (await sdk.users.get()).value
    folders = {folder.display_name for folder in (await user.mail_folders.get()).value}
    [message] = (await user.mail_folders.by_mail_folder_id("inbox").messages.get()).value
    mime = await user.messages.by_message_id(message.id).content.get()
    attachments = (await user.messages.by_message_id(message.id).attachments.get()).value
    delta = await user.mail_folders.by_mail_folder_id("inbox").messages.delta.get()
    body = MovePostRequestBody(destination_id="archive")
    moved = await user.messages.by_message_id(message.id).move.post(body)

    assert (organization.id, organization.verified_domains[0].name) == (joined.tenant, joined.domain)
    assert (person.mail, person.user_principal_name) == (joined.mailbox, joined.mailbox)
    assert {"Inbox", "Sent Items", "Deleted Items"} <= folders
    assert (message.subject, message.from_.email_address.address) == ("Invoice", "bob@fabrikam.example")
    assert message.received_date_time.tzinfo is not None
    assert (mime, attachments, len(delta.value)) == (MESSAGE, [], 1)
    assert delta.odata_delta_link
    assert (moved.id != message.id, moved.internet_message_id) == (True, "<m1@fabrikam.example>")


async def test_the_sdk_creates_updates_and_deletes(joined, sdk):
    """msgraph-sdk parses a created draft, an update, and a permanent delete."""
    user = sdk.users.by_user_id(joined.mailbox)
    draft = await user.messages.post(Message(subject="Draft", body=ItemBody(content="text")))
    updated = await user.messages.by_message_id(draft.id).patch(Message(is_read=False, subject="Other"))
    await user.messages.by_message_id(draft.id).permanent_delete.post()

    assert (draft.is_draft, updated.subject, updated.is_read) == (True, "Other", False)
    with pytest.raises(ODataError) as caught:
        await user.messages.by_message_id(draft.id).get()
    assert (caught.value.error.code, caught.value.response_status_code) == ("ErrorItemNotFound", 404)
    assert caught.value.error.inner_error.request_id


async def test_the_sdk_sends_and_makes_rules(running, joined, sdk):
    """msgraph-sdk sends mail (its parameters begin in capitals) and parses a rule."""
    user = sdk.users.by_user_id(joined.mailbox)
    people = [Recipient(email_address=EmailAddress(address=joined.mailbox))]
    message = Message(subject="Sent", body=ItemBody(content="text"), to_recipients=people)
    await user.send_mail.post(SendMailPostRequestBody(message=message, save_to_sent_items=False))
    rules = user.mail_folders.by_mail_folder_id("inbox").message_rules
    actions = MessageRuleActions(forward_to=people, stop_processing_rules=True)
    rule = await rules.post(MessageRule(display_name="r", sequence=2, is_enabled=True, actions=actions))
    [listed] = (await rules.get()).value

    assert [item["folder"] for item in running.operate("messages", address=joined.mailbox)] == ["\\Inbox"]
    assert (listed.id, listed.sequence) == (rule.id, 2)
    assert listed.actions.forward_to[0].email_address.address == joined.mailbox


async def test_the_sdk_reads_the_directory(running, joined, sdk):
    """msgraph-sdk parses applications with their keys, service principals, consent and the directory audit."""
    tenant = joined.tenant
    reader = running.operate("consent", tenant=tenant, app_id=joined.app["app_id"], roles=["Application.Read.All"])
    application = await sdk.applications.by_application_id(joined.app["object_id"]).get()
    principal = await sdk.service_principals.by_service_principal_id(reader["service_principal"]).get()
    grants = await sdk.service_principals.by_service_principal_id(principal.id).app_role_assignments.get()
    audits = (await sdk.audit_logs.directory_audits.get()).value

    assert application.key_credentials[0].custom_key_identifier == joined.pair.sha1
    assert application.key_credentials[0].end_date_time.tzinfo is not None
    assert (principal.account_enabled, principal.app_id) == (True, joined.app["app_id"])
    assert "810c84a8-4a9e-49e6-bf7d-12d183f40d01" not in {str(grant.app_role_id) for grant in grants.value}
    assert "e2a3a72e-5f79-4c64-b1b1-878b674786c9" in {str(grant.app_role_id) for grant in grants.value}
    assert audits[0].target_resources[0].modified_properties is not None


async def test_the_sdk_meets_throttling(running, joined, sdk):
    """A 429 carries Retry-After, which the SDK's own retry obeys until the storm is over."""
    running.set(joined.tenant, throttle_share=1.0)
    with pytest.raises((ODataError, APIError)) as caught:
        await asyncio.wait_for(sdk.organization.get(), 60)
    assert caught.value.response_status_code == 429
    running.set(joined.tenant, throttle_share=0.0)
    assert (await sdk.organization.get()).value[0].id == joined.tenant
