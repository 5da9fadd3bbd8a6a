"""The laboratory as a whole: restart, faults by seed, exports, the admin API, the command."""

import base64
import csv
import io
import json
import os
import signal
import ssl
import subprocess
import sys

import httpx
import pytest
from tests.lab.bench import GRAPH, KEYS, MESSAGE

from counterfoil.lab.laboratory import Laboratory
from counterfoil.lab.plan import FAULTS
from counterfoil.model.errors import Misconfigured, Refused


def test_everything_survives_a_restart(tmp_path, own_roots):
    """Objects, rows, settings, ports, authority and even tokens are the same after a restart."""
    with Laboratory(tmp_path / "lab", seed=5) as first:
        tenant = first.add_tenant("Contoso", domains=["contoso.example"])["id"]
        app = first.add_application(tenant, "Guard", certificates_pem=[KEYS[0].pem], roles=["Mail.Read"])
        first.add_mailbox(tenant, "alice@contoso.example")
        first.operate("add_message", address="alice@contoso.example", mime=base64.b64encode(MESSAGE).decode())
        first.set(page_size=7)
        first.set(tenant, lost_share=0.5)
        before = (first.endpoints, first.operate("messages", address="alice@contoso.example"))
        rows = first.operate("rows", tenant=tenant, log="directory")
        keys = first.operate("credentials", app_id=app["app_id"])
    with Laboratory(tmp_path / "lab", seed=5) as second:
        after = (second.endpoints, second.operate("messages", address="alice@contoso.example"))
        other = second.add_tenant("Fabrikam")["id"]

        assert after == before
        assert second.operate("rows", tenant=tenant, log="directory") == rows
        assert second.operate("credentials", app_id=app["app_id"]) == keys
        assert second.engine.world.settings.page_size == 7
        assert second.operate("tenants")[0]["settings"] == {"lost_share": 0.5}
        assert other != tenant


def test_a_file_in_the_way_is_said_plainly(tmp_path):
    """A data path that is a file is a Misconfigured error with a hint."""
    (tmp_path / "lab").write_text("x")
    with pytest.raises(Misconfigured, match="is a file"):
        Laboratory(tmp_path / "lab")


def test_one_directory_is_one_laboratory(tmp_path):
    """A second laboratory on the same directory is refused while the first one runs, and not afterwards."""
    with Laboratory(tmp_path / "lab"), pytest.raises(Misconfigured, match="another laboratory runs on"):
        Laboratory(tmp_path / "lab")
    with Laboratory(tmp_path / "lab") as again:
        assert again.operate("tenants") == []


def test_the_fault_plan_depends_on_its_seed_alone(bench):
    """The same seed gives the same faults to tenants of the same names, another seed others; all kinds occur."""
    for number in range(40):
        bench.run("add_tenant", name=f"Tenant {number}")
    plans = [bench.run("apply_faults", seed=seed, share=0.3) for seed in (1, 1, 2)]

    assert plans[0] == plans[1] != plans[2]
    assert {kind for kinds in plans[0].values() for kind in kinds} == set(FAULTS)
    unlicensed = {tenant for plan in plans for tenant, kinds in plan.items() if "unlicensed" in kinds}
    assert {tenant["id"] for tenant in bench.run("tenants") if not tenant["licensed"]} == unlicensed


def test_timeouts_after_success_and_cuts_lose_only_the_answer(bench):
    """A 504 or a broken answer comes after the change was made; reads are never hit."""
    token = bench.token()
    url = "/users/alice@contoso.example/messages"
    bench.run("set_settings", timeout_share=1.0, hang_seconds=2.0)
    lost = bench.graph("DELETE", f"{url}/{bench.add_message()}", token)
    bench.run("set_settings", timeout_share=0.0, cut_share=1.0)
    cut = bench.graph("POST", f"{url}/{bench.add_message()}/move", token, json_body={"destinationId": "archive"})

    assert (lost.status, lost.delay, cut.status, cut.cut) == (504, 2.0, 201, True)
    assert [item["folder"] for item in bench.run("messages", address="alice@contoso.example")] == [
        "\\Recoverable Items\\Deletions",
        "\\Archive",
    ]
    assert [row["Operation"] for row in bench.rows("audit")] == ["SoftDelete", "Move"]
    assert bench.graph("GET", url, token).status == 200


def test_a_cut_answer_really_breaks_the_connection(running, joined, credential):
    """Over the wire a cut answer is a protocol error for the client, and the change was made."""
    running.set(joined.tenant, cut_share=1.0)
    token = credential.get_token(f"{GRAPH}/.default").token
    verify = ssl.create_default_context(cafile=str(running.endpoints.ca))
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(
            f"{running.endpoints.graph}/v1.0/users/{joined.mailbox}/messages",
            json={"subject": "kept"},
            headers={"Authorization": f"Bearer {token}"},
            verify=verify,
            trust_env=False,
        )
    assert len(running.operate("messages", address=joined.mailbox)) == 1


def test_storms_go_on_for_their_time_and_hit_one_application(bench):
    """A storm answers 429 with Retry-After for its seconds, to the application that met it, in that tenant only."""
    token = bench.token()
    bench.run("set_settings", throttle_share=1.0, storm_seconds=30.0, retry_after_seconds=7.0)
    struck = bench.graph("GET", "/organization", token)
    bench.run("set_settings", throttle_share=0.0)
    bench.now += 29
    during = bench.graph("GET", "/organization", token)
    bench.now += 2
    after = bench.graph("GET", "/organization", token)

    assert [reply.status for reply in (struck, during, after)] == [429, 429, 200]
    assert struck.headers["Retry-After"] == "7"
    assert struck.document()["error"]["code"] == "TooManyRequests"


def test_errors_come_before_anything_is_done(bench):
    """A 503 with Retry-After changes nothing."""
    token, message = bench.token(), bench.add_message()
    bench.run("set_settings", error_share=1.0)
    reply = bench.graph("DELETE", f"/users/alice@contoso.example/messages/{message}", token)

    assert (reply.status, bench.rows("audit")) == (503, [])
    assert reply.headers["Retry-After"] == "1"


def test_an_administrator_meddles_in_the_middle(running, joined):
    """A scheduled operation happens by itself, and is logged under the administrator's name."""
    arguments = {"tenant": joined.tenant, "user": "boss@contoso.example"}
    running.operate("schedule", seconds=0.0, operation="admin_meddle", arguments=arguments)
    running.operate("schedule", seconds=0.0, operation="no_such", arguments={})
    running.engine.ripen()
    rows = [row["body"] for row in running.operate("rows", tenant=joined.tenant, log="directory")]

    assert len(running.operate("credentials", app_id=joined.app["app_id"])["secrets"]) == 1
    assert rows[-1]["actor"]["user"] == "boss@contoso.example"


@pytest.mark.parametrize("operation", ["no_such", "add_message", "set_settings"])
def test_the_admin_api_refuses_plainly(running, operation):
    """An unknown operation, a missing argument and an unknown dial are 400 with a sentence."""
    verify = ssl.create_default_context(cafile=str(running.endpoints.ca))
    arguments = {"set_settings": {"speed": 2}}.get(operation, {})
    url = f"{running.endpoints.admin}/lab/{operation}"
    answer = httpx.post(url, json=arguments, verify=verify, trust_env=False)

    assert answer.status_code == 400
    assert operation in answer.json()["error"] or "no dial speed" in answer.json()["error"]
    with pytest.raises(Refused):
        running.operate(operation, **arguments)


def test_exports_hold_the_same_rows_in_every_shape(running, joined, credential, tmp_path):
    """Storage, Log Analytics, Graph pages, Purview and Management exports tell of the same ids."""
    token = credential.get_token(f"{GRAPH}/.default").token
    running.operate("add_message", address=joined.mailbox, mime=base64.b64encode(MESSAGE).decode())
    verify = ssl.create_default_context(cafile=str(running.endpoints.ca))
    url = f"{running.endpoints.graph}/v1.0/users/{joined.mailbox}/messages"
    httpx.get(url, headers={"Authorization": f"Bearer {token}"}, verify=verify, trust_env=False)
    running.set(joined.tenant, bind_window_seconds=0.0)
    count = running.export(tmp_path, tenants=[joined.tenant])
    files = {path.relative_to(tmp_path / joined.tenant): path for path in tmp_path.rglob("*") if path.is_file()}
    by_name = {str(name).partition("/")[0]: path for name, path in files.items()}
    sign_in = next(path for name, path in files.items() if "serviceprincipalsigninlogs" in str(name))
    table = next(path for name, path in files.items() if name.name == "AADServicePrincipalSignInLogs.csv")
    [csv_row] = csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig")))
    [line] = [json.loads(text) for text in sign_in.read_text().splitlines()]
    purview = list(csv.DictReader(io.StringIO(by_name["purview"].read_text(encoding="utf-8-sig"))))
    blobs = [
        record for name, path in files.items() if "management" in str(name) for record in json.loads(path.read_text())
    ]

    assert count == len(files)
    assert line["properties"]["id"] == csv_row["Id"]
    assert {json.loads(row["AuditData"])["Id"] for row in purview} == {record["Id"] for record in blobs}
    assert "MailItemsAccessed" in {row["Operation"] for row in purview}


def test_what_was_answered_survives_a_kill(tmp_path):
    """Killed with SIGKILL right after an answer, it comes back on the same ports with what it said was done."""
    line = [sys.executable, "-m", "counterfoil", "lab", "--json", "--data", str(tmp_path)]
    said = []
    for ended in (signal.SIGKILL, signal.SIGTERM):
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
            try:
                places = json.loads(process.stdout.readline())
                verify = ssl.create_default_context(cafile=places["ca"])
                operation, words = ("add_tenant", {"name": "Kept"}) if not said else ("tenants", {})
                url = f"{places['admin']}/lab/{operation}"
                said.append((places, httpx.post(url, json=words, verify=verify, trust_env=False).json()))
            finally:
                process.send_signal(ended)
    assert said[0][0] == said[1][0]
    assert said[1][1] == [said[0][1]]


def test_the_command_prints_where_it_is_and_stops_when_asked(tmp_path):
    """``counterfoil lab --json`` prints its endpoints once they answer, exports on SIGTERM and exits 0."""
    command = [
        sys.executable,
        "-m",
        "counterfoil",
        "lab",
        "--json",
        "--data",
        str(tmp_path),
        "--export",
        str(tmp_path / "logs"),
    ]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=buffered) as process:
        try:
            places = json.loads(process.stdout.readline())
            verify = ssl.create_default_context(cafile=places["ca"])
            answer = httpx.post(f"{places['admin']}/lab/add_tenant", json={"name": "C"}, verify=verify, trust_env=False)
            url = f"{places['login']}/{answer.json()['id']}/v2.0/.well-known/openid-configuration"
            discovery = httpx.get(url, verify=verify, trust_env=False)
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0

    assert discovery.status_code == 200
    assert set(places) == {"login", "graph", "manage", "admin", "smtp", "blob", "ca"}
