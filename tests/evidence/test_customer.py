"""What one customer gets shows that customer only, and lets him check us on his own logs."""

import json
import re

import pytest

from counterfoil.evidence.customer import Proofs, customer_files, folder_of

TENANT = "11111111-1111-1111-1111-111111111111"
OTHER = "99999999-9999-9999-9999-999999999999"
FOREIGN = "52ED9B5038A47B9E2E2190715CC238359D4F8F73"


@pytest.fixture
def two(case):
    """Two customers, each with a name, an address, messages, calls and a thief of its own, in the same files."""
    case.heartbeat().connect(OTHER)
    case.stubs[0]["name"] = "Contoso"
    case.stubs[-2]["name"] = "Fabrikam"
    case.signin(7, "09:30:00", ipAddress="198.51.100.9")
    case.access(7, "mia-7", ["<secret-of-contoso@contoso.example>"], "09:31:00")
    mine = len(case.stubs), len(case.signins), len(case.mail), len(case.calls)
    case.token(21, "09:10:00")
    case.call(21, "crid-fabrikam", "09:11:00", mailbox="frank@fabrikam.example",
              message_ids=["<ours@fabrikam.example>"])  # fmt: skip
    case.signin(21, "09:10:01", tenant=OTHER)
    case.signin(22, "09:40:00", tenant=OTHER, ipAddress="192.0.2.66", servicePrincipalCredentialThumbprint=FOREIGN)
    case.access(22, "mia-fabrikam", ["<secret@fabrikam.example>"], "09:41:00", OrganizationId=OTHER,
                MailboxOwnerUPN="frank@fabrikam.example", UserId="frank@fabrikam.example")  # fmt: skip
    for stub in case.stubs[mine[0] :]:
        stub["tenant"] = OTHER
    case.files = {"fabrikam-and-contoso.json": json.dumps(case.mail[mine[2] :]).encode()}
    del case.mail[mine[2] :]
    return case


def exported(case, proofs=None):
    """The files of the export by path."""
    answer = case.answer()
    return dict(customer_files(answer.tenants, answer.books, answer.window.since, answer.window.until, proofs))


def receipts(tenant):
    """Receipts as the ledger would give them: each names its tenant."""
    return {
        "stubs/1.stub.json": json.dumps({"tenant": tenant}).encode(),
        "stubs/1.tlog-proof": b"proof of " + tenant.encode(),
    }


def uti(case, place):
    """The token id of a sign-in row."""
    return case.signins[place]["properties"]["uniqueTokenIdentifier"]


def test_no_file_of_one_customer_has_anything_of_the_other(two):
    """No name, id, address, mailbox, Message-ID, token, client-request-id, receipt or file name of anybody else."""
    files = exported(two, Proofs(receipts, "key", {"checkpoint": b"c", "verify_ledger.py": b"v"}))
    theirs = {
        TENANT: ["Fabrikam", OTHER, OTHER.replace("-", ""), "fabrikam", "192.0.2.66", FOREIGN, "frank", uti(two, 2),
                 uti(two, 3), "crid-fabrikam", "mia-fabrikam"],
        OTHER: ["Contoso", TENANT, TENANT.replace("-", ""), "contoso", "198.51.100.9", "alice", uti(two, 0),
                uti(two, 1), "crid-1", "mia-7"],
    }  # fmt: skip
    for tenant, words in theirs.items():
        own = {name: octets for name, octets in files.items() if name.startswith(f"{tenant}/")}
        assert {name.partition("/")[2] for name in own} == {
            "README.txt", "answer.json", "attack-layer.json", "check.kql", "check.sql", "checkpoint", "report.html",
            "stubs/1.stub.json", "stubs/1.tlog-proof", "verify_ledger.py",
        }  # fmt: skip
        for name, octets in own.items():
            found = [word for word in words if word.lower() in octets.decode().lower()]
            assert found == [], name
    assert len(files) == 20


def test_each_gets_what_is_his(two):
    """The same words are there for the customer whose they are: the test above could not pass on empty files."""
    files = exported(two)
    answers = {tenant: json.loads(files[f"{tenant}/answer.json"]) for tenant in (TENANT, OTHER)}
    pages = {tenant: files[f"{tenant}/report.html"].decode() for tenant in (TENANT, OTHER)}

    assert (answers[TENANT]["name"], answers[TENANT]["state"]) == ("Contoso", "touched")
    assert answers[TENANT]["radius"]["read"]["messages"] == ["<secret-of-contoso@contoso.example>"]
    assert answers[OTHER]["radius"]["read"]["messages"] == ["<secret@fabrikam.example>"]
    assert all(name in pages[tenant] for tenant, name in ((TENANT, "<h2>Contoso"), (OTHER, "<h2>Fabrikam")))
    assert "secret-of-contoso" in pages[TENANT]
    assert "crid-fabrikam" in files[f"{OTHER}/check.sql"].decode()


def test_rows_are_named_by_their_own_log_and_not_by_our_files(two):
    """A file of a mixed export may be named after somebody else: the record's id in the tenant's log is enough."""
    answer = json.loads(exported(two)[f"{OTHER}/answer.json"])
    rows = [row for entry in answer["discrepancies"] for row in entry["evidence"]]

    assert {name for row in rows for name in row} & {"file", "place", "copies"} == set()
    assert "mia-fabrikam" in {row["record"] for row in rows}


def test_a_layer_is_there_where_a_technique_is(two):
    """The layer holds the techniques of this customer's rows."""
    layer = json.loads(exported(two)[f"{OTHER}/attack-layer.json"])

    assert {entry["techniqueID"] for entry in layer["techniques"]} == {"T1078.004", "T1114.002", "T1199", "T1552.004"}


def test_the_readme_says_whether_there_are_receipts(two):
    """With a ledger it says how to verify; with a file of stubs it says that nothing proves them."""
    with_them = exported(two, Proofs(receipts, "log+0102+AbCd"))[f"{TENANT}/README.txt"].decode()
    without = exported(two)[f"{TENANT}/README.txt"].decode()

    assert "python verify_ledger.py receipts . 'log+0102+AbCd'" in with_them
    assert "there are no receipts" in without
    assert "2026-10-05 09:00" in without


@pytest.mark.parametrize(
    ("one", "other"), [("a/b", "a_b"), ("T1", "t1"), ("..", "__"), (".hidden", "_hidden"), ("x" * 200, "x" * 201)]
)
def test_two_tenants_never_share_a_folder(one, other):
    """An id that came from a log cannot name somebody else's folder, or one above."""
    assert folder_of(one).lower() != folder_of(other).lower()
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", folder_of(name)) for name in (one, other))
    assert folder_of(TENANT) == TENANT


def test_a_page_without_a_tenant_belongs_to_the_tenant_whose_tokens_it_shows(case):
    """Some pages and Defender's rows name no tenant; our own tokens in the file do."""
    case.heartbeat().connect(OTHER, connected=False)
    case.signin(7, "09:30:00", ipAddress="198.51.100.9")
    pages = [{**row["properties"], "signInEventTypes": ["servicePrincipal"]} for row in case.signins]
    case.files = {"page.json": json.dumps({"value": pages}).encode()}
    case.signins = []
    document = case.answer().document

    assert [(tenant["tenant"], tenant["state"]) for tenant in document["tenants"]] == [
        (TENANT, "touched"),
        (OTHER, "clean"),
    ]
    assert document["tenants"][0]["coverage"][0]["hours_proven"] == 1


def test_a_page_below_an_unknown_tenant_is_not_taken_for_ours(case):
    """A path that names another tenant does not give its rows to the only tenant we know."""
    case.heartbeat()
    row = case.signin(7, "09:30:00")
    case.signins.remove(row)
    page = {"value": [{**row["properties"], "signInEventTypes": ["servicePrincipal"]}]}
    case.files = {f"{OTHER}/page.json": json.dumps(page).encode()}

    assert [e["kind"] for e in case.tenant()["discrepancies"]] == []
