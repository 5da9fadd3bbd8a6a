"""The laboratory's exports, read by the reconciliation: what it says of the thief is what his journal says."""

import base64
import datetime as dt
import json
import ssl
import uuid

import httpx
import pytest
from tests.lab.bench import GRAPH, MESSAGE, KeyPair, payload

from counterfoil import clock
from counterfoil.__main__ import main
from counterfoil.lab.thief import Thief
from counterfoil.model.instant import rfc3339

ROLES = ["Mail.ReadWrite", "MailboxSettings.ReadWrite"]
CLEAN, STOLEN, REPLAYED, DARK = "clean", "stolen", "replayed", "dark"


class Honest:
    """A program that keeps stubs in the exchange form, written for this test alone."""

    def __init__(self, lab, name, pair):
        self.lab, self.pair, self.stubs = lab, pair, []
        self.tenant = lab.add_tenant(name)["id"]
        self.mailbox = f"alice@{name}.example"
        lab.add_mailbox(self.tenant, self.mailbox)
        self.app = lab.add_application(self.tenant, "Guard", roles=ROLES, certificates_pem=[pair.pem])
        mime = base64.b64encode(MESSAGE.replace(b"m1@", f"{name}@".encode())).decode()
        lab.operate("add_message", address=self.mailbox, mime=mime)
        [key] = lab.operate("credentials", app_id=self.app["app_id"])["keys"]
        self.same = {"tenant": self.tenant, "app": self.app["app_id"]}
        thumbprints = {"thumbprint_sha1": pair.sha1.hex().upper(), "thumbprint_sha256": pair.sha256.hex().upper()}
        self.key = {**thumbprints, "key_id": key["key_id"]}
        self.client = httpx.Client(verify=ssl.create_default_context(cafile=str(lab.endpoints.ca)), trust_env=False)
        self.stub({"kind": "tenant", "tenant": self.tenant, "name": name, "connected": True, "roles": ROLES})
        self.stub({"kind": "credential", **self.same, **self.key, "state": "current"})

    def stub(self, document):
        self.stubs.append({"time": rfc3339(clock.now()), **document})

    def work(self):
        """Get a token and read the mailbox, with a stub for each."""
        correlation, now = str(uuid.uuid4()), clock.now().timestamp()
        url, app = f"{self.lab.endpoints.login}/{self.tenant}/oauth2/v2.0/token", self.app["app_id"]
        assertion = self.pair.sign({"aud": url, "iss": app, "sub": app, "jti": correlation, "exp": now + 600})
        form = {
            "client_id": app,
            "grant_type": "client_credentials",
            "scope": f"{GRAPH}/.default",
            "client_assertion": assertion,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }
        answer = self.client.post(url, data=form, headers={"client-request-id": correlation})
        token = answer.json()["access_token"]
        uti = payload(token)["uti"]
        ids = {"correlation_id": correlation, "request_id": answer.headers["x-ms-request-id"], "uti": uti}
        self.stub({"kind": "token", **self.same, **self.key, **ids, "audience": GRAPH, "outcome": "issued"})
        [item] = self.lab.operate("messages", address=self.mailbox)
        path = f"/v1.0/users/{self.mailbox}/messages/{item['id']}"
        crid = str(uuid.uuid4())
        headers = {"Authorization": f"Bearer {token}", "client-request-id": crid}
        answer = self.client.get(self.lab.endpoints.graph + path, headers=headers)
        call = {"uti": uti, "client_request_id": crid, "method": "GET", "resource": path, "mailbox": self.mailbox}
        names = {"message_ids": [answer.json()["internetMessageId"]]}
        self.stub({"kind": "call", **self.same, **call, **names, "effect": "read", "status": answer.status_code})
        return token


@pytest.fixture
def story(running, tmp_path):
    """Four tenants: one clean, one hit with the key, one with a replayed token, one without logs."""
    pair = KeyPair("shared", start=clock.now() - dt.timedelta(days=1))
    suffix = uuid.uuid4().hex[:6]
    honest = {name: Honest(running, f"{name}{suffix}", pair) for name in (CLEAN, STOLEN, REPLAYED, DARK)}
    running.operate("set_licensed", tenant=honest[DARK].tenant, licensed=False)
    tokens = {name: program.work() for name, program in honest.items()}
    places = running.endpoints
    with Thief(places.login, places.graph, places.ca, tmp_path / "journal.jsonl") as thief:
        victim = honest[STOLEN]
        hold = thief.sign_in(victim.tenant, victim.app["app_id"], pair.key_pem, pair.pem)
        hold.read(victim.mailbox)
        hold.add_rule(victim.mailbox, "drop@evil.example")
        thief.replay(tokens[REPLAYED]).read(honest[REPLAYED].mailbox)
    for program in honest.values():
        running.set(program.tenant, bind_window_seconds=0.0)
        program.client.close()
    stubs = [stub for program in honest.values() for stub in program.stubs]
    (tmp_path / "stubs.jsonl").write_text("".join(json.dumps(stub) + "\n" for stub in stubs))
    return honest, tmp_path


@pytest.mark.parametrize(
    "shapes", [["storage", "purview"], ["analytics", "management"], ["graph", "storage", "purview"]]
)
def test_the_answer_is_the_thiefs_journal(running, story, shapes, capsys):
    """In three sets of shapes: the key theft, the replay and the tenant without logs are told apart, messages exact."""
    honest, place = story
    tenants = [program.tenant for program in honest.values()]
    running.export(place / "logs", tenants=tenants, shapes=shapes)
    code = main(["reconcile", "--json", "--stubs", str(place / "stubs.jsonl"), "--logs", str(place / "logs")])
    answer = json.loads(capsys.readouterr().out)
    found = {entry["tenant"]: entry for entry in answer["tenants"]}
    by_name = {name: found[program.tenant] for name, program in honest.items()}
    kinds = {name: {item["kind"] for item in entry["discrepancies"]} for name, entry in by_name.items()}
    journal = [json.loads(line) for line in (place / "journal.jsonl").read_text().splitlines()]
    read = {name: set() for name in (STOLEN, REPLAYED)}
    for line in journal:
        for name, messages in read.items():
            if line["tenant"] == honest[name].tenant:
                messages |= set(line.get("message_ids") or ())

    assert code == 1
    assert {name: entry["state"] for name, entry in by_name.items()} == {
        CLEAN: "clean",
        STOLEN: "touched",
        REPLAYED: "touched",
        DARK: "cannot-say",
    }
    assert "stolen-certificate" in kinds[STOLEN]
    assert kinds[REPLAYED] == {"replayed-token"}
    assert {name: set(by_name[name]["radius"]["read"]["messages"]) for name in read} == read
    assert {address for item in by_name[STOLEN]["discrepancies"] for address in item["addresses"]} == {"203.0.113.77"}
