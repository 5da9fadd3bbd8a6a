"""What is this record? Found from its content, never from its file's name."""

from collections.abc import Callable, Iterable
from typing import Any

from counterfoil.evidence.readers.directory import directory_change
from counterfoil.evidence.readers.fields import Fields
from counterfoil.evidence.readers.graph import graph_call
from counterfoil.evidence.readers.mailbox import mailbox_access
from counterfoil.evidence.readers.signin import sign_in
from counterfoil.evidence.uses import DIRECTORY, GRAPH, MAILBOX, SIGN_INS, Use

READERS: dict[str, Callable[[Fields], Use]] = {
    SIGN_INS: sign_in,
    GRAPH: graph_call,
    MAILBOX: mailbox_access,
    DIRECTORY: directory_change,
}

SUMMARY, ERROR, STUBS, OTHER, UNKNOWN = "summary", "error", "stubs", "other-log", "unknown"
"""Kinds that give no use: a summarised export, an error page, our own stubs, a log we do not need, none we know."""

_SUMMARY = {"signincount", "aggregatedsignincount", "signinscount", "firstsignindatetime", "aggregationwindow"}
_STUBS = {"tenant", "credential", "job", "token", "call", "gap"}
_OTHER_CATEGORIES = (
    "signinlogs",
    "noninteractiveusersigninlogs",
    "managedidentitysigninlogs",
    "adfssigninlogs",
    "microsoftservicePrincipalsigninlogs".lower(),
    "provisioninglogs",
    "riskyusers",
    "userriskevents",
    "riskyserviceprincipals",
    "serviceprincipalriskevents",
)
_CATEGORIES = {
    "serviceprincipalsigninlogs": SIGN_INS,
    "aadserviceprincipalsigninlogs": SIGN_INS,
    "microsoftgraphactivitylogs": GRAPH,
    "graphapiauditevents": GRAPH,
    "auditlogs": DIRECTORY,
    "officeactivity": MAILBOX,
}


def kind_of(fields: Fields) -> str:
    """Name the source that a record belongs to, or why it belongs to none."""
    if _has_any(fields, _SUMMARY):
        return SUMMARY
    if isinstance(fields.envelope.get("error"), dict) and len(fields.envelope) <= 2:
        return ERROR
    if _flat(fields.envelope.get("kind")) in _STUBS and "outcome" not in fields.inner:
        return STUBS
    for label in (fields.lower("type"), _flat(fields.envelope.get("category"))):
        if label in _CATEGORIES:
            return _office(fields) if _CATEGORIES[label] == MAILBOX else _CATEGORIES[label]
        if label and (label in _OTHER_CATEGORIES or label.removeprefix("aad") in _OTHER_CATEGORIES):
            return OTHER
    return _by_shape(fields)


def _by_shape(fields: Fields) -> str:  # noqa: PLR0911 - one line a shape, the surest first
    if _has_all(fields, "requesturi", "requestmethod"):
        return GRAPH
    if _has_all(fields, "activitydisplayname") and _has_any(fields, ("targetresources", "initiatedby")):
        return DIRECTORY
    if _has_all(fields, "operation") and _has_any(fields, ("recordtype", "organizationid", "officeworkload")):
        return _office(fields)
    if _has_any(fields, ("serviceprincipalcredentialkeyid", "serviceprincipalcredentialthumbprint")):
        return SIGN_INS
    events = fields.json("signineventtypes")
    if isinstance(events, list):
        return SIGN_INS if "servicePrincipal" in events else OTHER
    if _has_all(fields, "uniquetokenidentifier", "appid"):
        return SIGN_INS if _has_any(fields, ("serviceprincipalid", "clientcredentialtype")) else OTHER
    if _has_all(fields, "userprincipalname", "appid", "createddatetime") or _has_all(fields, "contenturi", "contentid"):
        return OTHER
    return UNKNOWN


def _office(fields: Fields) -> str:
    workload = fields.lower("workload", "officeworkload") or ""
    if workload == "azureactivedirectory" or str(fields.raw("recordtype")) in {"8", "AzureActiveDirectory"}:
        return DIRECTORY
    return MAILBOX


def _flat(value: Any) -> str:
    return value.lower() if isinstance(value, str) else ""


def _has_any(fields: Fields, keys: Iterable[str]) -> bool:
    return any(key in fields for key in keys)


def _has_all(fields: Fields, *keys: str) -> bool:
    return all(key in fields for key in keys)
