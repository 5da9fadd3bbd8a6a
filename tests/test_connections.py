"""The credential for other people's programs: azure-core, msgraph-sdk and httpx, each call with its stubs."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from azure.core.credentials import SupportsTokenInfo, TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph_core import GraphClientFactory

from counterfoil.connections import Credential, NoJob
from counterfoil.model.errors import Misconfigured, Refused
from tests.app.laboratory import place

# The SDK warns of its own deprecated classes while it imports itself.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ALICE = "alice@guest.example"
SCOPE = "https://graph.microsoft.com/.default"


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """A connected tenant with a mailbox and one message."""
    with place(tmp_path_factory.mktemp("connections")) as made:
        connection = made.register("guest", "mail", ["Mail.ReadWrite"])
        made.lab.add_mailbox(connection.tenant_id, ALICE)
        made.connect(connection)
        made.put_mail(connection.tenant_id, ALICE, "hello")
        made.connection = connection
        yield made


@pytest.fixture
def credential(at):
    """A credential without a standing job."""
    with Credential("guest", data=at.data, config=at.config) as made:
        yield made


def stubs(at, kind, job):
    """The stubs of one kind that one job left."""
    rows = at.books.ledger.stubs(kinds={kind})
    return [row.stub.body for row in rows if row.stub.body.get("job") == job]


def test_it_is_what_azure_core_asks_for(credential):
    """Both protocols of azure-core are met, as by the credentials of azure-identity."""
    assert isinstance(credential, TokenCredential)
    assert isinstance(credential, SupportsTokenInfo)


def test_without_a_job_nothing_is_signed(at, credential):
    """No reason, no token: the refusal says how to give one, and the signer was not asked."""
    before = at.books.custodian.status()["sequence"]
    with pytest.raises(NoJob, match="there is no job"):
        credential.get_token(SCOPE)
    with pytest.raises(NoJob), httpx.Client(transport=credential.transport()) as client:
        client.get(f"{credential.endpoints.graph}/v1.0/users/{ALICE}")
    assert at.books.custodian.status()["sequence"] == before


def test_a_reason_that_is_none_of_ours_is_refused(credential):
    """Only the reasons of the ledger count, and the job never begins."""
    with pytest.raises(Refused, match=r"job\.reason"), credential.job("curiosity", "x"):
        pytest.fail("it began")


def test_a_token_leaves_its_stubs_under_the_job(at, credential):
    """Asked for twice, a token is made once: an unknown and an issued stub, both of this job."""
    with credential.job("remediate", "case 1") as job:
        first, second = credential.get_token(SCOPE), credential.get_token_info(SCOPE)
    assert first.token == second.token
    assert second.refresh_on < second.expires_on
    assert [body["outcome"] for body in stubs(at, "token", job.id)] == ["unknown", "issued"]
    with pytest.raises(NoJob):
        credential.get_token(SCOPE)


def test_a_standing_job_covers_what_lies_outside_a_block(at):
    """With job= everything has a reason; a block takes its place for as long as it lasts."""
    with Credential("guest", data=at.data, config=at.config, job=("inspect", "nightly")) as made:
        made.get_token(SCOPE)
        with made.job("remediate", "case 2") as job, httpx.Client(transport=made.transport()) as client:
            assert client.get(f"{made.endpoints.graph}/v1.0/users/{ALICE}/mailFolders").status_code == 200
        assert len(stubs(at, "call", job.id)) == 2
        assert not stubs(at, "token", job.id)


@pytest.mark.parametrize(
    ("scopes", "more", "words"),
    [
        ((SCOPE, "https://manage.office.com/.default"), {}, "one resource"),
        (("https://graph.microsoft.com/Mail.Read",), {}, "one resource"),
        ((SCOPE,), {"tenant_id": "11111111-1111-1111-1111-111111111111"}, "this credential is of"),
    ],
)
def test_what_this_credential_cannot_do_is_refused(credential, scopes, more, words):
    """Several resources, delegated scopes and other tenants are refused before anything is signed."""
    with credential.job("remediate", "case 3"), pytest.raises(ClientAuthenticationError, match=words):
        credential.get_token(*scopes, **more)


def test_a_refusal_of_the_token_service_is_azures_own_error(at):
    """A disabled application raises ClientAuthenticationError with our hint, and leaves a refused stub."""
    connection = at.register("off", "mail", ["Mail.Read"])
    at.connect(connection)
    at.lab.operate("admin_enable", tenant=connection.tenant_id, app_id=connection.app, enabled=False)
    with Credential("off", data=at.data, config=at.config) as made, made.job("inspect", "x") as job:
        with pytest.raises(ClientAuthenticationError, match="its administrator can enable it"):
            made.get_token(SCOPE)
        assert stubs(at, "token", job.id)[-1]["error"] == "AADSTS7000112"


def test_an_azure_pipeline_works_with_it(at, credential):
    """BearerTokenCredentialPolicy asks it for a token, and the call goes through."""
    with credential.job("inspect", "case 4"):
        policies = [RetryPolicy(), BearerTokenCredentialPolicy(credential, SCOPE)]
        transport = RequestsTransport(connection_verify=str(at.lab.endpoints.ca))
        with Pipeline(transport, policies=policies) as pipeline:
            request = HttpRequest("GET", f"{credential.endpoints.graph}/v1.0/users/{ALICE}/mailFolders")
            assert pipeline.run(request).http_response.status_code == 200


def test_every_attempt_below_a_client_that_tries_again_is_a_call(at, credential):
    """msgraph-sdk retries 429 by itself; with our transport below it each attempt has an id and stubs of its own."""

    def calm(job):
        while not any(body.get("status") == 429 for body in stubs(at, "call", job.id)):
            time.sleep(0.05)
        at.lab.set(at.connection.tenant_id, throttle_share=0.0)

    async def run(job):
        transport = credential.async_transport()
        client = httpx.AsyncClient(transport=transport, base_url=credential.endpoints.graph)
        adapter = GraphRequestAdapter(
            AnonymousAuthenticationProvider(), client=GraphClientFactory.create_with_default_middleware(client=client)
        )
        adapter.base_url = f"{credential.endpoints.graph}/v1.0"
        graph = GraphServiceClient(request_adapter=adapter)
        messages = graph.users.by_user_id(ALICE).messages
        at.lab.set(at.connection.tenant_id, throttle_share=1.0, retry_after_seconds=1)
        found, _ = await asyncio.gather(messages.get(), asyncio.to_thread(calm, job))
        await transport.aclose()  # the SDK's own layer does not close what is below it
        return found

    with credential.job("scan-internal", "case 5") as job:
        found = asyncio.run(run(job))
    assert [message.subject for message in found.value] == ["hello"]
    calls = stubs(at, "call", job.id)
    assert Counter(body["client_request_id"] for body in calls).most_common(1)[0][1] == 2
    assert [body["status"] for body in calls if body.get("status")][-1] == 200
    assert {body["status"] for body in calls if body.get("status")} == {429, 200}
    assert {(body["mailbox"], body["effect"]) for body in calls} == {(ALICE, "read")}


def batch_of(at, *urls):
    """The body of a batch of reads and one change."""
    (listed,) = at.lab.operate("messages", address=ALICE)
    requests = [{"id": str(n), "method": "GET", "url": url} for n, url in enumerate(urls, 1)]
    change = {"id": "c", "method": "PATCH", "url": f"/users/{ALICE}/messages/{listed['id']}", "body": {"isRead": True}}
    change["headers"] = {"Content-Type": "application/json", "Client-Request-Id": "mine"}
    return {"requests": [*requests, change]}


def test_each_part_of_a_batch_has_an_id_and_stubs_of_its_own(at, credential):
    """What the tenant logs of a batch, row by row, has its stub in our books; the answer is as Graph gave it."""
    began = at.books.means.clock()
    body = batch_of(at, f"/users/{ALICE}/messages", f"/users/{ALICE}/messages/none")
    with (
        credential.job("scan-internal", "case 9") as job,
        httpx.Client(transport=credential.transport(), base_url=credential.endpoints.graph) as client,
        client.stream("POST", "/v1.0/$batch", json=body) as answer,
    ):
        answers = {part["id"]: part["status"] for part in json.loads(answer.read())["responses"]}
    assert answers == {"1": 200, "2": 400, "c": 200}
    assert body["requests"][-1]["headers"]["Client-Request-Id"] == "mine", "what the caller holds is not changed"
    calls = stubs(at, "call", job.id)
    ended = {call["client_request_id"]: call for call in calls if call.get("status")}
    assert sorted(call["status"] for call in ended.values()) == [200, 200, 200, 400]
    assert {call["client_request_id"] for call in calls if not call.get("status")} == set(ended)
    assert sorted(call["effect"] for call in ended.values()) == ["change", "none", "read", "read"]
    rows = at.lab.operate("rows", tenant=at.connection.tenant_id, log="activity")
    logged = {row["body"]["clientRequestId"] for row in rows if row["at"] >= began.timestamp()}
    assert logged == set(ended)


def test_a_batch_of_an_asyncio_program_has_them_too(at, credential):
    """The other transport does the same."""

    async def run():
        async with httpx.AsyncClient(transport=credential.async_transport()) as client:
            url = f"{credential.endpoints.graph}/v1.0/$batch"
            return (await client.post(url, json=batch_of(at, f"/users/{ALICE}/mailFolders"))).json()

    with credential.job("scan-internal", "case 10") as job:
        assert len(asyncio.run(run())["responses"]) == 2
    assert len({call["client_request_id"] for call in stubs(at, "call", job.id)}) == 3


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        (b"[]", {}, "requests is no list of objects"),
        (b'{"requests": [1]}', {}, "requests is no list of objects"),
        (b"{", {}, "this is no batch"),
        (b"\x1f\x8b", {"content-encoding": "gzip"}, "compressed cannot be given ids"),
    ],
)
def test_a_batch_whose_parts_cannot_be_told_is_not_sent(at, credential, body, headers, words):
    """No part of it could have a stub, so nothing goes out."""
    with credential.job("inspect", "case 11") as job, httpx.Client(transport=credential.transport()) as client:
        with pytest.raises(ClientAuthenticationError, match=words):
            client.post(f"{credential.endpoints.graph}/v1.0/%24batch", content=body, headers=headers)
        assert not stubs(at, "call", job.id)


def test_what_a_caller_knows_better_is_in_the_stub(at, credential):
    """Message ids that no path shows come with the request, and go into its stubs."""
    with credential.job("remediate", "case 6") as job, httpx.Client(transport=credential.transport()) as client:
        listed = client.get(f"{credential.endpoints.graph}/v1.0/users/{ALICE}/messages").json()["value"][0]
        client.patch(
            f"{credential.endpoints.graph}/v1.0/users/{ALICE}/messages/{listed['id']}",
            json={"isRead": True},
            extensions={"counterfoil": {"message_ids": [listed["internetMessageId"]]}},
        )
    change = stubs(at, "call", job.id)[-1]
    assert (change["effect"], change["message_ids"]) == ("change", [listed["internetMessageId"]])


def test_no_token_goes_to_another_host(at, credential):
    """A call to a host that is none of Microsoft 365's is refused before it is sent."""
    with credential.job("inspect", "case 7") as job, httpx.Client(transport=credential.transport()) as client:
        with pytest.raises(ClientAuthenticationError, match="no host of this connection"):
            client.get("https://graph.microsoft.com.attacker.example/v1.0/me")
        assert not stubs(at, "call", job.id)


def test_a_token_of_another_tenant_is_not_sent_and_in_no_books(at, credential):
    """Its call would be written down for this tenant and be unknown in its own; what is no token is refused too."""
    other = at.register("other", "mail", ["Mail.ReadWrite"])
    at.connect(other)
    with Credential("other", data=at.data, config=at.config, job=("inspect", "case 9")) as theirs:
        token = theirs.get_token(SCOPE).token
    rows = len(at.lab.operate("rows", log="activity", tenant=other.tenant_id))
    with credential.job("inspect", "case 9") as job, httpx.Client(transport=credential.transport()) as client:
        for value, why in ((token, "of another connection"), ("no.token", "cannot be read")):
            with pytest.raises(ClientAuthenticationError, match=why):
                client.get(f"{credential.endpoints.graph}/v1.0/users", headers={"authorization": f"Bearer {value}"})
        assert not stubs(at, "call", job.id)
    assert len(at.lab.operate("rows", log="activity", tenant=other.tenant_id)) == rows


def test_what_is_not_there_is_said(at, tmp_path):
    """A tenant without a connection and a folder without data are told apart."""
    with pytest.raises(Refused, match="nobody has no such connection"):
        Credential("nobody", data=at.data, config=at.config)
    with pytest.raises(Misconfigured, match="there is no data"):
        Credential("guest", data=tmp_path / "none")


def test_a_job_holds_a_rotation_up_while_it_lasts(at, credential):
    """Within the block the credential is in use; after it, it is not."""
    current = at.books.connections.current(at.connection)
    now = at.books.means.clock()
    before = at.books.connections.in_use(current, now)
    with credential.job("inspect", "case 8"):
        assert at.books.connections.in_use(current, now) == before + 1
    assert at.books.connections.in_use(current, now) == before


def test_the_page_that_shows_it_is_true(at, tmp_path):
    """The first program in docs/connections.md runs as it stands against the laboratory."""
    page = (Path(__file__).parents[1] / "docs" / "connections.md").read_text()
    program = page.partition("```python\n")[2].partition("```")[0]
    script = tmp_path / "program.py"
    script.write_text(program)
    words = ["guest", str(at.data), str(at.config), ALICE]
    done = subprocess.run(
        [sys.executable, str(script), *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "hello" in done.stdout
