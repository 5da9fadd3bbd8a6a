"""Mailbox audit: gathering, deduplication, throttling, licences (Purview, MailItemsAccessed)."""

import pytest
from tests.lab.bench import MESSAGE

ALICE = "/users/alice@contoso.example"


@pytest.fixture
def token(bench):
    """A token with the roles of the bench."""
    return bench.token()


def test_reads_are_gathered_deduplicated_and_throttled(bench, token):
    """Reads within two minutes make one row, the same again within the hour none, and too many rows pause a day."""
    message = bench.add_message()
    url = f"{ALICE}/messages/{message}/$value"

    def binds():
        bench.graph("GET", "/organization", token)
        return [row for row in bench.rows("audit") if row["Operation"] == "MailItemsAccessed"]

    bench.graph("GET", url, token)
    bench.now += 60
    bench.graph("GET", f"{ALICE}/messages/{bench.add_message(MESSAGE.replace(b'm1@', b'm2@'))}", token)
    assert binds() == []
    bench.now += 60
    assert [row["OperationCount"] for row in binds()] == [2]

    bench.graph("GET", url, token)
    bench.now += 120
    assert len(binds()) == 1
    bench.graph("GET", url, token, address="203.0.113.77")
    bench.now += 120
    assert [row["ClientIPAddress"] for row in binds()] == ["198.51.100.7", "203.0.113.77"]

    bench.run("set_settings", bind_limit=2, bind_dedupe_seconds=0.0)
    for _ in range(3):
        bench.graph("GET", url, token)
        bench.now += 121
    throttled = [row["OperationProperties"][1]["Value"] for row in binds()]
    assert throttled == ["False", "False", "True"]


def test_an_unlicensed_tenant_has_fewer_logs(bench, token):
    """Without a licence there is no MailItemsAccessed and no Graph activity, and the sign-in report is 403."""
    bench.run("set_licensed", tenant=bench.tenant, licensed=False)
    bench.graph("GET", f"{ALICE}/messages/{bench.add_message()}", token)
    bench.now += 200
    report = bench.graph("GET", "/beta/auditLogs/signIns", token)

    assert (bench.rows("audit"), bench.rows("activity")) == ([], [])
    assert report.document()["error"]["code"] == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
