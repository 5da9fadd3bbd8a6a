"""The same case in every shape and packing that a customer can export gives the same answer."""

import base64
import csv
import gzip
import io
import json
import zipfile

import duckdb
import pytest
import zstandard

TENANT = "11111111-1111-1111-1111-111111111111"
WORKSPACE = "77777777-7777-7777-7777-777777777777"


def _ndjson(rows):
    return "\n".join(json.dumps(row) for row in rows).encode()


def _as_csv(rows, delimiter=","):
    out = io.StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(out, columns, delimiter=delimiter)
    writer.writeheader()
    for row in rows:
        writer.writerow({k: json.dumps(v) if isinstance(v, (dict, list)) else v for k, v in row.items()})
    return out.getvalue().encode()


def _analytics_signin(row):
    inner = row["properties"]
    return {
        "TimeGenerated": "2026-10-05T09:59:40.11Z", "CreatedDateTime": inner["createdDateTime"],
        "Type": "AADServicePrincipalSignInLogs", "AADTenantId": row["tenantId"], "TenantId": WORKSPACE,
        "Id": inner["id"], "CorrelationId": inner["correlationId"], "AppId": inner["appId"],
        "ServicePrincipalId": inner["servicePrincipalId"],
        "ServicePrincipalCredentialKeyId": inner["servicePrincipalCredentialKeyId"],
        "ServicePrincipalCredentialThumbprint": inner["servicePrincipalCredentialThumbprint"],
        "ClientCredentialType": "clientAssertion", "IPAddress": inner["ipAddress"], "Location": "IE",
        "LocationDetails": '{"city":"Dublin"}', "ResourceIdentity": inner["resourceId"],
        "ResultType": str(inner["status"]["errorCode"]), "Category": "ServicePrincipalSignInLogs",
        "UniqueTokenIdentifier": inner["uniqueTokenIdentifier"],
    }  # fmt: skip


def _portal_signin(row):
    flat = _analytics_signin(row)
    flat["CreatedDateTime [UTC]"] = (
        "10/5/2026, " + {"09": "9"}[flat["CreatedDateTime"][11:13]] + flat.pop("CreatedDateTime")[13:19] + ".000 AM"
    )
    return flat


def _page_signin(row, *, textual):
    inner = dict(row["properties"])
    if textual:
        inner["uniqueTokenIdentifier"] = base64.b64encode(inner["id"].encode()).decode()
    return inner | {
        "resourceTenantId": row["tenantId"],
        "signInEventTypes": ["servicePrincipal"],
        "appOwnerTenantId": WORKSPACE,
    }


def _analytics_graph(row):
    flat = {key[0].upper() + key[1:]: value for key, value in row["properties"].items()}
    flat |= {
        "AadTenantId": flat.pop("TenantId"),
        "TenantId": WORKSPACE,
        "Type": "MicrosoftGraphActivityLogs",
        "IPAddress": flat.pop("IpAddress"),
    }
    return flat


def _defender_graph(row):
    inner = row["properties"]
    return {
        "Timestamp": inner["timeGenerated"], "ApplicationId": inner["appId"],
        "ClientRequestId": inner["clientRequestId"],
        "OperationId": inner["operationId"], "RequestId": inner["requestId"], "RequestMethod": inner["requestMethod"],
        "RequestUri": inner["requestUri"], "ResponseStatusCode": str(inner["responseStatusCode"]),
        "IpAddress": inner["ipAddress"], "UniqueTokenIdentifier": inner["signInActivityId"], "EntityType": "app",
        "ServicePrincipalId": inner["servicePrincipalId"], "TargetWorkload": "Microsoft.Exchange",
        "IdentityProvider": f"https://sts.windows.net/{row['tenantId']}/",
    }  # fmt: skip


def _purview(row):
    return {
        "RecordId": row["Id"], "CreationDate": row["CreationTime"] + ".0000000Z", "RecordType": "50",
        "Operation": row["Operation"], "UserId": row["UserId"], "AuditData": json.dumps(row),
        "AssociatedAdminUnits": "", "AssociatedAdminUnitsNames": "",
    }  # fmt: skip


def _office(row):
    flat = dict(row)
    return {
        "TimeGenerated": flat["CreationTime"] + "Z", "Type": "OfficeActivity", "OfficeId": flat["Id"],
        "SourceRecordId": flat["Id"], "OfficeWorkload": "Exchange", "RecordType": "50", "UserType": "Regular",
        "Operation": flat["Operation"], "OrganizationId": flat["OrganizationId"], "TenantId": WORKSPACE,
        "UserId": flat["UserId"], "Client_IPAddress": flat["ClientIPAddress"],
        "ClientInfoString": flat["ClientInfoString"],
        "Logon_Type": "Owner", "MailboxGuid": flat["MailboxGuid"], "MailboxOwnerUPN": flat["MailboxOwnerUPN"],
        "AppId": flat["AppId"], "ClientAppId": flat["ClientAppId"], "ResultStatus": "Succeeded",
        "AppAccessContext": json.dumps(flat["AppAccessContext"]), "Folders": json.dumps(flat["Folders"]),
        "OperationProperties": json.dumps(flat["OperationProperties"]),
    }  # fmt: skip


SIGN_INS = {
    "storage": _ndjson,
    "analytics-json": lambda rows: _ndjson(map(_analytics_signin, rows)),
    "analytics-csv": lambda rows: _as_csv([_analytics_signin(row) for row in rows]),
    "portal-csv": lambda rows: _as_csv([_portal_signin(row) for row in rows]),
    "graph-page": lambda rows: json.dumps(
        {"@odata.context": "x", "value": [_page_signin(r, textual=False) for r in rows]}, indent=2
    ).encode(),
    "graph-page-2022": lambda rows: json.dumps({"value": [_page_signin(row, textual=True) for row in rows]}).encode(),
}
CALLS = {
    "storage": lambda rows: b"\r\n".join(json.dumps(row).encode() for row in rows),
    "analytics-json": lambda rows: _ndjson(map(_analytics_graph, rows)),
    "analytics-csv": lambda rows: _as_csv([_analytics_graph(row) for row in rows], ";"),
    "defender-csv": lambda rows: _as_csv([_defender_graph(row) for row in rows]),
    "query-answer": lambda rows: json.dumps({"tables": [{"name": "PrimaryResult",
        "columns": [{"name": key, "type": "string"} for key in _analytics_graph(rows[0])],
        "rows": [list(_analytics_graph(row).values()) for row in rows]}]}).encode(),
}  # fmt: skip
MAIL = {
    "management-blob": lambda rows: json.dumps(rows).encode(),
    "purview-csv": lambda rows: b"\xef\xbb\xbf" + _as_csv([_purview(row) for row in rows]),
    "office-csv": lambda rows: _as_csv([_office(row) for row in rows]),
    "office-json": lambda rows: _ndjson(map(_office, rows)),
    "audit-query": lambda rows: json.dumps(
        {"value": [{"id": r["Id"], "operation": r["Operation"], "auditData": r} for r in rows]}
    ).encode(),
}


def _stage(case):
    """Our hour, and a thief with our certificate who reads one message."""
    case.heartbeat()
    case.signin(7, "09:30:00", ipAddress="198.51.100.9")
    case.graph(
        7,
        "x",
        "req-9",
        "09:31:00",
        requestUri="https://graph.microsoft.com/v1.0/users/alice@contoso.example/messages/AAMk7",
    )
    case.access(7, "mia-9", ["<m2@contoso.example>"], "09:31:02")


def _told(case):
    """The answer without the places in files, which differ by shape."""
    answer = case.answer()
    tenant = answer.document["tenants"][0]
    for entry in tenant["discrepancies"]:
        entry["evidence"] = [
            {k: v for k, v in row.items() if k not in ("file", "place", "copies")} for row in entry["evidence"]
        ]
    assert [reading.faults for reading in answer.files if reading.faults] == []
    return tenant


@pytest.fixture(scope="module")
def expected(tmp_path_factory, reading_pool, case_type):
    """Reconcile the case in the plain shapes, once."""
    other = case_type(tmp_path_factory.mktemp("plain"), reading_pool)
    _stage(other)
    return _told(other)


@pytest.mark.parametrize(
    ("field", "shape"),
    [("signins", s) for s in SIGN_INS] + [("calls", s) for s in CALLS] + [("mail", s) for s in MAIL],
)
def test_every_shape_tells_the_same(case, expected, field, shape):
    """Each exporter's names, envelopes and spellings come to the same answer, to the message."""
    _stage(case)
    shapes = {"signins": SIGN_INS, "calls": CALLS, "mail": MAIL}[field]
    case.files = {"export.dat": shapes[shape](getattr(case, field))}
    setattr(case, field, [])

    assert _told(case) == expected


def _zipped(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("y=2026/m=10/d=05/h=09/m=00/PT1H.json", data)
    return out.getvalue()


def _parquet(data, tmp_path):
    source, target = tmp_path / "p.json", tmp_path / "p.parquet"
    source.write_bytes(data)
    with duckdb.connect() as base:
        base.execute(
            f"COPY (SELECT * FROM read_json('{source}', format='newline_delimited')) TO '{target}' (FORMAT parquet)"
        )
    return target.read_bytes()


@pytest.mark.parametrize(
    "pack",
    [
        "array",
        "records",
        "objects",
        "pretty",
        "gzip",
        "two-gzip-members",
        "zstd",
        "zip",
        "zip-in-zip",
        "utf-16",
        "utf-16-be",
        "bom",
        "parquet",
    ],
)
def test_every_packing_tells_the_same(case, expected, tmp_path, pack):
    """Arrays, envelopes, compression, encodings and Parquet hold the same rows."""
    _stage(case)
    rows = case.signins
    lines = _ndjson(rows)
    case.files = {
        "export.dat": {
            "array": lambda: json.dumps(rows).encode(),
            "records": lambda: json.dumps({"records": rows}).encode(),
            "objects": lambda: b"".join(json.dumps(row).encode() for row in rows),
            "pretty": lambda: json.dumps(rows, indent=4).encode(),
            "gzip": lambda: gzip.compress(lines),
            "two-gzip-members": lambda: b"".join(gzip.compress(json.dumps(row).encode() + b"\n") for row in rows),
            "zstd": lambda: zstandard.ZstdCompressor().compress(lines),
            "zip": lambda: _zipped(lines),
            "zip-in-zip": lambda: _zipped(_zipped(lines)),
            "utf-16": lambda: lines.decode().encode("utf-16"),
            "utf-16-be": lambda: lines.decode().encode("utf-16-be"),
            "bom": lambda: b"\xef\xbb\xbf" + lines,
            "parquet": lambda: _parquet(_ndjson(map(_analytics_signin, rows)), tmp_path),
        }[pack]()
    }
    case.signins = []

    assert _told(case) == expected


def test_exports_that_overlap_count_once(case, expected):
    """The same rows by three exporters, twice over, are the same rows."""
    _stage(case)
    case.files = {f"{n}-{name}": make(case.signins) for n in range(2) for name, make in SIGN_INS.items()}
    case.files |= {name: make(case.calls) for name, make in CALLS.items()}
    case.files |= {f"mail-{name}": make(case.mail) for name, make in MAIL.items()}

    assert _told(case) == expected


def test_the_shelf_keeps_rows_between_runs_and_counts_them_once(case, expected, tmp_path):
    """What one run read is there in the next, as Parquet by tenant, source and day."""
    _stage(case)
    shelf = tmp_path / "shelf"
    case.answer(shelf=shelf)
    case.answer(shelf=shelf)
    case.signins, case.calls, case.mail = [], [], []
    for path in (case.folder / "logs").iterdir():
        path.unlink()
    tenant = case.answer(shelf=shelf).document["tenants"][0]

    assert (tenant["state"], tenant["discrepancies"][0]["count"]) == ("touched", 3)
    assert {p.name for p in shelf.rglob("by_source=*")} == {
        "by_source=sign-ins",
        "by_source=graph-activity",
        "by_source=mailbox-audit",
    }
