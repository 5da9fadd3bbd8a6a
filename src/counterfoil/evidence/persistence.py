"""What outlives a theft: the rows that show something left behind, each by its kind. Pure.

A row that takes something away leaves nothing behind. A Graph call does not say what was in its body, so a
rule made over Graph is a rule whose content only a listing shows (``what`` says the call).
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from counterfoil.evidence.ids import dashed
from counterfoil.evidence.matching import FOREIGN, Judgement, Row
from counterfoil.evidence.uses import DIRECTORY, GRAPH, MAILBOX, SIGN_INS

CERTIFICATE, SECRET, FEDERATED = "certificate", "secret", "federated-credential"
CONSENT, ROLE, OWNER, APPLICATION = "consent", "role", "owner", "application"
SUBSCRIPTION, IMPORT = "subscription", "import-session"
RULE, FORWARDING, PERMISSION, SETTING = "inbox-rule", "forwarding", "mailbox-permission", "mailbox-setting"
CHANGE = "directory-change"
"""The kinds, as the answer names them."""

LISTING = "listing"
"""Stands for the record of what a list shows and no row."""

ANYBODYS = frozenset({RULE, FORWARDING})
"""What a list shows without saying whose it is: people make rules themselves, and a log says who made one."""

_CALLS: Final = (
    (re.compile(r"^/subscriptions$"), SUBSCRIPTION),
    (re.compile(r"/messagerules(/[^/]+)?$"), RULE),
    (re.compile(r"/createimportsession$"), IMPORT),
    (re.compile(r"/addpassword$"), SECRET),
    (re.compile(r"/federatedidentitycredentials(/[^/]+)?$"), FEDERATED),
    (re.compile(r"/addkey$"), CERTIFICATE),
    (re.compile(r"^/(applications|serviceprincipals)/[^/]+$"), CERTIFICATE),
    (re.compile(r"/(approleassignments|approleassignedto)$|^/oauth2permissiongrants(/[^/]+)?$"), CONSENT),
    (re.compile(r"^/rolemanagement/.*roleassignment|^/directoryroles/.*/members/"), ROLE),
    (re.compile(r"^/(applications|serviceprincipals)/[^/]+/owners/"), OWNER),
    (re.compile(r"^/(applications|serviceprincipals)$"), APPLICATION),
)
_ACTIVITIES: Final = (
    ("federated", FEDERATED),
    ("app role assignment", CONSENT),
    ("delegated permission grant", CONSENT),
    ("consent to application", CONSENT),
    ("member to role", ROLE),
    ("owner to", OWNER),
    ("add service principal credentials", CERTIFICATE),
    ("certificates and secrets", CERTIFICATE),
    ("add service principal", APPLICATION),
    ("add application", APPLICATION),
)
_RULES: Final = frozenset({"new-inboxrule", "set-inboxrule", "enable-inboxrule", "updateinboxrules"})
_PERMISSIONS: Final = frozenset(
    {
        "add-mailboxpermission",
        "add-mailboxfolderpermission",
        "add-recipientpermission",
        "addfolderpermissions",
        "modifyfolderpermissions",
        "updatefolderpermissions",
        "updatecalendardelegation",
    }
)
_ROLES: Final = frozenset({"new-managementroleassignment", "add-rolegroupmember"})
_FORWARDS: Final = re.compile(r"forward|redirect", re.IGNORECASE)
_OFF: Final = frozenset({"", "none", "null", "false", "$false", "[]"})
_SHOWN: Final = ("AppRole.Value", "DelegatedPermissionGrant.Scope", "ConsentAction.Permissions", "Role.DisplayName")
_KEY_TYPES: Final = {"Password": SECRET, "Symmetric": SECRET, "AsymmetricX509Cert": CERTIFICATE}
_SIGNED_IN: Final = {"secret": SECRET, "federated": FEDERATED}


def left_behind(judgement: Judgement, mailbox: str | None) -> Iterator[dict[str, Any]]:
    """Yield what one successful row shows to be left behind.

    Args:
        judgement: The row, and those of its items that are not ours.
        mailbox: The mailbox that the row names, by its address where one is known.
    """
    row = judgement.row
    if not row["success"]:
        return
    if row["source"] == GRAPH and row["effect"] == "change":
        yield from _of_call(row, mailbox)
    elif row["source"] == MAILBOX:
        yield from _of_operation(row, mailbox)
    elif row["source"] == DIRECTORY:
        yield from _of_change(row, judgement)
    elif row["source"] == SIGN_INS and judgement.kind == FOREIGN:
        # It worked, so it is there, whether or not the log still holds the row of its making.
        kind = _SIGNED_IN.get(str(row["credential_type"]), CERTIFICATE)
        yield _entry(row, kind, f"signed in with {judgement.subject}", keys=[row["key_id"]] if row["key_id"] else [])


def _of_call(row: Row, mailbox: str | None) -> Iterator[dict[str, Any]]:
    path = str(row["path"] or "").lower()
    if row["method"] == "DELETE":
        return
    for pattern, kind in _CALLS:
        if pattern.search(path):
            yield _entry(row, kind, f"{row['method']} {row['path']}", mailbox)
            return


def _of_operation(row: Row, mailbox: str | None) -> Iterator[dict[str, Any]]:
    operation = str(row["operation"])
    low = operation.lower()
    given = json.loads(row["detail"] or "{}").get("parameters") or {}
    forwards = {name: value for name, value in given.items() if _is_forward(name, value)}
    words = "; ".join(f"{name} {value}" for name, value in sorted(given.items()) if name.lower() != "identity")
    what = f"{operation}: {words}" if words else operation
    if low in _RULES:
        yield _entry(row, FORWARDING if forwards else RULE, what, mailbox)
    elif low == "set-mailbox":
        yield _entry(row, FORWARDING if forwards else SETTING, what, mailbox)
    elif low in _PERMISSIONS:
        yield _entry(row, PERMISSION, what, mailbox)
    elif low in _ROLES:
        yield _entry(row, ROLE, what, mailbox)


def _is_forward(name: str, value: str) -> bool:
    """Say whether a parameter forwards: by its name, or in ``RuleActions`` by what it says."""
    if _FORWARDS.search(name):
        return value.strip().lower() not in _OFF
    return name.lower() == "ruleactions" and _FORWARDS.search(value) is not None


def _of_change(row: Row, judgement: Judgement) -> Iterator[dict[str, Any]]:
    operation = str(row["operation"])
    low = operation.lower()
    if low.startswith(("remove", "delete", "hard delete", "soft delete")):
        return
    values = row["detail"].get("values", {})
    shown = [str(values[name]).strip('"') for name in _SHOWN if values.get(name)]
    keys = [item for item in judgement.items if item.get("item")]
    if keys:
        for item in keys:
            kind = _KEY_TYPES.get(str(item.get("folder")), CERTIFICATE)
            yield _entry(row, kind, f"{operation}: key id {dashed(item['item'])}", keys=[item["item"]])
        return
    if any("federated" in name.lower() for name in values):
        yield _entry(row, FEDERATED, operation)
        return
    kind = next((kind for words, kind in _ACTIVITIES if words in low), CHANGE)
    yield _entry(row, kind, ": ".join((operation, *shown)))


def _entry(row: Row, kind: str, what: str, mailbox: str | None = None, keys: list[str] | None = None) -> dict[str, Any]:
    return {
        "kind": kind,
        "what": what,
        "mailbox": mailbox,
        "keys": [dashed(key) for key in keys or ()],
        "time": row["time"],
        "record": row["record"],
    }
