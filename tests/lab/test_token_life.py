"""How long access lasts after a key, a principal or a grant is gone."""

import json

from tests.lab.bench import KEYS, payload


def test_tokens_outlive_the_key(bench):
    """A removed key gets no new token, and the old token works until it ends."""
    token = bench.token()
    bench.run("admin_set_keys", app_id=bench.app["app_id"], certificates_pem=[])

    assert bench.ask_token().document()["error_codes"] == [700027]
    assert bench.graph("GET", "/organization", token).status == 200
    bench.now = payload(token)["exp"]
    expired = bench.graph("GET", "/organization", token)
    assert (expired.status, expired.document()["error"]["code"]) == (401, "InvalidAuthenticationToken")


def test_changes_reach_replicas_late(bench):
    """Within the lag both answers occur for a new key and for a removed one; after it only the new state."""
    bench.run("set_settings", replication_seconds=60.0)
    bench.now += 3600
    bench.run("admin_set_keys", app_id=bench.app["app_id"], certificates_pem=[KEYS[1].pem])

    bench.now += 30
    during = {(pair, bench.ask_token(pair=KEYS[pair]).status) for _ in range(20) for pair in (0, 1)}
    bench.now += 31
    after = {(pair, bench.ask_token(pair=KEYS[pair]).status) for _ in range(10) for pair in (0, 1)}

    assert during == {(0, 200), (0, 401), (1, 200), (1, 401)}
    assert after == {(0, 401), (1, 200)}


def test_cae_tokens_live_long_and_die_with_the_principal(bench):
    """A client that declares cp1 gets a token of 20 to 28 h that a disabled principal ends at once."""
    plain = bench.token()
    long = bench.token(claims=json.dumps({"access_token": {"xms_cc": {"values": ["cp1"]}}}))
    assert 72000 <= payload(long)["exp"] - payload(long)["iat"] <= 100800
    assert payload(long)["xms_cc"] == ["cp1"]

    bench.now += 1
    bench.run("admin_enable", tenant=bench.tenant, app_id=bench.app["app_id"], enabled=False)
    refused = bench.graph("GET", "/organization", long)

    assert refused.status == 401
    assert 'error="insufficient_claims", claims="' in refused.headers["WWW-Authenticate"]
    assert bench.graph("GET", "/organization", plain).status == 200


def test_removing_a_key_is_no_cae_event(bench):
    """Law 6: a CAE token survives the removal of the key it was got with."""
    long = bench.token(claims=json.dumps({"access_token": {"xms_cc": {"values": ["cp1"]}}}))
    bench.run("admin_set_keys", app_id=bench.app["app_id"], certificates_pem=[])
    bench.now += 3600 * 10

    assert bench.graph("GET", "/organization", long).status == 200
