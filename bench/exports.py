"""Exports and stubs of any size, made by DuckDB: a day of many tenants, a token an hour each, calls all day.

The shapes are those of Azure Monitor's diagnostic settings (Graph activity, one file a tenant) and of Log
Analytics (sign-ins), and the stub exchange form. Everything matches but one call under a token of ours in the first
tenant, which no stub explains: so the answer must be one tenant touched and all the others clean.
"""

import json
import shutil
from pathlib import Path

import duckdb

APP = "8b7879d0-7f5d-49f9-88dc-ce4b60d2843b"
DAY = "TIMESTAMP '2026-10-05 00:00:00'"
HOURS = 24
AT_ONCE = 500_000
"""So many calls are written by tenant in one go."""

# Of tenant ``t``, hour ``h``, call ``i``.
MACROS = """
CREATE MACRO guid(x) AS CAST(CAST(md5(x) AS UUID) AS VARCHAR);
CREATE MACRO uti(t, h) AS rtrim(translate(to_base64(unhex(md5('uti ' || t || ' ' || h))), '+/', '-_'), '=');
CREATE MACRO tenant(t) AS guid('tenant ' || t);
CREATE MACRO spelled(x) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%f') || 'Z';
CREATE MACRO said(x) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%f') || '0Z';
"""
CALLS = """
CREATE TABLE calls AS
SELECT i, t, h, moment FROM (
    SELECT i, i % {tenants} AS t, CAST(floor(share * {hours}) AS BIGINT) AS h,
           {day} + to_hours(h)
           + to_microseconds(30000000 + CAST((share * {hours} - h) * 3500000000.0 AS BIGINT)) AS moment
    FROM (SELECT range AS i, (range // {tenants}) / ({calls} // {tenants} + 1.0) AS share FROM range({calls})) AS s)
"""
GRAPH = """
SELECT said(moment + INTERVAL 1 SECOND) AS time,
       '/TENANTS/' || upper(tenant(t)) || '/PROVIDERS/MICROSOFT.AADIAM' AS resourceId,
       'Microsoft Graph Activity' AS operationName, 'v1.0' AS operationVersion,
       'MicrosoftGraphActivityLogs' AS category, '200' AS resultSignature, '497815' AS durationMs,
       '198.51.100.23' AS callerIpAddress, guid('request ' || i) AS correlationId, 'Informational' AS level,
       'North Europe' AS location,
       {{'timeGenerated': said(moment + INTERVAL 1 SECOND), 'requestId': guid('request ' || i),
         'operationId': guid('operation ' || i), 'clientRequestId': guid('crid ' || i), 'apiVersion': 'v1.0',
         'requestMethod': 'GET', 'responseStatusCode': 200, 'tenantId': tenant(t), 'durationMs': 497815,
         'responseSizeBytes': 1830, 'signInActivityId': uti(t, h), 'roles': 'User.Read.All', 'appId': '{app}',
         'scopes': '', 'identityProvider': 'https://sts.windows.net/' || tenant(t) || '/', 'clientAuthMethod': '2',
         'wids': '0997a1d0-0d1d-4acb-b408-d5ca73121e90', 'C_Idtyp': 'app', 'ipAddress': '198.51.100.23',
         'userAgent': 'counterfoil/0.1',
         'requestUri': 'https://graph.microsoft.com/v1.0/users/user' || i % 50 || '@customer-' || t || '.example',
         'servicePrincipalId': guid('principal ' || t), 'tokenIssuedAt': said(moment)}} AS properties,
       tenant(t) AS tenantId, t
FROM (FROM calls UNION ALL SELECT -1, t, h, moment FROM calls WHERE i = 0)
WHERE t BETWEEN {first} AND {last}
"""
SIGN_INS = """
SELECT said(moment) AS "TimeGenerated", said(moment) AS "CreatedDateTime", 'AADServicePrincipalSignInLogs' AS "Type",
       tenant(t) AS "AADTenantId", '77777777-7777-7777-7777-777777777777' AS "TenantId",
       guid('sign-in ' || t || ' ' || h) AS "Id", guid('correlation ' || t || ' ' || h) AS "CorrelationId",
       '{app}' AS "AppId", guid('principal ' || t) AS "ServicePrincipalId",
       'Example Mail Guard' AS "ServicePrincipalName",
       guid('key ' || t) AS "ServicePrincipalCredentialKeyId",
       upper(substr(sha256('certificate ' || t), 1, 40)) AS "ServicePrincipalCredentialThumbprint",
       'clientAssertion' AS "ClientCredentialType", '198.51.100.23' AS "IPAddress", '64500' AS "AutonomousSystemNumber",
       'IE' AS "Location", 'Microsoft Graph' AS "ResourceDisplayName",
       '00000003-0000-0000-c000-000000000000' AS "ResourceIdentity", '0' AS "ResultType", '' AS "ResultDescription",
       'ServicePrincipalSignInLogs' AS "Category", 'Sign-in activity' AS "OperationName",
       uti(t, h) AS "UniqueTokenIdentifier", 'notApplied' AS "ConditionalAccessStatus"
FROM (SELECT t, h, {day} + to_hours(h) AS moment FROM range({tenants}) AS a(t), range({hours}) AS b(h))
"""
STUBS = {
    "tenant": "SELECT 'tenant' AS kind, tenant(t) AS tenant, 'customer-' || t AS name, true AS connected, "
    "['User.Read.All'] AS roles FROM range({tenants}) AS a(t)",
    "credential": "SELECT 'credential' AS kind, spelled({day}) AS time, tenant(t) AS tenant, '{app}' AS app, "
    "upper(substr(sha256('certificate ' || t), 1, 40)) AS thumbprint_sha1, NULL AS thumbprint_sha256, "
    "guid('key ' || t) AS key_id, 'current' AS state FROM range({tenants}) AS a(t)",
    "job": "SELECT 'job' AS kind, guid('job ' || h) AS id, spelled({day} + to_hours(h)) AS time, 'listing' AS reason "
    "FROM range({hours}) AS b(h)",
    "token": "SELECT 'token' AS kind, spelled({day} + to_hours(h)) AS time, tenant(t) AS tenant, '{app}' AS app, "
    "upper(substr(sha256('certificate ' || t), 1, 40)) AS thumbprint_sha1, guid('key ' || t) AS key_id, "
    "'https://graph.microsoft.com' AS audience, guid('jti ' || t || ' ' || h) AS jti, "
    "guid('correlation ' || t || ' ' || h) AS correlation_id, uti(t, h) AS uti, guid('job ' || h) AS job, "
    "'issued' AS outcome FROM range({tenants}) AS a(t), range({hours}) AS b(h)",
    "call": "SELECT 'call' AS kind, spelled(moment) AS time, tenant(t) AS tenant, '{app}' AS app, uti(t, h) AS uti, "
    "guid('crid ' || i) AS client_request_id, 'GET' AS method, "
    "'https://graph.microsoft.com/v1.0/users/user' || i % 50 || '@customer-' || t || '.example' AS resource, "
    "'user' || i % 50 || '@customer-' || t || '.example' AS mailbox, CAST([] AS VARCHAR[]) AS message_ids, "
    "'read' AS effect, guid('job ' || h) AS job, 200 AS status FROM calls",
}


def write(place: Path, calls: int, tenants: int) -> None:
    """Write ``stubs.jsonl`` and ``logs/`` into a folder."""
    given = {"calls": calls, "tenants": tenants, "hours": HOURS, "day": DAY, "app": APP}
    logs = place / "logs"
    logs.mkdir(parents=True)
    with duckdb.connect(str(place / "work.duckdb"), config={"preserve_insertion_order": "false"}) as base:
        base.execute("SET memory_limit = '2GB'")
        base.execute(f"SET temp_directory = '{place / 'spill'}'")
        base.execute(MACROS)
        base.execute(CALLS.format(**given))
        # DuckDB holds what it writes by tenant until the end: all at once, 30 million rows spill 40 GB.
        step = max(1, tenants * AT_ONCE // calls)
        for first in range(0, tenants, step):
            graph = GRAPH.format(**given, first=first, last=first + step - 1)
            base.execute(f"COPY ({graph}) TO '{logs / 'graph'}' (FORMAT json, PARTITION_BY (t), OVERWRITE_OR_IGNORE)")
        base.execute(f"COPY ({SIGN_INS.format(**given)}) TO '{logs / 'sign-ins.json'}' (FORMAT json)")
        with (place / "stubs.jsonl").open("wb") as stubs:
            for kind, query in STUBS.items():
                piece = place / f"{kind}.jsonl"
                base.execute(f"COPY ({query.format(**given)}) TO '{piece}' (FORMAT json)")
                with piece.open("rb") as part:
                    shutil.copyfileobj(part, stubs)
                piece.unlink()
    (place / "work.duckdb").unlink()
    (place / "truth.json").write_text(json.dumps({"tenants": tenants, "touched": 1}))
