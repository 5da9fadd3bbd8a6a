"""The planted story in small, as stubs and exports in files."""

import base64
import json
import random
import uuid

APP = "22222222-2222-2222-2222-222222222222"
SHA1 = "B45A29F60A83B210302B174E58386EFBB612EAA1"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
HOURS = 3


class Fleet:
    """The planted story in small: many tenants, some with the connection, EWS only, three touched."""

    def __init__(self, tenants=60, connected=12):
        self.random = random.Random(7)
        self.tenants = [str(self._uuid()) for _ in range(tenants)]
        self.connected = self.tenants[:connected]
        self.touched = {
            tenant: [f"<stolen-{n}-{m}@x.example>" for m in range(n + 2)] for n, tenant in enumerate(self.tenants[:3])
        }
        self.replayed, self.unlicensed = self.tenants[3], self.tenants[4]
        self.stubs, self.signins, self.audit, self.tokens = [], [], [], {}
        for tenant in self.tenants:
            here = tenant in self.connected
            self.stubs.append(
                {
                    "kind": "tenant",
                    "tenant": tenant,
                    "connected": here,
                    "roles": ["full_access_as_app"] if here else None,
                }
            )
        for tenant in self.connected:
            self._ours(tenant)
        for tenant, messages in self.touched.items():
            token = self._uuid()
            self._signin(tenant, token, "2026-10-05T10:15:00Z", "198.51.100.9")
            self._access(tenant, token, "2026-10-05T10:16:00", messages, "198.51.100.9")
        self._access(
            self.replayed, self.tokens[self.replayed], "2026-10-05T10:30:00", ["<replayed@x.example>"], "198.51.100.9"
        )

    def _uuid(self):
        return uuid.UUID(int=self.random.getrandbits(128) & ~0xFF)

    def _ours(self, tenant):
        self.stubs.append(
            {
                "kind": "credential",
                "time": "2026-10-05T09:00:00Z",
                "tenant": tenant,
                "app": APP,
                "thumbprint_sha1": SHA1,
            }
        )
        for hour in range(9, 9 + HOURS):
            token, message = self._uuid(), f"<heartbeat-{hour}@{tenant}>"
            self.tokens[tenant] = token
            if hour == 10:
                self.tokens[tenant] = token
            common = {"tenant": tenant, "app": APP, "uti": self._uti(token)}
            self.stubs.append(
                {
                    "kind": "token",
                    "time": f"2026-10-05T{hour:02d}:00:00Z",
                    **common,
                    "thumbprint_sha1": SHA1,
                    "audience": "https://outlook.office365.com",
                    "outcome": "issued",
                    "correlation_id": str(self._uuid()),
                }
            )
            self.stubs.append(
                {
                    "kind": "call",
                    "time": f"2026-10-05T{hour:02d}:00:02Z",
                    **common,
                    "client_request_id": str(self._uuid()),
                    "method": "POST",
                    "resource": "https://outlook.office365.com/EWS/Exchange.asmx",
                    "mailbox": "decoy@x.example",
                    "message_ids": [message],
                    "effect": "read",
                    "status": 200,
                }
            )
            if tenant != self.unlicensed:
                self._signin(tenant, token, f"2026-10-05T{hour:02d}:00:01Z", "203.0.113.7")
            self._access(
                tenant, token, f"2026-10-05T{hour:02d}:00:03", [message], "203.0.113.7", mailbox="decoy@x.example"
            )

    @staticmethod
    def _uti(token):
        return base64.urlsafe_b64encode(token.bytes_le).rstrip(b"=").decode()

    def _signin(self, tenant, token, time, address):
        self.signins.append(
            {
                "id": str(token),
                "createdDateTime": time,
                "appId": APP,
                "resourceTenantId": tenant,
                "servicePrincipalCredentialThumbprint": SHA1,
                "signInEventTypes": ["servicePrincipal"],
                "ipAddress": address,
                "resourceId": EXCHANGE,
                "status": {"errorCode": 0},
                "uniqueTokenIdentifier": self._uti(token),
            }
        )

    def _access(self, tenant, token, time, messages, address, *, mailbox="alice@x.example"):
        self.audit.append(
            {
                "CreationTime": time,
                "Id": str(self._uuid()),
                "Operation": "MailItemsAccessed",
                "RecordType": 50,
                "OrganizationId": tenant,
                "ResultStatus": "Succeeded",
                "Workload": "Exchange",
                "UserType": 0,
                "ClientAppId": APP,
                "AppAccessContext": {"ClientAppId": APP, "UniqueTokenId": self._uti(token)},
                "ClientIPAddress": address,
                "ClientInfoString": "Client=WebServices;x",
                "MailboxOwnerUPN": mailbox,
                "OperationProperties": [{"Name": "MailAccessType", "Value": "Bind"}],
                "Folders": [{"Path": "\\Inbox", "FolderItems": [{"InternetMessageId": m} for m in messages]}],
            }
        )

    def write(self, folder):
        (folder / "logs").mkdir()
        (folder / "stubs.jsonl").write_text("\n".join(map(json.dumps, self.stubs)))
        (folder / "logs" / "signins.json").write_text(json.dumps({"value": self.signins}))
        (folder / "logs" / "audit.json").write_text("\n".join(map(json.dumps, self.audit)))
        return ["--stubs", str(folder / "stubs.jsonl"), "--logs", str(folder / "logs")]
