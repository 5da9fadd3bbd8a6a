"""The token service: what it grants, what it refuses, in whose words."""

import base64
import re
import uuid

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from tests.lab.bench import GRAPH, KEYS, LOGIN, NOON, KeyPair, bare64, payload

from counterfoil.lab.entra import face as entra


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
@pytest.mark.parametrize("padded", [False, True])
def test_both_algorithms_with_and_without_padding(bench, algorithm, padded):
    """RS256 with x5t and PS256 with x5t#S256 are accepted, padded (as MSAL does) or not."""
    pair = KEYS[0]
    name, digest = ("x5t", pair.sha1) if algorithm == "RS256" else ("x5t#S256", pair.sha256)
    thumbprint = base64.urlsafe_b64encode(digest).decode() if padded else bare64(digest)
    assertion = pair.sign(bench.claims(), {"alg": algorithm, "typ": "JWT", name: thumbprint})

    reply = bench.ask_token(assertion=assertion)

    assert (reply.status, reply.document()["token_type"]) == (200, "Bearer")


def test_floats_no_nbf_and_a_repeated_jti_are_tolerated(bench):
    """What MSAL Python sends (float times, no nbf) is good, and one assertion may be used twice."""
    claims = bench.claims(exp=bench.now + 599.5, iat=bench.now + 0.25)
    del claims["nbf"]
    assertion = KEYS[0].sign(claims)

    replies = [bench.ask_token(assertion=assertion) for _ in range(2)]

    assert [reply.status for reply in replies] == [200, 200]
    assert replies[0].document()["access_token"] != replies[1].document()["access_token"]


def test_claims_of_an_access_token(bench):
    """Every claim of section 1.4 is there; uti is the sign-in's id, which ends in 00."""
    reply = bench.ask_token()
    claims = payload(reply.document()["access_token"])
    request_id = uuid.UUID(bytes_le=base64.urlsafe_b64decode(claims["uti"] + "=="))

    assert str(request_id) == reply.headers["x-ms-request-id"]
    assert (str(request_id)[-2:], request_id.version, len(claims["uti"])) == ("00", 4, 22)
    assert bench.rows("signin")[-1]["id"] == str(request_id)
    assert {
        "aud": GRAPH,
        "iss": f"https://sts.windows.net/{bench.tenant}/",
        "appid": bench.app["app_id"],
        "app_displayname": "Example Mail Guard",
        "appidacr": "2",
        "idtyp": "app",
        "oid": bench.app["service_principal"],
        "sub": bench.app["service_principal"],
        "tid": bench.tenant,
        "ver": "1.0",
        "iat": int(NOON),
        "nbf": int(NOON),
    }.items() <= claims.items()
    assert set(claims["roles"]) == {
        "Mail.ReadWrite",
        "Mail.Send",
        "MailboxSettings.ReadWrite",
        "Organization.Read.All",
        "User.Read.All",
        "AuditLog.Read.All",
    }
    assert 3600 <= claims["exp"] - claims["iat"] <= 5400


def test_a_token_without_roles_is_still_issued(bench):
    """An application without grants gets a token that has no roles claim."""
    bench.app = bench.run("add_application", tenant=bench.tenant, name="Poor", certificates_pem=[KEYS[0].pem])

    assert "roles" not in payload(bench.token())


def _no_thumbprint(bench):
    return {"assertion": KEYS[0].sign(bench.claims(), {"alg": "RS256"})}


def _other_key(bench):
    return {"pair": KEYS[1]}


def _forged(bench):
    return {"assertion": KEYS[1].sign(bench.claims(), {"alg": "RS256", "typ": "JWT", "x5t": bare64(KEYS[0].sha1)})}


def _standard_base64(bench):
    pair = next(p for p in _pairs() if set(base64.b64encode(p.sha1).decode()) & set("+/"))
    bench.run("admin_set_keys", app_id=bench.app["app_id"], certificates_pem=[pair.pem])
    return {"assertion": pair.sign(bench.claims(), {"alg": "RS256", "x5t": base64.b64encode(pair.sha1).decode()})}


def _pairs():
    while True:
        yield KeyPair()


CLIENT, CLIENT_401 = "unauthorized_client", "invalid_client"
TIMES = (
    r"Current time: 2026-10-05T12:00:00\.0000000Z, assertion valid from 2026-10-05T10:00:00\.0000000Z, "
    r"expiry time of assertion 2026-10-05T11:00:00\.0000000Z"
)
NOT_FOUND = r"\[Reason - The key was not found\., Thumbprint of key used by client: '[0-9A-F]{40}'"


def _claims(**changes):
    return lambda bench: {"assertion": KEYS[0].sign(bench.claims(**changes))}


def _form(**fields):
    return lambda _: fields


def _public(bench):
    bench.run("admin_authentication", app_id=bench.app["app_id"], public=True)
    return {}


def _old_code(bench):
    bench.run("set_settings", umbrella_code=True)
    return _other_key(bench)


def _by_name(name, *, issued=True):
    """A header that brings a certificate for a name, where the application is known by one name."""

    def arrange(bench):
        authority, guest = trustme.CA(key_type=trustme.KeyType.RSA), KeyPair(name)
        leaf = authority.issue_cert(name, key_type=trustme.KeyType.RSA)
        pem = authority.cert_pem.bytes().decode()
        bench.run("admin_authentication", app_id=bench.app["app_id"], subjects=["known.example"], issuer=pem)
        guest.key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        shown = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()) if issued else guest.certificate
        der = base64.b64encode(shown.public_bytes(Encoding.DER)).decode()
        header = {"alg": "PS256", "typ": "JWT", "x5t#S256": bare64(shown.fingerprint(hashes.SHA256())), "x5c": [der]}
        return {"assertion": guest.sign(bench.claims(), header)}

    return arrange


REFUSALS = {
    "key not found": (_other_key, 401, CLIENT_401, 700027, NOT_FOUND),
    "signature wrong": (_forged, 401, CLIENT_401, 700027, "use of the key to verify the signature failed"),
    "standard base64": (_standard_base64, 401, CLIENT_401, 700027, "The key was not found"),
    "audience": (_claims(aud="https://a.example"), 401, CLIENT_401, 700023, "Presented audience: https://a.example"),
    "subject": (_claims(sub="x"), 401, CLIENT_401, 700021, "doesn't match"),
    "too old": (_claims(nbf=NOON - 7200, exp=NOON - 3600), 401, CLIENT_401, 700024, TIMES),
    "not yet": (_claims(nbf=NOON + 600, exp=NOON + 1200), 401, CLIENT_401, 700024, "not within its valid time range"),
    "no thumbprint": (_no_thumbprint, 401, CLIENT_401, 50027, "No certificate thumbprint specified in token header"),
    "no jwt": (_form(assertion="abc"), 401, CLIENT_401, 50027, "malformed"),
    "old code": (_old_code, 401, CLIENT_401, 50012, NOT_FOUND),
    "public client": (_public, 401, CLIENT_401, 700025, "Client is public so neither"),
    "another's name": (_by_name("other.example"), 401, CLIENT_401, 700030, r"certificate are: other\.example\."),
    "another's issue": (_by_name("known.example", issued=False), 401, CLIENT_401, 700027, "The key was not found"),
    "another grant": (_form(client_assertion=None, grant_type="password"), 401, CLIENT_401, 7000218, "must contain"),
    "no credential": (_form(client_assertion=None), 401, CLIENT_401, 7000216, "is required for the 'client_cred"),
    "wrong secret": (_form(client_assertion=None, client_secret="guess"), 401, CLIENT_401, 7000215, "Invalid client"),
    "unknown client": (_form(client_id=str(uuid.uuid4())), 400, CLIENT, 700016, "found in the directory 'Contoso'"),
    "unknown tenant": (_form(tenant=str(uuid.uuid4())), 400, "invalid_request", 90002, "not found"),
    "bad scope": (_form(scope="Mail.Read"), 400, "invalid_scope", 70011, "not valid"),
    "two resources": (_form(scope=f"{GRAPH}/.default a/.default"), 400, "invalid_scope", 700022, "more than one"),
    "unknown resource": (_form(scope="https://a.example/.default"), 400, "invalid_resource", 500011, "https://a.exam"),
    "missing parameter": (_form(client_id=None), 400, "invalid_request", 900144, "'client_id'"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(bench, case):
    """Each refusal has its HTTP status, its OAuth error, its number, its text and all fields of section 1.3."""
    arrange, status, error, code, text = REFUSALS[case]

    reply = bench.ask_token(**arrange(bench), headers={"client-request-id": "091b1b89-9ae1-4b1c-9242-39899e611fc4"})
    document = reply.document()

    assert (reply.status, document["error"], document["error_codes"]) == (status, error, [code])
    assert re.search(text, document["error_description"])
    assert set(document) == {
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
        "error_uri",
    }
    assert document["timestamp"] == "2026-10-05 12:00:00Z"
    assert document["correlation_id"] == "091b1b89-9ae1-4b1c-9242-39899e611fc4"
    assert document["trace_id"] == reply.headers["x-ms-request-id"]
    assert document["trace_id"].endswith("00")
    assert document["error_uri"] == f"https://login.microsoftonline.com/error?code={code}"
    assert document["error_description"].startswith(f"AADSTS{code}: ")
    tail = f" Trace ID: {document['trace_id']} Correlation ID: {document['correlation_id']} Timestamp: "
    assert document["error_description"].endswith(f"{tail}2026-10-05 12:00:00Z")


@pytest.mark.parametrize(
    ("dial", "status", "code"),
    [("throttled_share", 429, 90055), ("error_share", 503, 90033), ("token_lost_share", 504, 90006)],
)
def test_what_strikes_the_token_service_has_the_shape_of_its_errors(bench, dial, status, code):
    """Throttled, broken or lost on the way: all fields of section 1.3, and Retry-After where it throttles."""
    bench.run("set_settings", **{dial: 1.0, "retry_after_seconds": 9.0})
    reply = bench.ask_token()
    document = reply.document()

    assert (reply.status, document["error"], document["error_codes"]) == (status, "temporarily_unavailable", [code])
    assert document["error_description"].startswith(f"AADSTS{code}: ")
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= set(document)
    assert document["trace_id"] == reply.headers["x-ms-request-id"]
    assert reply.headers.get("Retry-After") == ("9" if status == 429 else None)


def test_a_certificate_is_believed_for_its_name_and_issuer(bench):
    """Where names were allowed, a certificate that nobody registered gets a token, and another's signature none."""
    form = _by_name("known.example")(bench)
    head, body, _ = form["assertion"].split(".")
    forged = ".".join((head, body, KEYS[0].sign({}).rpartition(".")[2]))

    assert bench.ask_token(**form).status == 200
    assert payload(bench.token(**form))["appidacr"] == "2"
    assert bench.ask_token(assertion=forged).document()["error_codes"] == [700027]


def test_an_expired_key_is_found_and_refused(bench):
    """A registered certificate past its end gives the second family of 700027, with its dates in US format."""
    bench.now += 90 * 86400
    description = bench.ask_token().document()["error_description"]

    assert f"The key used is expired., Thumbprint of key used by client: '{KEYS[0].sha1.hex().upper()}'" in description
    assert "Found key 'Start=09/01/2026 00:00:00, End=11/30/2026 00:00:00'" in description


def test_a_multi_tenant_application_without_consent(bench):
    """7000229 with 401 where the customer has not consented or has deleted the enterprise application."""
    other = bench.run("add_tenant", name="Fabrikam", domains=["fabrikam.example"])["id"]
    bench.app = bench.run(
        "add_application", tenant=bench.tenant, name="Many", multi_tenant=True, certificates_pem=[KEYS[0].pem]
    )
    assertion = KEYS[0].sign(bench.claims(aud=f"{LOGIN}/{other}/oauth2/v2.0/token"))

    before = bench.ask_token(tenant=other, assertion=assertion)
    bench.run("consent", tenant=other, app_id=bench.app["app_id"], roles=["Mail.Read"])
    during = bench.ask_token(tenant=other, assertion=assertion)
    bench.run("admin_remove_principal", tenant=other, app_id=bench.app["app_id"])
    after = bench.ask_token(tenant=other, assertion=assertion)

    assert [reply.status for reply in (before, during, after)] == [401, 200, 401]
    assert before.document()["error_codes"] == after.document()["error_codes"] == [7000229]
    assert f"is missing service principal in the tenant {other}" in before.document()["error_description"]


def test_another_tenants_own_application_is_unknown(bench):
    """A single-tenant application asked for in a foreign tenant is 700016, as if it did not exist."""
    other = bench.run("add_tenant", name="Fabrikam", domains=["fabrikam.example"])["id"]

    reply = bench.ask_token(tenant=other)

    assert reply.document()["error_codes"] == [700016]
    assert (
        bench.run("rows", tenant=other, log="signin")[0]["body"]["servicePrincipalId"]
        == "00000000-0000-0000-0000-000000000000"
    )


def test_disabled_and_restricted_principals(bench):
    """accountEnabled=false is 7000112; an address outside a Conditional Access policy is 53003."""
    bench.run("admin_restrict", tenant=bench.tenant, app_id=bench.app["app_id"], addresses=["198.51.100.7"])
    inside, outside = bench.ask_token(), bench.ask_token(address="203.0.113.9")
    bench.run("admin_enable", tenant=bench.tenant, app_id=bench.app["app_id"], enabled=False)
    disabled = bench.ask_token()

    assert inside.status == 200
    assert outside.document()["error_codes"] == [53003]
    assert (disabled.status, disabled.document()["error_codes"]) == (400, [7000112])


def test_secrets_and_federated_credentials_are_ways_in_too(bench):
    """A client secret gives appidacr 1; a federated issuer's token gives 2 and is named in the sign-in row."""
    secret = bench.run("admin_add_secret", app_id=bench.app["app_id"])
    by_secret = payload(bench.token(client_assertion=None, client_secret=secret["secret"]))
    row = bench.rows("signin")[-1]

    assert (by_secret["appidacr"], row["clientCredentialType"]) == ("1", "clientSecret")
    assert row["servicePrincipalCredentialKeyId"] == secret["key_id"]
    bench.now += 181 * 86400
    assert bench.ask_token(client_assertion=None, client_secret=secret["secret"]).document()["error_codes"] == [7000222]


def test_the_v1_endpoint_answers_in_strings(bench):
    """The old endpoint takes ``resource`` and adds expires_on, not_before and resource as text."""
    claims = bench.claims(aud=f"{LOGIN}/{bench.tenant}/oauth2/token")
    document = bench.ask_token(v1=True, assertion=KEYS[0].sign(claims)).document()

    assert document["resource"] == GRAPH
    assert document["not_before"] == str(int(NOON))
    assert isinstance(document["expires_in"], str)
    assert int(document["expires_on"]) == payload(document["access_token"])["exp"]


def test_discovery_and_keys(bench):
    """Discovery names what MSAL needs, and a second implementation verifies a token with the published key."""
    jwt = pytest.importorskip("jwt")
    document = bench.request(
        entra.answer, "GET", f"{LOGIN}/contoso.example/v2.0/.well-known/openid-configuration"
    ).document()
    keys = bench.request(entra.answer, "GET", document["jwks_uri"]).document()["keys"]
    token = bench.token()

    verified = jwt.decode(
        token,
        jwt.PyJWK(keys[0]),
        algorithms=["RS256"],
        audience=GRAPH,
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )

    assert document["issuer"] == f"{LOGIN}/{bench.tenant}/v2.0"
    assert document["token_endpoint"] == f"{LOGIN}/contoso.example/oauth2/v2.0/token"
    assert document["authorization_endpoint"]
    assert jwt.get_unverified_header(token)["kid"] == keys[0]["kid"]
    assert verified["appid"] == bench.app["app_id"]
