"""Directory audit: credentials, consents and roles on applications; Graph, Log Analytics, and the unified copy.

``oldValue`` and ``newValue`` are JSON text inside a string. Names of activities carry an en dash and a
trailing blank in real records, and a full stop in the unified copy.
"""

import json
import re
from typing import Any

from counterfoil.evidence.ids import guid, present, token_id
from counterfoil.evidence.readers.fields import Fields, as_json, listed
from counterfoil.evidence.readers.signin import tenant_of
from counterfoil.evidence.uses import DIRECTORY, Item, Use

_KEY = re.compile(r"KeyIdentifier=([0-9a-fA-F-]{36}),\s*KeyType=(\w+)")
_DASHES = re.compile("[\u2010-\u2015\u2212]")


def directory_change(fields: Fields) -> Use:
    """Read one change; ``detail`` holds who did it, to what, and which keys came and went."""
    activity = _activity(fields.text("activitydisplayname", "operationname", "operation") or "")
    tenant = tenant_of(fields) or fields.lower("organizationid", "homorgtenantid")
    time = fields.time("activitydatetime", "creationtime", "timegenerated", "time")
    record = fields.text("id")
    doubts = [f"unfilled {key}" for key, value in (("tenant", tenant), ("time", time), ("id", record)) if not value]
    actor = fields.json("initiatedby")
    actor = actor if isinstance(actor, dict) else {}
    app = as_json(actor.get("app")) if isinstance(as_json(actor.get("app")), dict) else {}
    user = as_json(actor.get("user")) if isinstance(as_json(actor.get("user")), dict) else {}
    token = token_id(_linked(actor))
    targets = listed(fields.raw("targetresources")) or [{"modifiedProperties": _unified(fields)}]
    changes = [entry for target in targets for entry in listed(target.get("modifiedProperties"))]
    added, removed = _keys(changes)
    actors = {str(entry.get("ID", "")).lower() for entry in listed(fields.raw("actor"))}
    result = (fields.lower("result", "resultstatus") or "success").rstrip(".")
    return Use(
        record=f"{DIRECTORY}:{tenant}:{record}" if record else "",
        source=DIRECTORY,
        tenant=tenant,
        time=time,
        app=(present(app.get("appId")) or "").lower() or None,
        uti=token.hex if token else None,
        uti_other=token.other if token else None,
        correlation_id=fields.lower("correlationid", "intersystemsid"),
        request_id=record,
        success=result in {"success", "succeeded", "true"},
        error=None if result in {"success", "succeeded", "true"} else result,
        address=present(user.get("ipAddress")) or fields.text("clientip", "ipaddress"),
        operation=activity,
        effect="change",
        principal=guid(app.get("servicePrincipalId")),
        doubt="; ".join(doubts) or None,
        items=[Item(item=key, folder=kind) for key, kind in sorted(added.items() - removed.items())],
        detail=json.dumps(
            {
                "unified": fields.text("recordtype") is not None,
                "user": present(user.get("userPrincipalName")) or present(user.get("id")) or fields.text("userid"),
                "actors": sorted(actors - {""}),
                "targets": sorted(_target_ids(targets, changes, fields)),
                "keys": sorted(_listed(changes)),
                "values": {str(c.get("displayName")): present(c.get("newValue")) for c in changes},
            }
        ),
    )


def _activity(text: str) -> str:
    return _DASHES.sub("-", text).strip().rstrip(".").strip()


def _linked(actor: dict[str, Any]) -> Any:
    linkable = as_json(actor.get("linkableIdentifiers"))
    if not isinstance(linkable, dict):
        return None
    return linkable.get("tokenId") or linkable.get("uniqueTokenIdentifier") or linkable.get("uniqueTokenId")


def _unified(fields: Fields) -> list[dict[str, Any]]:
    """Bring the unified copy's ``ModifiedProperties`` to the names of the directory's own log."""
    return [
        {"displayName": entry.get("Name"), "oldValue": entry.get("OldValue"), "newValue": entry.get("NewValue")}
        for entry in listed(fields.raw("modifiedproperties"))
    ]


def _listed(changes: list[dict[str, Any]]) -> set[str]:
    """Collect every key id that stood or stands on the object: they tell whose object it is."""
    texts = [str(change.get(side) or "") for change in changes for side in ("oldValue", "newValue")]
    return {key.lower().replace("-", "") for text in texts for key, _ in _KEY.findall(text)}


def _keys(changes: list[dict[str, Any]]) -> tuple[dict[str, str], dict[str, str]]:
    added: dict[str, str] = {}
    removed: dict[str, str] = {}
    for change in changes:
        new = {key.lower(): kind for key, kind in _KEY.findall(str(change.get("newValue") or ""))}
        old = {key.lower(): kind for key, kind in _KEY.findall(str(change.get("oldValue") or ""))}
        added |= {key: kind for key, kind in new.items() if key not in old}
        removed |= {key: kind for key, kind in old.items() if key not in new}
    return (
        {key.replace("-", ""): kind for key, kind in added.items()},
        {key.replace("-", ""): kind for key, kind in removed.items()},
    )


def _target_ids(targets: list[dict[str, Any]], changes: list[dict[str, Any]], fields: Fields) -> set[str]:
    """Collect every GUID by which a row names what was changed: object ids and application ids."""
    texts = [str(target.get("id") or "") for target in targets]
    texts += [str(entry.get("ID", "")) for entry in listed(fields.raw("target"))]
    named = ("ServicePrincipal.AppId", "AppId", "TargetId.ServicePrincipalNames", "ServicePrincipal.ObjectID")
    texts += [str(change.get("newValue") or "") for change in changes if change.get("displayName") in named]
    texts += [str(entry.get("value") or entry.get("Value") or "") for entry in listed(fields.raw("additionaldetails"))]
    return {
        found.lower()
        for text in texts
        for found in re.findall(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text)
    }
