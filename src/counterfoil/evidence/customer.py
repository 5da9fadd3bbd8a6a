"""What a customer gets: his own tenant's answer, and queries with which he can check us on his own logs.

Each folder names one tenant and nobody else. The queries carry our token ids and client-request-ids of
that tenant; whatever they return is use of our application that we say was not ours.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from counterfoil.evidence.answer import TenantAnswer, tenant_document
from counterfoil.evidence.attack import navigator
from counterfoil.evidence.ids import uti
from counterfoil.evidence.stubs import Books

_SAFE = re.compile(r"[^A-Za-z0-9._-]")

_KQL = """// Sign-ins and Graph calls of our application in your tenant that our own books do not explain.
// Run it in the workspace that holds your Entra and Graph logs. No row: your logs hold no use but ours.
let apps = dynamic({apps});
let tokens = dynamic({tokens});
let calls = dynamic({calls});
union
  (AADServicePrincipalSignInLogs
   | where AppId in (apps) and ResultType == "0" and UniqueTokenIdentifier !in (tokens)
   | project When = CreatedDateTime, What = "sign-in without stub", Address = IPAddress, Token = UniqueTokenIdentifier),
  (MicrosoftGraphActivityLogs
   | where AppId in (apps) and (SignInActivityId !in (tokens) or ClientRequestId !in (calls))
   | project When = TimeGenerated, What = strcat(RequestMethod, " ", RequestUri), Address = IPAddress,
             Token = SignInActivityId)
| order by When asc
"""

_SQL = """-- Sign-ins of our application in your tenant that our own books do not explain; the export in storage shape.
-- duckdb -c ".read check.sql" beside signins.json. No row: your export holds no sign-in but ours.
SELECT time, properties.ipAddress AS address, properties.uniqueTokenIdentifier AS token
FROM read_json('signins.json', format = 'newline_delimited', columns = {{time: 'VARCHAR', category: 'VARCHAR',
     resultType: 'VARCHAR', properties: 'STRUCT(appId VARCHAR, ipAddress VARCHAR, uniqueTokenIdentifier VARCHAR)'}})
WHERE category = 'ServicePrincipalSignInLogs' AND resultType = '0'
  AND list_contains({apps}, properties.appId)
  AND NOT list_contains({tokens}, properties.uniqueTokenIdentifier)
ORDER BY time;
"""


def customer_files(answers: Iterable[TenantAnswer], books: Books) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every file: answer, ATT&CK Navigator layer, KQL and DuckDB query, tenant by tenant."""
    queries = checks(books)
    for answer in answers:
        tenant = answer.tenant
        folder = _SAFE.sub("_", tenant).lstrip(".") or "unknown"
        yield f"{folder}/answer.json", json.dumps(tenant_document(answer), ensure_ascii=False, indent=1) + "\n"
        if answer.radius.techniques:
            layer = navigator(answer.radius.techniques, f"Counterfoil: {tenant}")
            yield f"{folder}/attack-layer.json", json.dumps(layer, indent=1) + "\n"
        for name, text in queries.get(tenant, {}).items():
            yield f"{folder}/{name}", text


def checks(books: Books) -> dict[str, dict[str, str]]:
    """Return for each tenant with an application of ours the queries that check us: file name to text."""
    apps: dict[str, set[str]] = defaultdict(set)
    tokens: dict[str, set[str]] = defaultdict(set)
    calls: dict[str, set[str]] = defaultdict(set)
    for row in (*books.credentials, *books.tokens):
        if row["app"]:
            apps[row["tenant"]].add(row["app"])
    for row in books.tokens:
        if row["uti"]:
            tokens[row["tenant"]].add(uti(row["uti"]))
    for row in books.calls:
        if row["crid"]:
            calls[row["tenant"]].add(row["crid"])
    found: dict[str, dict[str, str]] = {}
    for tenant in sorted(apps):
        values = {"apps": apps[tenant], "tokens": tokens[tenant], "calls": calls[tenant]}
        lists = {name: json.dumps(sorted(held)) for name, held in values.items()}
        quoted = {
            name: "[" + ", ".join(_quoted(v) for v in sorted(held)) + "]::VARCHAR[]" for name, held in values.items()
        }
        found[tenant] = {"check.kql": _KQL.format(**lists), "check.sql": _SQL.format(**quoted)}
    return found


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
