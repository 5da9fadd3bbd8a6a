"""Thieves: the traces that each leaves, and the truth about him."""

import json
from datetime import UTC, datetime

import pytest

from counterfoil.cases import story
from counterfoil.cases.rows import AZURE, THIEF
from counterfoil.cases.thief import NEEDS_GRAPH, THIEVES

START = datetime(2026, 10, 5, tzinfo=UTC)


def meet(name, seed=1):
    """One tenant that this thief visits."""
    known = story.known_names(name)
    stage = story.setting(START, 0.25, 1, 24, seed, known)
    return story.tell(story.cast(1, seed, known)[0], stage)


def traces(part):
    """The thief's rows by log."""
    books = part.books
    return {
        name: [row for row in log if row.origin == THIEF]
        for name, log in (
            ("sign-ins", books.sign_ins), ("graph", books.graph), ("mailbox", books.mailbox),
            ("directory", books.directory),
        )
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(THIEVES))
def test_a_thief_leaves_rows_and_a_truth(name):
    """Somebody who does something can be found by something, and the truth names a kind for it."""
    part = meet(name)
    assert any(traces(part).values())
    assert part.theft.kinds
    assert part.tenant.style == "graph" or name not in NEEDS_GRAPH


@pytest.mark.parametrize(
    ("name", "left", "activity"),
    [
        ("own-key", "addKey", "Update application \N{EN DASH} Certificates and secrets management "),
        ("added-secret", "addPassword", "Update application \N{EN DASH} Certificates and secrets management "),
        ("federated", "federatedIdentityCredentials", "Update application"),
        ("consent", "oauth2PermissionGrants", "Add delegated permission grant"),
        ("role", "appRoleAssignments", "Add app role assignment to service principal"),
    ],
)
def test_what_is_added_to_the_directory_shows_there_and_in_the_call(name, left, activity):
    """The call over Graph and the change of the directory lie a second apart."""
    part = meet(name)
    found = traces(part)
    (event,) = found["directory"]
    assert (part.theft.left, event.activity) == ([left], activity)
    assert any(row.uri.endswith(left) for row in found["graph"])


@pytest.mark.parametrize(("name", "kind"), [("added-secret", "secret"), ("federated", "federated")])
def test_a_secret_and_a_federated_credential_have_no_thumbprint(name, kind):
    """The second sign-in is by the credential that he added."""
    keys = [row.key for row in traces(meet(name))["sign-ins"]]
    assert (keys[-1].kind, keys[-1].sha1) == (kind, "")
    assert keys[0].kind == "certificate"


@pytest.mark.parametrize(("name", "operation"), [("inbox-rule", "New-InboxRule"), ("forwarding", "Set-Mailbox")])
def test_rules_and_forwarding_show_in_mailbox_audit_with_where_they_send(name, operation):
    """The parameters of the cmdlet name the address."""
    found = [row for row in traces(meet(name))["mailbox"] if row.operation == operation]
    assert "evil.example" in json.dumps(dict(found[0].detail))


def test_a_standby_key_is_one_of_ours_and_no_stub_is_a_use_of_it():
    """The registry knows it as standby; nobody but the thief signs in with it."""
    part = meet("standby-key")
    ours = [stub for stub in part.books.stubs if stub.get("thumbprint_sha1") == part.tenant.standby.sha1]
    assert [(stub["kind"], stub["state"]) for stub in ours] == [("credential", "standby")]
    assert [row.key for row in traces(part)["sign-ins"]] == [part.tenant.standby]


def test_a_token_for_another_resource_leaves_a_sign_in_and_nothing_else():
    """What he does with it is in no log that we are given."""
    found = traces(meet("other-resource"))
    assert [row.audience for row in found["sign-ins"]] == [AZURE]
    assert not any(found[log] for log in ("graph", "mailbox", "directory"))


@pytest.mark.parametrize("name", ["neighbour", "replay-next-door"])
def test_a_neighbour_has_our_address(name):
    """Nothing can be told by where he comes from."""
    part = meet(name)
    assert {row.address for row in part.books.sign_ins} == {part.tenant.address}
    assert {row.address for row in part.books.mailbox} == {part.tenant.address}


def test_a_repeated_request_differs_from_ours_in_nothing_but_its_own_id():
    """Same token, path, method and client-request-id as a row of ours."""
    part = meet("repeated-request")
    (his,) = traces(part)["graph"]
    same = [row for row in part.books.graph if row.client_request == his.client_request]
    assert len({(row.token, row.method, row.uri) for row in same}) == 1
    assert len({row.request for row in same}) == 2


@pytest.mark.parametrize(("name", "has_job"), [("inside", False), ("inside-false-job", True)])
def test_inside_every_row_has_its_stub_and_no_stub_its_job(name, has_job):
    """No job line has the id that his stubs name."""
    part = meet(name)
    jobs = {stub["id"] for stub in part.books.stubs if stub["kind"] == "job"}
    strange = [s for s in part.books.stubs if s["kind"] in ("token", "call") and s["job"] not in jobs]
    assert len(strange) == 4
    assert all((stub["job"] is not None) is has_job for stub in strange)
