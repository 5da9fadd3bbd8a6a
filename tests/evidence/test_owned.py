"""What was pulled from one tenant speaks of that tenant only: a customer writes his own container himself."""

import json

import pytest

TENANT = "11111111-1111-1111-1111-111111111111"
OTHER = "99999999-9999-9999-9999-999999999999"


@pytest.fixture
def pulled(case):
    """Logs as ``connection pull`` lays them: a folder a tenant below ``evidence``; the other tenant is ours too."""
    case.heartbeat().connect(OTHER)
    case.token(31, "09:10:00")
    case.stubs[-1]["tenant"] = OTHER
    case.signin(31, "09:10:01", tenant=OTHER)
    theirs = case.signins.pop()
    lay(case, f"{OTHER}/sign-ins/2026-10-05T09.json", theirs)
    for name in ("signins", "calls", "mail"):
        for number, row in enumerate(getattr(case, name)):
            lay(case, f"{TENANT}/storage/{name}-{number}.json", row)
        setattr(case, name, [])
    case.write = lambda: case.folder / "evidence"
    return case


def lay(case, name, *rows):
    """Write rows into the evidence folder."""
    path = case.folder / "evidence" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))


def told(case):
    """Each tenant's state and kinds, and how many of its sign-in hours are proven."""
    document = case.answer().document
    return {
        one["tenant"]: (
            one["state"],
            {entry["kind"] for entry in one["discrepancies"]} - {"unseen"},
            one["coverage"][0]["hours_proven"],
        )
        for one in document["tenants"]
    }


def test_each_counts_for_its_own_tenant(pulled):
    """The rows of each folder prove its tenant's hours."""
    assert told(pulled)[TENANT] == ("clean", set(), 1)
    assert told(pulled)[OTHER][2] == 1


def foreign(case, number, tenant):
    """A theft's sign-in in a tenant."""
    case.signin(number, "09:30:00", tenant=tenant, ipAddress="198.51.100.9")
    return case.signins.pop()


def test_nobody_can_accuse_through_his_own_container(pulled):
    """A sign-in that names another customer does not touch that one; the file says that it was left out."""
    before = told(pulled)
    lay(pulled, f"{TENANT}/storage/planted.json", foreign(pulled, 7, OTHER), foreign(pulled, 8, "unheard-of"))
    answer = pulled.answer()
    (reading,) = [one for one in answer.files if one.name.endswith("planted.json")]

    assert told(pulled)[OTHER] == before[OTHER]
    assert set(told(pulled)) == {TENANT, OTHER}
    assert reading.faults == ["2 rows of another tenant than the one whose logs these are: not counted"]


def test_nobody_can_vouch_through_his_own_container(pulled):
    """A row that would prove another customer's hour proves nothing there."""
    pulled.token(41, "09:20:00")
    pulled.stubs[-1]["tenant"] = OTHER
    pulled.signin(41, "09:20:01", tenant=OTHER)
    row = pulled.signins.pop()
    lay(pulled, f"{TENANT}/storage/planted.json", row)
    assert told(pulled)[OTHER][2] == 0
    lay(pulled, f"{OTHER}/storage/own.json", row)
    assert told(pulled)[OTHER][2] == 1


@pytest.mark.parametrize("junk", ['{"what": "is this"}', "{", json.dumps({"tenantId": OTHER, "what": 1}), "\x00\x01"])
def test_nobody_can_cost_others_the_coverage(pulled, junk):
    """What nobody knows, in one customer's container, costs that customer and nobody else."""
    before = told(pulled)
    lay(pulled, f"{TENANT}/storage/junk.json", junk)

    assert told(pulled)[OTHER] == before[OTHER]
    assert told(pulled)[TENANT][0] == "cannot-say"


def test_a_large_file_is_no_way_around_it(pulled, monkeypatch):
    """The typed way hands a file that names somebody else to the readers that leave those rows out."""
    before = told(pulled)
    monkeypatch.setattr("counterfoil.evidence.collect.collect.__kwdefaults__", {"worthwhile": 1})
    lay(pulled, f"{TENANT}/storage/planted.json", *(foreign(pulled, 100 + n, OTHER) for n in range(50)))
    lay(pulled, f"{TENANT}/storage/own.json", *(foreign(pulled, 200 + n, TENANT) for n in range(3)))

    assert told(pulled)[OTHER] == before[OTHER]
    assert told(pulled)[TENANT][:2] == ("touched", {"stolen-certificate"})


def test_exports_that_somebody_gives_are_believed_as_they_are(pulled):
    """The rule is for what was pulled: a folder of exports may be mixed, whatever its folders are called."""
    lay(pulled, f"{TENANT}/storage/planted.json", foreign(pulled, 7, OTHER))
    (pulled.folder / "evidence").rename(pulled.folder / "exports")
    pulled.write = lambda: pulled.folder / "exports"

    assert told(pulled)[OTHER][0] == "touched"
