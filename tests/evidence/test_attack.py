"""Techniques: ids and names are those of the pinned version, each with the rows that support it."""

import json

import pytest

from counterfoil.evidence.attack import navigator
from counterfoil.evidence.techniques import NAMES, RENAMED, TACTIC_OF, VERSION

APP = "22222222-2222-2222-2222-222222222222"


@pytest.fixture
def published(corpora):
    """MITRE's own data of the pinned version: technique by id."""
    assert f"v{VERSION}" in (corpora / "attack/SOURCE.txt").read_text()
    listed = json.loads((corpora / "attack/enterprise-techniques.json").read_text())["techniques"]
    return {one["id"]: one for one in listed if not one["revoked"] and not one["deprecated"]}


def test_ids_and_names_are_those_that_attack_gives(published):
    """A technique has the name of MITRE's data, with that of its parent before it."""
    parents = {id_: f"{published[id_.split('.')[0]]['name']}: " if "." in id_ else "" for id_ in NAMES}

    assert {id_: parents[id_] + published[id_]["name"] for id_ in NAMES} == NAMES


def test_every_technique_stands_under_a_tactic_that_it_serves(published):
    """The layer shows a technique under one tactic, which MITRE lists for it."""
    assert set(TACTIC_OF) == set(NAMES)
    assert all(tactic in published[id_]["tactics"] for id_, tactic in TACTIC_OF.items())


def test_renamed_ids_are_ids_that_we_print():
    """The table towards the next version holds none that we do not use."""
    assert set(RENAMED) <= set(NAMES)


def test_a_layer_has_what_the_navigator_asks_for():
    """Layer format 4.5: version, domain, and for each technique a score that is the number of its rows."""
    layer = navigator({"T1114.002": [f"row-{n}" for n in range(30)], "T1199": ["row-0"]}, "case")
    first, second = layer["techniques"]

    assert layer["versions"] == {"attack": "18", "navigator": "5.1.0", "layer": "4.5"}
    assert (layer["domain"], layer["gradient"]["maxValue"]) == ("enterprise-attack", 30)
    assert (first["techniqueID"], first["score"], first["tactic"]) == ("T1114.002", 30, "collection")
    assert first["comment"].startswith("30 rows: row-0, row-1,")
    assert (second["techniqueID"], second["score"], second["showSubtechniques"]) == ("T1199", 1, False)


def test_a_technique_names_the_rows_that_support_it_and_no_others(case):
    """Signing in supports what a sign-in is, reading what reading is."""
    case.heartbeat().signin(7, "09:30:00", ipAddress="198.51.100.9")
    case.access(7, "mia-9", ["<m2@contoso.example>"], "09:31:00")
    rows = {entry["id"]: entry["rows"] for entry in case.tenant()["radius"]["techniques"]}

    assert set(rows) == {"T1078.004", "T1114.002", "T1199", "T1552.004"}
    assert [len(found) for found in rows.values()] == [1, 1, 1, 1]
    assert rows["T1114.002"][0].endswith("mia-9")
    assert rows["T1199"][0].startswith("sign-ins:")


def test_what_was_done_with_a_strange_credential_is_no_row_for_adding_it(case):
    """An additional credential is supported by its sign-in; a message that was read with it supports reading."""
    case.heartbeat()
    case.signin(7, "09:30:00", servicePrincipalCredentialThumbprint="52ED9B5038A47B9E2E2190715CC238359D4F8F73",
                servicePrincipalCredentialKeyId="0f0f0f0f-0000-4000-8000-000000000001")  # fmt: skip
    case.access(7, "mia-9", ["<m2@contoso.example>"], "09:31:00")
    rows = {entry["id"]: entry["rows"] for entry in case.tenant()["radius"]["techniques"]}

    assert {id_: len(found) for id_, found in rows.items()} == {"T1098.001": 1, "T1114.002": 1}


@pytest.mark.parametrize(
    ("path", "technique"),
    [
        ("/users", "T1087.004"),
        ("/groups", "T1069.003"),
        ("/sites/root", "T1213.002"),
        ("/users/u1/drive/items/i1/children", "T1530"),
        ("/organization", "T1526"),
    ],
)
def test_looking_around_over_graph(case, path, technique):
    """A reading call supports the technique of what it reads."""
    case.heartbeat().signin(7, "09:30:00")
    case.graph(7, "x", "req-9", "09:31:00", requestUri=f"https://graph.microsoft.com/v1.0{path}")

    assert technique in {entry["id"] for entry in case.tenant()["radius"]["techniques"]}
