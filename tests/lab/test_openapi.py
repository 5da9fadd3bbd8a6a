"""Schemathesis against the laboratory's Graph and its own description: no surprise, and no crash."""

import io
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from tests.lab.bench import ROLES
from urllib3 import HTTPResponse

from counterfoil.lab.graph import face
from counterfoil.lab.graph.openapi import describe

ALL = [*ROLES, "Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"]
api = schemathesis.openapi.from_dict(describe())


class Straight(requests.adapters.BaseAdapter):
    """Hands requests to the laboratory's Graph without a network."""

    def __init__(self, bench):
        super().__init__()
        self.bench = bench

    def send(self, request, **_):
        """Answer one request; an exception in the laboratory fails the test."""
        body = request.body or b""
        data = body.encode() if isinstance(body, str) else body
        reply = self.bench.request(face.answer, request.method, request.url, headers=request.headers, data=data)
        response = requests.Response()
        raw = HTTPResponse(io.BytesIO(reply.body), headers=reply.headers, status=reply.status, preload_content=False)
        response.status_code, response.raw, response.url = reply.status, raw, request.url
        response.headers, response.request = requests.structures.CaseInsensitiveDict(reply.headers), request
        response.reason = ""
        return response

    def close(self):
        """Nothing is open."""


@pytest.fixture
def session(bench):
    """A session whose token may do everything, in a tenant with a message in Alice's inbox."""
    bench.run("consent", tenant=bench.tenant, app_id=bench.app["app_id"], roles=ALL)
    with requests.Session() as made:
        made.mount("https://", Straight(bench))
        made.headers["Authorization"] = f"Bearer {bench.token()}"
        made.bench = bench
        made.known = {
            "user": "alice@contoso.example",
            "folder": "inbox",
            "application": bench.app["object_id"],
            "principal": bench.app["service_principal"],
            "message": bench.add_message(),
        }
        yield made


@api.parametrize()
@settings(
    max_examples=4,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_described(case, session):
    """Whatever is asked, with ids that exist and ids that do not: no crash, and an answer as the description says."""
    if case.path_parameters and len(str(case.path_parameters)) % 4:  # most of the time, ids that exist
        known = session.known | {"message": session.bench.add_message()}
        case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
    case.call_and_validate(
        base_url="https://graph.microsoft.com/v1.0",
        session=session,
        headers={"Authorization": session.headers["Authorization"]},
        checks=[
            schemathesis.checks.not_a_server_error,
            schemathesis.specs.openapi.checks.status_code_conformance,
            schemathesis.specs.openapi.checks.response_schema_conformance,
        ],
    )


def test_the_description_names_every_route():
    """Each operation of v1.0 is described once, with its permissions."""
    document = describe()
    count = sum(len(operations) for operations in document["paths"].values())
    get = document["paths"]["/users/{user}/messages/{message}/$value"]["get"]

    assert count > 50
    assert get["description"] == "Any one of: Mail.Read, Mail.ReadWrite"
    assert urlsplit(document["servers"][0]["url"]).path == "/v1.0"
