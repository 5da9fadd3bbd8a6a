"""What one customer gets shows that customer only, and lets him check us on his own logs."""

import json

import duckdb

from counterfoil.evidence.customer import customer_files

TENANT = "11111111-1111-1111-1111-111111111111"
OTHER = "99999999-9999-9999-9999-999999999999"


def test_the_query_finds_what_we_did_not_do_and_names_nobody_else(case):
    """Run on the tenant's own export, the query returns the thief's sign-in; no file names another tenant."""
    case.heartbeat().connect(OTHER)
    case.stub("token", time="2026-10-05T09:01:00Z", tenant=OTHER, uti="OPD3UZnmTkud24wRw6ATAA", outcome="issued")
    case.stubs[-1]["tenant"] = OTHER
    case.signin(7, "09:30:00", ipAddress="198.51.100.9")
    answer = case.answer()
    files = dict(customer_files(answer.tenants, answer.books))
    place = case.folder / "logs" / "signins.json"
    with duckdb.connect() as base:
        rows = base.execute(files[f"{TENANT}/check.sql"].replace("signins.json", str(place))).fetchall()

    assert [row[1] for row in rows] == ["198.51.100.9"]
    mine = [text for name, text in files.items() if name.startswith(TENANT)]
    assert len(mine) == 4
    assert not any(OTHER in text or "OPD3UZnmTkud24wRw6ATAA" in text for text in mine)
    assert json.loads(files[f"{TENANT}/answer.json"])["state"] == "touched"
    layer = json.loads(files[f"{TENANT}/attack-layer.json"])
    assert {entry["techniqueID"] for entry in layer["techniques"]} == {"T1199", "T1078.004", "T1552.004"}


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
