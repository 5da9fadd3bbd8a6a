"""Which ATT&CK techniques a row supports. Pinned to ATT&CK for Enterprise 18.1; 19 renames some ids.

© 2025 The MITRE Corporation. Ids and names are reproduced with the permission of The MITRE Corporation.
"""

import re
from collections.abc import Iterator
from typing import Final

from counterfoil.evidence.matching import FOREIGN, REPLAYED, STOLEN, Row
from counterfoil.evidence.paths import asked
from counterfoil.evidence.uses import DIRECTORY, GRAPH, MAILBOX, SIGN_INS

VERSION: Final = "18.1"

NAMES: Final = {
    "T1020": "Automated Exfiltration",
    "T1069.003": "Permission Groups Discovery: Cloud Groups",
    "T1070.008": "Indicator Removal: Clear Mailbox Data",
    "T1078.004": "Valid Accounts: Cloud Accounts",
    "T1087.004": "Account Discovery: Cloud Account",
    "T1098.001": "Account Manipulation: Additional Cloud Credentials",
    "T1098.003": "Account Manipulation: Additional Cloud Roles",
    "T1114.002": "Email Collection: Remote Email Collection",
    "T1114.003": "Email Collection: Email Forwarding Rule",
    "T1199": "Trusted Relationship",
    "T1213.002": "Data from Information Repositories: Sharepoint",
    "T1485": "Data Destruction",
    "T1526": "Cloud Service Discovery",
    "T1528": "Steal Application Access Token",
    "T1530": "Data from Cloud Storage",
    "T1534": "Internal Spearphishing",
    "T1550.001": "Use Alternate Authentication Material: Application Access Token",
    "T1552.004": "Unsecured Credentials: Private Keys",
    "T1564.008": "Hide Artifacts: Email Hiding Rules",
    "T1565.001": "Data Manipulation: Stored Data Manipulation",
    "T1671": "Cloud Application Integration",
}
"""Every technique we print, by id."""

_RULE_CHANGES = frozenset({"new-inboxrule", "set-inboxrule", "updateinboxrules", "enable-inboxrule"})
_FORWARDS = re.compile(r"forward|redirect", re.IGNORECASE)
_HIDES = re.compile(r"movetofolder|deletemessage|markasread", re.IGNORECASE)
_PATHS = (
    (re.compile(r"^/users/?$"), "T1087.004"),
    (re.compile(r"^/(groups|directoryroles)\b"), "T1069.003"),
    (re.compile(r"^/sites\b"), "T1213.002"),
    (re.compile(r"/drives?\b"), "T1530"),
    (re.compile(r"^/(organization|domains|serviceprincipals|applications)(/[^/]*)?$"), "T1526"),
)


def techniques_of(row: Row, kind: str) -> Iterator[str]:
    """Yield the techniques that one successful row of this kind supports."""
    if kind == STOLEN and row["source"] == SIGN_INS:
        yield from ("T1199", "T1078.004", "T1552.004")
    if kind == REPLAYED:
        yield from ("T1528", "T1550.001")
    if kind == FOREIGN:
        yield "T1098.001"
    if row["source"] == GRAPH:
        yield from _of_call(row)
    elif row["source"] == MAILBOX:
        yield from _of_operation(row)
    elif row["source"] == DIRECTORY:
        yield from _of_change(row)


def _of_call(row: Row) -> Iterator[str]:
    what, path = asked(row["path"]), str(row["path"] or "").lower()
    reads = row["effect"] == "read"
    if what.kind in ("message", "listing", "export") and reads:
        yield "T1114.002"
    elif what.kind == "message":
        yield "T1070.008" if row["method"] == "DELETE" or "permanentdelete" in path else "T1565.001"
    elif what.kind == "send":
        yield "T1534"
    elif what.kind == "rule" and not reads:
        yield "T1564.008"
    elif what.kind == "subscription" and not reads:
        yield "T1020"
    elif not reads and re.search(r"/(addkey|addpassword|federatedidentitycredentials)", path):
        yield "T1098.001"
    elif not reads and re.search(r"/(approleassign|oauth2permissiongrants|rolemanagement)", path):
        yield "T1098.003"
    elif reads:
        yield from (technique for pattern, technique in _PATHS if pattern.search(path))


def _of_operation(row: Row) -> Iterator[str]:
    operation, detail = str(row["operation"]).lower(), str(row["detail"] or "")
    if operation in ("mailitemsaccessed", "attachmentaccess", "searchqueryinitiatedexchange", "messagebind"):
        yield "T1114.002"
    elif operation in ("send", "sendas", "sendonbehalf"):
        yield "T1534"
    elif operation in ("harddelete", "softdelete", "movetodeleteditems"):
        yield "T1070.008"
    elif operation in _RULE_CHANGES:
        if _FORWARDS.search(detail):
            yield "T1114.003"
        if _HIDES.search(detail):
            yield "T1564.008"
    elif operation == "set-mailbox" and _FORWARDS.search(detail):
        yield "T1114.003"
    elif operation in ("update", "create", "move"):
        yield "T1565.001"
    elif operation.startswith("file"):
        yield "T1213.002"


def _of_change(row: Row) -> Iterator[str]:
    operation = str(row["operation"]).lower()
    if "credential" in operation or "certificates and secrets" in operation:
        yield "T1098.001"
    elif "app role assignment" in operation or "member to role" in operation:
        yield "T1098.003"
    elif "consent" in operation or "delegated permission grant" in operation:
        yield "T1671"


def navigator(techniques: dict[str, list[str]], name: str) -> dict[str, object]:
    """Make a layer for the ATT&CK Navigator (layer format 4.5) from techniques and their rows."""
    return {
        "name": name,
        "versions": {"attack": VERSION.split(".")[0], "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": f"Techniques with the log rows that support each; ATT&CK {VERSION}.",
        "techniques": [
            {"techniqueID": technique, "score": len(rows), "comment": ", ".join(rows[:20])}
            for technique, rows in sorted(techniques.items())
        ],
    }
