"""Credentials over Graph: addKey and removeKey with their proof, PATCH of the whole list (section 2)."""

import base64
import datetime as dt

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.lab.bench import GRAPH, KEYS, KeyPair

DIRECTORY = "00000002-0000-0000-c000-000000000000"


@pytest.fixture
def control(bench):
    """A second application that owns the first and may write it, and its token."""
    guard = bench.app
    roles = ["Application.ReadWrite.OwnedBy"]
    made = bench.run("add_application", tenant=bench.tenant, name="C", roles=roles, certificates_pem=[KEYS[2].pem])
    application = bench.world.application(guard["app_id"])
    application.owners.append(made["service_principal"])
    bench.app = made
    token = bench.token(pair=KEYS[2], assertion=KEYS[2].sign(bench.claims()))
    bench.app = guard
    return token


def _credential(pair):
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.b64encode(pair.der).decode()}


def _proof(bench, pair, **changes):
    now = int(bench.now)
    return pair.sign({"aud": DIRECTORY, "iss": bench.app["object_id"], "nbf": now, "exp": now + 600} | changes)


def _keys(bench):
    return [key["thumbprint_sha1"] for key in bench.run("credentials", app_id=bench.app["app_id"])["keys"]]


def _thumbprints(*pairs):
    return [pair.sha1.hex().upper() for pair in pairs]


def test_whoever_holds_a_key_can_add_and_remove_keys(bench):
    """AddKey and removeKey need no permission, only a proof signed with any valid key."""
    bench.app = bench.run("add_application", tenant=bench.tenant, name="Poor", certificates_pem=[KEYS[0].pem])
    token, url = bench.token(), f"/applications/{bench.app['object_id']}"
    first = bench.run("credentials", app_id=bench.app["app_id"])["keys"][0]["key_id"]

    body = {"keyCredential": _credential(KEYS[1]), "passwordCredential": None, "proof": _proof(bench, KEYS[0])}
    added = bench.graph("POST", f"{url}/addKey", token, json_body=body)
    assert (added.status, _keys(bench)) == (200, _thumbprints(KEYS[0], KEYS[1]))
    assert added.document()["customKeyIdentifier"] == base64.b64encode(KEYS[1].sha1).decode()

    body = {"keyId": first, "proof": _proof(bench, KEYS[1])}
    removed = bench.graph("POST", f"{url}/removeKey", token, json_body=body)
    assert (removed.status, _keys(bench)) == (204, _thumbprints(KEYS[1]))
    assert bench.ask_token().document()["error_codes"] == [700027]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"aud": GRAPH}, "Authentication_Unauthorized"),
        ({"iss": "the client id"}, "Authentication_Unauthorized"),
        ({"exp": 1791209400 + 3600}, "Authentication_Unauthorized"),
        ({"nbf": None}, "Authentication_Unauthorized"),
    ],
)
def test_a_proof_must_be_meant_and_short(bench, change, code):
    """Wrong audience, client id for issuer, a life over ten minutes, no nbf: each is refused with 401."""
    body = {"keyCredential": _credential(KEYS[1]), "proof": _proof(bench, KEYS[0], **change)}
    reply = bench.graph("POST", f"/applications/{bench.app['object_id']}/addKey", bench.token(), json_body=body)

    assert (reply.status, reply.document()["error"]["code"], len(_keys(bench))) == (401, code, 1)


def test_a_proof_of_an_unknown_or_padded_kind_is_refused(bench):
    """A proof by an unregistered key is unauthorized; parts padded with ``=`` are malformed."""
    url, token = f"/applications/{bench.app['object_id']}/addKey", bench.token()
    stranger = {"keyCredential": _credential(KEYS[1]), "proof": _proof(bench, KEYS[1])}
    padded = {"keyCredential": _credential(KEYS[1]), "proof": _proof(bench, KEYS[0]) + "="}

    assert bench.graph("POST", url, token, json_body=stranger).document()["error"]["code"] == (
        "Authentication_Unauthorized"
    )
    assert bench.graph("POST", url, token, json_body=padded).document()["error"]["code"] == (
        "Authentication_MissingOrMalformed"
    )


def test_no_key_can_be_added_when_all_have_expired(bench):
    """With only expired keys a proof proves nothing; an administrator has to PATCH."""
    token = bench.token()
    pair, url = KeyPair(days=40), f"/applications/{bench.app['object_id']}/addKey"
    bench.run("admin_set_keys", app_id=bench.app["app_id"], certificates_pem=[pair.pem])
    body = {"keyCredential": _credential(KEYS[1]), "proof": _proof(bench, pair)}
    in_time = bench.graph("POST", url, token, json_body=body)
    bench.run("admin_set_keys", app_id=bench.app["app_id"], certificates_pem=[pair.pem])
    bench.run("set_settings", token_life_min=86400.0 * 30, token_life_max=86400.0 * 30)
    token = bench.token(pair=pair)
    bench.now += 86400 * 10
    body["proof"] = _proof(bench, pair)
    too_late = bench.graph("POST", url, token, json_body=body)

    assert (in_time.status, too_late.status) == (200, 401)
    assert too_late.document()["error"]["code"] == "Authentication_Unauthorized"


def test_patch_replaces_the_whole_list(bench, control):
    """PATCH keeps only what is sent: by keyId, by customKeyIdentifier in both spellings, or by key."""
    url = f"/applications/{bench.app['object_id']}"
    hexadecimal = KEYS[0].sha1.hex().upper()
    for kept in (
        {"customKeyIdentifier": base64.b64encode(KEYS[0].sha1).decode()},
        {"customKeyIdentifier": hexadecimal},
        _credential(KEYS[0]),
    ):
        body = {"keyCredentials": [kept, _credential(KEYS[1])]}
        assert bench.graph("PATCH", url, control, json_body=body).status == 204
        assert _keys(bench) == _thumbprints(KEYS[0], KEYS[1])
    before = bench.run("credentials", app_id=bench.app["app_id"])["keys"][1]["key_id"]

    assert bench.graph("PATCH", url, control, json_body={"keyCredentials": [_credential(KEYS[1])]}).status == 204
    after = bench.run("credentials", app_id=bench.app["app_id"])["keys"]
    assert [key["key_id"] for key in after] == [before]


def test_the_key_is_shown_only_where_it_is_asked_for(bench, control):
    """``key`` is null in a plain read and base64 of the DER form with $select=keyCredentials."""
    url = f"/applications/{bench.app['object_id']}"
    [plain] = bench.graph("GET", url, control).document()["keyCredentials"]
    [full] = bench.graph("GET", f"{url}?$select=keyCredentials", control).document()["keyCredentials"]
    by_app_id = bench.graph("GET", f"/applications(appId='{bench.app['app_id']}')", control).document()

    assert plain["key"] is None
    assert base64.b64decode(full["key"]) == KEYS[0].der
    assert (full["type"], full["usage"], full["endDateTime"]) == (
        "AsymmetricX509Cert",
        "Verify",
        "2026-11-30T00:00:00Z",
    )
    assert by_app_id["id"] == bench.app["object_id"]


def test_owned_by_writes_only_what_it_owns(bench, control):
    """Application.ReadWrite.OwnedBy is refused on an application that its holder does not own."""
    other = bench.run("add_application", tenant=bench.tenant, name="Other")
    reply = bench.graph("PATCH", f"/applications/{other['object_id']}", control, json_body={"keyCredentials": []})

    assert (reply.status, reply.document()["error"]["code"]) == (403, "Authorization_RequestDenied")


def test_a_tenant_may_forbid_long_certificates(bench, control):
    """With asymmetricKeyLifetime of 30 days a new certificate of 90 days is refused, by PATCH and by addKey."""
    bench.run("admin_key_policy", tenant=bench.tenant, days=30.0)
    url, token = f"/applications/{bench.app['object_id']}", bench.token()
    kept = {"customKeyIdentifier": KEYS[0].sha1.hex().upper()}
    long = bench.graph("PATCH", url, control, json_body={"keyCredentials": [kept, _credential(KEYS[1])]})
    own = {"keyCredential": _credential(KEYS[1]), "proof": _proof(bench, KEYS[0])}
    added = bench.graph("POST", f"{url}/addKey", token, json_body=own)
    short = KeyPair(days=20, start=dt.datetime(2026, 10, 1, tzinfo=dt.UTC))
    good = bench.graph("PATCH", url, control, json_body={"keyCredentials": [kept, _credential(short)]})

    code = "CredentialInvalidLifetimeAsPerAppPolicy"
    assert [long.document()["error"]["code"], added.document()["error"]["code"], good.status] == [code, code, 204]


def test_secrets_and_federated_credentials_are_listed_and_removed(bench, control):
    """What a thief may leave beside a certificate is made, seen and removed over Graph."""
    url = f"/applications/{bench.app['object_id']}"
    secret = bench.graph("POST", f"{url}/addPassword", control, json_body={"passwordCredential": {"displayName": "x"}})
    federation = {"name": "f", "issuer": "https://issuer.example", "subject": "s", "audiences": ["api://a"]}
    made = bench.graph("POST", f"{url}/federatedIdentityCredentials", control, json_body=federation)
    [shown] = bench.graph("GET", url, control).document()["passwordCredentials"]
    [listed] = bench.graph("GET", f"{url}/federatedIdentityCredentials", control).document()["value"]

    assert (secret.document()["secretText"][:3], shown["secretText"], made.status) == (shown["hint"], None, 201)
    assert listed["issuer"] == "https://issuer.example"
    works = bench.ask_token(client_assertion=None, client_secret=secret.document()["secretText"])
    assert works.status == 200
    assert bench.graph("POST", f"{url}/removePassword", control, json_body={"keyId": shown["keyId"]}).status == 204
    gone = bench.graph("DELETE", f"{url}/federatedIdentityCredentials/{listed['id']}", control)
    assert gone.status == 204
    assert bench.graph("GET", url, control).document()["passwordCredentials"] == []


def test_a_secret_on_the_service_principal_lets_in_and_is_seen_there_alone(bench):
    """The page of the application does not show it; made, used, listed and removed over Graph, with its audit row."""
    roles = ["Application.ReadWrite.All"]
    bench.app = bench.run("add_application", tenant=bench.tenant, name="P", roles=roles, certificates_pem=[KEYS[0].pem])
    token, url = bench.token(), f"/servicePrincipals/{bench.app['service_principal']}"
    made = bench.graph("POST", f"{url}/addPassword", token, json_body={}).document()
    there = bench.graph("GET", f"/applications/{bench.app['object_id']}", token).document()["passwordCredentials"]
    [here] = bench.graph("GET", url, token).document()["passwordCredentials"]
    with_it = bench.ask_token(client_assertion=None, client_secret=made["secretText"])
    gone = bench.graph("POST", f"{url}/removePassword", token, json_body={"keyId": here["keyId"]})
    without = bench.ask_token(client_assertion=None, client_secret=made["secretText"])

    assert (there, here["keyId"]) == ([], made["keyId"])
    assert [reply.status for reply in (with_it, gone, without)] == [200, 204, 401]
    logged = [row["activity"] for row in bench.rows("directory")]
    assert {"Add service principal credentials", "Remove service principal credentials"} <= set(logged)


def test_a_federated_credential_lets_another_issuer_in(bench, control):
    """A token that an outside issuer signed for the subject is a credential; for another subject it is none."""
    url = f"/applications/{bench.app['object_id']}/federatedIdentityCredentials"
    issuer = "https://issuer.example"
    body = {"name": "f", "issuer": issuer, "subject": "thief", "audiences": ["api://AzureADTokenExchange"]}
    bench.graph("POST", url, control, json_body=body)
    public = KEYS[1].certificate.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    bench.run("add_issuer", issuer=issuer, public_key_pem=pem)
    claims = {"iss": issuer, "sub": "thief", "aud": "api://AzureADTokenExchange", "exp": bench.now + 600}

    good = bench.ask_token(assertion=KEYS[1].sign(claims, {"alg": "RS256", "kid": "k"}))
    other = bench.ask_token(assertion=KEYS[1].sign(claims | {"sub": "x"}, {"alg": "RS256", "kid": "k"}))

    assert good.status == 200
    assert other.document()["error_codes"] == [700213]
    assert bench.rows("signin")[-2]["clientCredentialType"] == "federatedIdentityCredential"


def test_consent_over_graph(bench):
    """An appRoleAssignment grants a role to future tokens, its removal takes it from future tokens only."""
    roles = ["AppRoleAssignment.ReadWrite.All", "Application.Read.All"]
    bench.app = bench.run("add_application", tenant=bench.tenant, name="G", roles=roles, certificates_pem=[KEYS[0].pem])
    token, url = bench.token(), f"/servicePrincipals/{bench.app['service_principal']}/appRoleAssignments"
    body = {"principalId": bench.app["service_principal"], "appRoleId": "810c84a8-4a9e-49e6-bf7d-12d183f40d01"}
    made = bench.graph("POST", url, token, json_body=body)
    with_role = bench.token()
    bench.graph("DELETE", f"{url}/{made.document()['id']}", token)
    without = bench.token()
    path = "/users/alice@contoso.example/messages"

    assert made.status == 201
    assert [bench.graph("GET", path, text).status for text in (token, with_role, without)] == [403, 200, 403]


def test_keys_on_a_service_principal_count_unless_locked(bench):
    """A key on the customer's service principal signs in too; the app instance lock forbids it."""
    other = bench.run("add_tenant", name="Fabrikam", domains=["fabrikam.example"])["id"]
    many = bench.run("add_application", tenant=bench.tenant, name="Many", multi_tenant=True)
    bench.run("consent", tenant=other, app_id=many["app_id"])
    admin = bench.run(
        "add_application", tenant=other, name="A", roles=["Application.ReadWrite.All"], certificates_pem=[KEYS[0].pem]
    )
    bench.tenant, bench.app = other, admin
    token = bench.token()
    principal = bench.world.principal(other, many["app_id"])
    body = {"keyCredentials": [_credential(KEYS[1])]}
    reply = bench.graph("PATCH", f"/servicePrincipals/{principal.id}", token, json_body=body)
    bench.app = many
    signed_in = bench.ask_token(pair=KEYS[1])
    bench.world.application(many["app_id"]).lock_principals = True
    locked = bench.graph("PATCH", f"/servicePrincipals/{principal.id}", token, json_body=body)

    assert (reply.status, signed_in.status, locked.status) == (204, 200, 400)
    assert locked.document()["error"]["code"] == "CannotUpdateLockedServicePrincipalProperty"
    logged = [row["activity"] for row in bench.rows("directory")]
    assert "Add service principal credentials" in logged
