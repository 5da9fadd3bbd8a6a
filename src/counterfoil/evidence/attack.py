"""Which ATT&CK techniques a row supports, and the Navigator's layer (ids: :mod:`counterfoil.evidence.techniques`)."""

import re
from collections.abc import Iterator

from counterfoil.evidence.matching import FOREIGN, REPLAYED, STOLEN, Row
from counterfoil.evidence.paths import asked
from counterfoil.evidence.techniques import TACTIC_OF, VERSION
from counterfoil.evidence.uses import DIRECTORY, GRAPH, MAILBOX, SIGN_INS
from counterfoil.model.number import counted

_RULE_CHANGES = frozenset({"new-inboxrule", "set-inboxrule", "updateinboxrules", "enable-inboxrule"})
_FORWARDS = re.compile(r"forward|redirect", re.IGNORECASE)
_UNLOGS = re.compile(r'"AuditEnabled": "False"', re.IGNORECASE)
_OPERATIONS = {
    operation: technique
    for technique, operations in {
        "T1114.002": "mailitemsaccessed attachmentaccess searchqueryinitiatedexchange messagebind",
        "T1534": "send sendas sendonbehalf",
        "T1070.008": "harddelete softdelete movetodeleteditems",
        "T1565.001": "update create move",
        "T1098.002": "add-mailboxpermission add-mailboxfolderpermission add-recipientpermission addfolderpermissions"
        " modifyfolderpermissions updatefolderpermissions updatecalendardelegation",
        "T1098.003": "new-managementroleassignment add-rolegroupmember",
        "T1562.008": "set-adminauditlogconfig set-mailboxauditbypassassociation",
    }.items()
    for operation in operations.split()
}
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
    if kind == FOREIGN and (row["source"] == SIGN_INS or row["credential_type"] == "secret"):
        yield "T1098.001"  # what is done later with its token supports what was done, not the credential
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
    if operation in _OPERATIONS:
        yield _OPERATIONS[operation]
    elif operation.startswith("file"):
        yield "T1213.002"
    elif operation in _RULE_CHANGES or operation == "set-mailbox":
        if _FORWARDS.search(detail):
            yield "T1114.003"
        if operation != "set-mailbox" and _HIDES.search(detail):
            yield "T1564.008"
        if operation == "set-mailbox" and _UNLOGS.search(detail):
            yield "T1562.008"


def _of_change(row: Row) -> Iterator[str]:
    operation = str(row["operation"]).lower()
    if operation.startswith(("remove", "delete")):
        return
    if "credential" in operation or "certificates and secrets" in operation:
        yield "T1098.001"
    elif "app role assignment" in operation or "member to role" in operation:
        yield "T1098.003"
    elif "consent" in operation or "delegated permission grant" in operation:
        yield "T1671"


def navigator(techniques: dict[str, list[str]], name: str) -> dict[str, object]:
    """Make a layer for the ATT&CK Navigator (layer format 4.5) from techniques and the rows that support each.

    The score is the number of rows; the first of them stand in the comment.
    """
    most = max((len(rows) for rows in techniques.values()), default=1)
    return {
        "name": name,
        "versions": {"attack": VERSION.split(".")[0], "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": f"Techniques with the log rows that support each; ATT&CK {VERSION}.",
        "sorting": 3,
        "hideDisabled": False,
        "gradient": {"colors": ["#ffe766", "#ff6666"], "minValue": 1, "maxValue": most},
        "legendItems": [],
        "techniques": [
            {
                "techniqueID": technique,
                "tactic": TACTIC_OF[technique],
                "score": len(rows),
                "enabled": True,
                "comment": f"{counted(len(rows), 'row')}: {', '.join(rows[:20])}{', …' if len(rows) > 20 else ''}",
                "metadata": [],
                "showSubtechniques": "." in technique,
            }
            for technique, rows in sorted(techniques.items())
        ],
    }
