"""What outlives a theft is named by its kind, from rows shaped as the logs have them; what took away is not."""

import json

import pytest

TENANT = "11111111-1111-1111-1111-111111111111"
APP = "22222222-2222-2222-2222-222222222222"
PRINCIPAL = "44444444-4444-4444-4444-444444444444"
STRANGE = "0f0f0f0f-0000-4000-8000-000000000001"
ALICE = "alice@contoso.example"
RULES = f"/users/{ALICE}/mailFolders/inbox/messageRules"


@pytest.fixture
def theft(case):
    """A proven hour, and a sign-in with our certificate that is not ours."""
    case.heartbeat().signin(7, "09:30:00", ipAddress="198.51.100.9")
    return case


def left(case, **window):
    """What the answer lists as left behind: kind and words."""
    return [(entry["kind"], entry["what"]) for entry in case.tenant(**window)["radius"]["persistence"]]


def call(case, method, path, **fields):
    """One call over Graph under the thief's token."""
    url = f"https://graph.microsoft.com/v1.0{path}"
    case.graph(7, "x", "req-9", "09:31:00", requestMethod=method, requestUri=url, **fields)


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/subscriptions", "subscription"),
        ("POST", RULES, "inbox-rule"),
        ("PATCH", f"{RULES}/AQAAA", "inbox-rule"),
        ("POST", "/admin/exchange/mailboxes/m1/createImportSession", "import-session"),
        ("POST", f"/applications/{APP}/addKey", "certificate"),
        ("PATCH", f"/applications/{APP}", "certificate"),
        ("POST", f"/applications/{APP}/addPassword", "secret"),
        ("POST", f"/servicePrincipals/{PRINCIPAL}/addPassword", "secret"),
        ("POST", f"/applications/{APP}/federatedIdentityCredentials", "federated-credential"),
        ("POST", f"/servicePrincipals/{PRINCIPAL}/appRoleAssignments", "consent"),
        ("POST", "/oauth2PermissionGrants", "consent"),
        ("POST", "/roleManagement/directory/roleAssignments", "role"),
        ("POST", "/directoryRoles/r1/members/$ref", "role"),
        ("POST", f"/applications/{APP}/owners/$ref", "owner"),
        ("POST", "/applications", "application"),
    ],
)
def test_calls_over_graph_that_leave_something(theft, method, path, kind):
    """Each call that makes something which outlives the token is listed, by kind."""
    call(theft, method, path)

    assert left(theft) == [(kind, f"{method} {path}")]


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("DELETE", f"{RULES}/AQAAA", {}),
        ("DELETE", "/subscriptions/s1", {}),
        ("GET", "/subscriptions", {}),
        ("POST", f"/applications/{APP}/removeKey", {}),
        ("POST", "/subscriptions", {"responseStatusCode": 403}),
    ],
)
def test_what_takes_away_looks_or_fails_leaves_nothing(theft, method, path, fields):
    """A deletion, a listing and a refusal are no persistence."""
    call(theft, method, path, **fields)

    assert left(theft) == []


def admin(case, operation, parameters, **fields):
    """One Exchange cmdlet record (record type 1), the address with its port."""
    given = [{"Name": name, "Value": value} for name, value in parameters.items()]
    case.access(7, "rule-1", (), "09:32:00", Operation=operation, RecordType=1, ResultStatus="True", Folders=None,
                OperationProperties=None, Parameters=given, ClientIPAddress=None,
                ClientIP="198.51.100.20:52344", **fields)  # fmt: skip


HIDING = {"AlwaysDeleteOutlookRulesBlob": "False", "Name": ".", "MoveToFolder": "RSS Feeds", "MarkAsRead": "True"}


@pytest.mark.parametrize(
    ("operation", "parameters", "kind", "techniques"),
    [
        ("New-InboxRule", HIDING, "inbox-rule", {"T1564.008"}),
        ("New-InboxRule", {"ForwardTo": "x@evil.example"}, "forwarding", {"T1114.003"}),
        ("Set-InboxRule", {"RedirectTo": "x@evil.example"}, "forwarding", {"T1114.003"}),
        ("Set-Mailbox", {"ForwardingSmtpAddress": "smtp:x@evil.example"}, "forwarding", {"T1114.003"}),
        ("Set-Mailbox", {"AuditEnabled": "False"}, "mailbox-setting", {"T1562.008"}),
        ("Add-MailboxPermission", {"User": "m", "AccessRights": "FullAccess"}, "mailbox-permission", {"T1098.002"}),
        ("New-ManagementRoleAssignment", {"Role": "Mail Recipients"}, "role", {"T1098.003"}),
    ],
)  # fmt: skip
def test_cmdlets_that_leave_something(theft, operation, parameters, kind, techniques):
    """Rules, forwarding, permissions and roles are told apart, with what they say and their own technique."""
    admin(theft, operation, parameters)
    (entry,) = theft.tenant()["radius"]["persistence"]
    shown = {technique["id"] for technique in theft.tenant()["radius"]["techniques"]}

    assert entry["kind"] == kind
    assert all(f"{name} {value}" in entry["what"] for name, value in parameters.items())
    assert techniques == shown - {"T1199", "T1078.004", "T1552.004"}


@pytest.mark.parametrize("operation", ["Remove-InboxRule", "Disable-InboxRule"])
def test_a_rule_that_was_removed_is_not_left(theft, operation):
    """What a thief cleaned up behind him is a change, and nothing that still works."""
    admin(theft, operation, {"Name": "."})

    assert left(theft) == []


def test_a_rule_of_outlook_is_read_from_its_properties(theft):
    """``UpdateInboxRules`` (MAPI) tells its rule in operation properties, not in parameters."""
    told = [
        {"Name": "RuleOperation", "Value": "AddMailboxRule"},
        {"Name": "RuleActions", "Value": '[{"ActionType":"Forward","Recipients":["x@evil.example"]}]'},
    ]
    theft.access(7, "rule-2", (), "09:32:00", Operation="UpdateInboxRules", RecordType=2, OperationProperties=told)

    assert [kind for kind, _ in left(theft)] == ["forwarding"]


def test_forwarding_that_was_switched_off_is_a_setting(theft):
    """An empty forwarding address takes forwarding away."""
    admin(theft, "Set-Mailbox", {"ForwardingSmtpAddress": "", "DeliverToMailboxAndForward": "False"})

    assert [kind for kind, _ in left(theft)] == ["mailbox-setting"]


def change(activity, properties, key=None, kind="AsymmetricX509Cert"):
    """A row of ``directoryAudits`` by our own identity; values are JSON text inside a string."""
    if key is not None:
        words = f"[KeyIdentifier={key},KeyType={kind},KeyUsage=Verify,DisplayName=CN=a, b=c]"
        properties = {"KeyDescription": json.dumps([words])}
    changes = [{"displayName": name, "oldValue": "[]", "newValue": value} for name, value in properties.items()]
    return {
        "id": "Directory_c0ffee00_ABCDE_1", "category": "ApplicationManagement", "correlationId": "dc-1",
        "activityDateTime": "2026-10-05T09:40:00Z", "activityDisplayName": activity, "result": "success",
        "resourceTenantId": TENANT, "initiatedBy": {"app": {"appId": APP, "servicePrincipalId": PRINCIPAL}},
        "targetResources": [{"id": PRINCIPAL, "type": "ServicePrincipal", "modifiedProperties": changes}],
    }  # fmt: skip


SECRETS = "Update application \u2013 Certificates and secrets management "


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (change(SECRETS, {}, STRANGE), "certificate"),
        (change(SECRETS, {}, STRANGE, "Password"), "secret"),
        (change("Add service principal credentials", {}, STRANGE), "certificate"),
    ],
    ids=["certificate", "secret", "on the principal"],
)
def test_keys_that_the_directory_tells(case, row, kind):
    """An added key is told with its key id, a certificate and a secret apart."""
    case.heartbeat().directory.append(row)
    ((found, said),) = left(case)

    assert found == kind
    assert STRANGE in said


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        (("Add app role assignment to service principal", {"AppRole.Value": '"Mail.Send"'}), "consent", "Mail.Send"),
        (("Consent to application", {"ConsentAction.Permissions": "Scope: Mail.Read"}), "consent", "Mail.Read"),
        (("Add delegated permission grant", {"DelegatedPermissionGrant.Scope": '"Mail.Read"'}), "consent", "Mail.Read"),
        (("Add member to role", {"Role.DisplayName": '"Global Administrator"'}), "role", "Global Administrator"),
        (("Add owner to application", {}), "owner", "Add owner"),
        (("Update application", {"FederatedIdentityCredentials": "[...]"}), "federated-credential", "Update"),
    ],
)  # fmt: skip
def test_grants_that_the_directory_tells(case, linked, told, kind, words):
    """A consent, a role, an owner, a federated credential: left behind, whether or not the row names the token."""
    case.heartbeat().signin(7, "09:30:00", ipAddress="198.51.100.9")
    row = change(*told)
    if linked:
        token = case.signins[-1]["properties"]["uniqueTokenIdentifier"]
        row["initiatedBy"]["linkableIdentifiers"] = {"uniqueTokenIdentifier": token}
    case.directory.append(row)
    ((found, said),) = left(case)

    assert found == kind
    assert words in said


def test_a_key_that_a_person_added_is_listed_though_nobody_was_touched(case):
    """Somebody has to look at a strange key on our identity whoever put it there; no technique is claimed for it."""
    row = change(SECRETS, {}, STRANGE)
    row["initiatedBy"] = {"user": {"id": "u1", "userPrincipalName": "admin@contoso.example"}}
    case.heartbeat().directory.append(row)
    tenant = case.tenant()

    assert tenant["state"] == "cannot-say"
    assert [entry["keys"] for entry in tenant["radius"]["persistence"]] == [[STRANGE]]
    assert tenant["radius"]["techniques"] == []


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("secret", {"clientCredentialType": "clientSecret", "servicePrincipalCredentialThumbprint": ""}),
        ("federated-credential", {"clientCredentialType": "federatedIdentityCredential",
                                  "servicePrincipalCredentialKeyId": "", "servicePrincipalCredentialThumbprint": ""}),
        ("certificate", {"servicePrincipalCredentialThumbprint": "52ED9B5038A47B9E2E2190715CC238359D4F8F73"}),
    ],
)  # fmt: skip
def test_a_strange_credential_that_signed_in_is_there(case, kind, fields):
    """The row of its making may be older than the log: its use shows that it exists, once however often it is used."""
    case.heartbeat()
    for number, clock in ((7, "09:30:00"), (8, "09:40:00")):
        case.signin(number, clock, **({"servicePrincipalCredentialKeyId": STRANGE} | fields))

    assert [found for found, _ in left(case)] == [kind]
