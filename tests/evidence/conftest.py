"""A small case, typed by hand after the published shapes: stubs, the rows they leave, and a thief's rows.

Nothing here is made by the code under test: identifiers are spelled with the standard library.
"""

import base64
import json
import uuid
from datetime import datetime
from pathlib import Path

import pytest

from counterfoil.evidence.collect import readers
from counterfoil.evidence.stubs import read_stubs
from counterfoil.flows.reconcile import reconcile, window_of

TENANT = "11111111-1111-1111-1111-111111111111"
OTHER = "99999999-9999-9999-9999-999999999999"
APP = "22222222-2222-2222-2222-222222222222"
PRINCIPAL = "44444444-4444-4444-4444-444444444444"
SHA1 = "B45A29F60A83B210302B174E58386EFBB612EAA1"
SHA256 = "8D9B6721944DC870E9C5B2944259DF5D8B1243844E27B65F6690C621BB9C24A6"
FOREIGN = "52ED9B5038A47B9E2E2190715CC238359D4F8F73"
KEY = "5d5a2b1e-0f0b-4b3c-9b49-8d2a3d1c7c11"
GRAPH = "00000003-0000-0000-c000-000000000000"
OURS, THIEF = "203.0.113.77", "198.51.100.9"


def guid(number: int) -> str:
    """Make a sign-in id that ends in 00, as every real one does."""
    return f"9f3b6c1e-5d2a-4c77-8e10-{number:010x}00"


def uti(number: int) -> str:
    """Spell the same 16 bytes as the access token spells them."""
    return base64.urlsafe_b64encode(uuid.UUID(guid(number)).bytes_le).rstrip(b"=").decode()


def at(clock: str, day: int = 5) -> str:
    """Name a time of the case's day."""
    return f"2026-10-{day:02d}T{clock}Z"


class Case:
    """Stubs and rows that grow by method calls; ``answer`` reconciles them."""

    def __init__(self, folder: Path, pool) -> None:
        self.folder, self.pool = folder, pool
        self.stubs: list[dict] = []
        self.signins: list[dict] = []
        self.calls: list[dict] = []
        self.mail: list[dict] = []
        self.directory: list[dict] = []
        self.files: dict[str, bytes] = {}

    def stub(self, kind: str, **fields) -> None:
        self.stubs.append({"kind": kind, "tenant": TENANT, "app": APP, **fields})

    def connect(self, tenant: str = TENANT, roles=("Mail.ReadWrite",), connected: bool | None = True) -> None:
        self.stubs.append({"kind": "tenant", "tenant": tenant, "name": "t", "connected": connected, "roles": roles})
        if connected:
            self.stub(
                "credential", time=at("09:00:00"), tenant=tenant, thumbprint_sha1=SHA1, thumbprint_sha256=SHA256,
                key_id=KEY, state="current",
            )  # fmt: skip

    def token(self, number: int, clock: str = "09:01:00", **fields) -> None:
        fields = {"outcome": "issued", "uti": uti(number), "job": "j1", **fields}
        self.stub(
            "token", time=at(clock), thumbprint_sha1=SHA1, thumbprint_sha256=SHA256, key_id=KEY,
            audience="https://graph.microsoft.com", jti=f"jti-{number}",
            correlation_id=f"c0c0c0c0-{number:04d}", **fields,
        )  # fmt: skip

    def call(self, number: int, crid: str, clock: str = "09:02:00", **fields) -> None:
        fields = {
            "method": "GET", "resource": "/v1.0/users/alice@contoso.example/messages/AAMk1", "effect": "read",
            "mailbox": "alice@contoso.example", "message_ids": ["<m1@contoso.example>"], "status": 200, "job": "j1",
            **fields,
        }  # fmt: skip
        self.stub("call", time=at(clock), uti=uti(number), client_request_id=crid, **fields)

    def signin(self, number: int, clock: str = "09:01:01", *, tenant: str = TENANT, code: int = 0, **fields) -> dict:
        """Event Hub shape."""
        properties = {
            "id": guid(number), "createdDateTime": at(clock), "appId": APP, "servicePrincipalId": PRINCIPAL,
            "servicePrincipalCredentialKeyId": KEY, "servicePrincipalCredentialThumbprint": SHA1,
            "clientCredentialType": "clientAssertion", "ipAddress": OURS, "resourceId": GRAPH,
            "correlationId": f"c0c0c0c0-{number:04d}", "uniqueTokenIdentifier": uti(number),
            "status": {"errorCode": code}, "authenticationProcessingDetails": [],
        } | fields  # fmt: skip
        row = {
            "time": at(clock), "resourceId": f"/tenants/{tenant}/providers/Microsoft.aadiam",
            "operationName": "Sign-in activity", "category": "ServicePrincipalSignInLogs", "tenantId": tenant,
            "resultType": str(code), "callerIpAddress": properties["ipAddress"],
            "correlationId": properties["correlationId"], "properties": properties,
        }  # fmt: skip
        self.signins.append(row)
        return row

    def graph(self, number: int, crid: str | None, request: str, clock: str = "09:02:01", **fields) -> dict:
        """Storage shape."""
        properties = {
            "timeGenerated": at(clock), "requestId": request, "operationId": crid or request, "clientRequestId": crid,
            "apiVersion": "v1.0", "requestMethod": "GET", "responseStatusCode": 200, "tenantId": TENANT,
            "durationMs": 497815, "signInActivityId": uti(number), "appId": APP, "clientAuthMethod": "2",
            "ipAddress": OURS, "servicePrincipalId": PRINCIPAL,
            "requestUri": "https://graph.microsoft.com/v1.0/users/alice@contoso.example/messages/AAMk1",
        } | fields  # fmt: skip
        row = {
            "time": at(clock), "resourceId": f"/TENANTS/{TENANT}/PROVIDERS/MICROSOFT.AADIAM",
            "category": "MicrosoftGraphActivityLogs", "tenantId": TENANT, "properties": properties,
        }  # fmt: skip
        self.calls.append(row)
        return row

    def access(self, number: int | None, record: str, messages=(), clock: str = "09:02:02", **fields) -> dict:
        """Management API shape."""
        context = {"APIId": GRAPH, "ClientAppId": APP, "IssuedAtTime": at(clock)[:-1]}
        if number is not None:
            context["UniqueTokenId"] = uti(number)
        row = {
            "CreationTime": at(clock)[:-1], "Id": record, "Operation": "MailItemsAccessed", "OrganizationId": TENANT,
            "RecordType": 50, "ResultStatus": "Succeeded", "UserKey": APP, "UserType": 5, "Version": 1,
            "Workload": "Exchange", "UserId": "alice@contoso.example", "ClientIPAddress": OURS,
            "AppAccessContext": context, "AppId": GRAPH, "ClientAppId": APP,
            "ClientInfoString": "Client=REST;Client=RESTSystem;;",
            "MailboxGuid": "a0b1c2d3-0000-4000-8000-000000000010",
            "MailboxOwnerUPN": "alice@contoso.example", "LogonType": 0, "OperationCount": len(messages),
            "OperationProperties": [
                {"Name": "MailAccessType", "Value": "Bind"}, {"Name": "IsThrottled", "Value": "False"}],
            "Folders": [{"Id": "LgAA", "Path": "\\Inbox", "FolderItems": [
                {"Id": f"Rg{n}", "InternetMessageId": message} for n, message in enumerate(messages)]}],
        } | fields  # fmt: skip
        self.mail.append(row)
        return row

    def heartbeat(self, number: int = 1) -> "Case":
        """One token, one read, and every row they must leave: the hour is proven."""
        self.connect()
        self.stubs.append({"kind": "job", "id": "j1", "time": at("09:00:00"), "reason": "heartbeat"})
        self.token(number)
        self.call(number, "crid-1")
        self.signin(number)
        self.graph(number, "crid-1", "req-1")
        self.access(number, "mia-1", ["<m1@contoso.example>"])
        return self

    def write(self) -> Path:
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        lines = {
            "signins.json": self.signins,
            "graph.json": self.calls,
            "audit.json": self.mail,
            "dir.json": self.directory,
        }
        for name, rows in lines.items():
            if rows:
                (logs / name).write_text("\n".join(json.dumps(row) for row in rows))
        for name, data in self.files.items():
            (logs / name).parent.mkdir(parents=True, exist_ok=True)
            (logs / name).write_bytes(data)
        return logs

    def answer(self, since: str = "09:00:00", until: str = "10:00:00", as_of: str | None = None, shelf=None):
        books = read_stubs(json.dumps(stub) for stub in self.stubs)
        times = [datetime.fromisoformat(at(clock)) for clock in (since, until)]
        window = window_of(books, *times, datetime.fromisoformat(as_of) if as_of else None)
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        return reconcile(books, [self.write()], window, scratch, pool=self.pool, shelf=shelf)

    def tenant(self, tenant: str = TENANT, **window) -> dict:
        """The answer for one tenant, as the JSON document has it."""
        document = self.answer(**window).document
        return next(entry for entry in document["tenants"] if entry["tenant"] == tenant)


@pytest.fixture(scope="session")
def reading_pool():
    """Keep one reader for all cases."""
    with readers() as pool:
        yield pool


@pytest.fixture(scope="session")
def case_type():
    """Give the class to fixtures that outlive one test."""
    return Case


@pytest.fixture
def case(tmp_path, reading_pool) -> Case:
    """Start an empty case."""
    return Case(tmp_path, reading_pool)
