"""Inbox rules: read, made, changed and deleted; a classic way to keep a hand on a mailbox."""

from typing import Any

from counterfoil.lab.graph import odata
from counterfoil.lab.graph.context import Context, bad_request, field, item_not_found
from counterfoil.lab.logs import mailbox_audit
from counterfoil.lab.objects import Mailbox, Rule
from counterfoil.lab.spelling import b64url
from counterfoil.lab.wire import Reply, json_reply


def _document(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "displayName": rule.name,
        "sequence": rule.sequence,
        "isEnabled": rule.enabled,
        "hasError": False,
        "isReadOnly": False,
        "conditions": rule.conditions,
        "actions": rule.actions,
    }


def _inbox_only(context: Context) -> None:
    if context.params["folder"].lower() != "inbox":
        raise bad_request("Rules exist on the inbox only.", "ErrorInvalidRequest")


def listing(context: Context) -> Reply:
    """``GET /users/{id}/mailFolders/inbox/messageRules``."""
    _inbox_only(context)
    rules = sorted(context.world.every(Rule, context.mailbox().id), key=lambda rule: (rule.sequence, rule.id))
    return json_reply(200, odata.page(context, rules, _document, size=100, most=999, path="messageRules"))


def create(context: Context) -> Reply:
    """``POST /users/{id}/mailFolders/inbox/messageRules``: logged as New-InboxRule (unconfirmed)."""
    _inbox_only(context)
    mailbox, body = context.mailbox(), context.body()
    if not body.get("displayName") or not isinstance(body.get("actions"), dict):
        raise bad_request("Property displayName and actions are required.", "ErrorInvalidRequest")
    rule = Rule(
        b64url(b"\x01\x00\x00" + context.world.dice.randbytes(6)),
        mailbox.id,
        str(body["displayName"]),
        field(body, "sequence", int, 1),
        field(body, "isEnabled", bool, True),  # noqa: FBT003 - the default
        field(body, "conditions", dict, {}),
        dict(body["actions"]),
    )
    context.world.put(rule)
    _log(context, mailbox, "New-InboxRule", rule)
    return json_reply(201, _document(rule))


def _find(context: Context, mailbox: Mailbox) -> Rule:
    _inbox_only(context)
    rule = context.world.get(Rule, context.params["rule"])
    if rule is None or rule.mailbox != mailbox.id:
        raise item_not_found()
    return rule


def get(context: Context) -> Reply:
    """``GET /users/{id}/mailFolders/inbox/messageRules/{id}``."""
    return json_reply(200, _document(_find(context, context.mailbox())))


def update(context: Context) -> Reply:
    """``PATCH /users/{id}/mailFolders/inbox/messageRules/{id}``."""
    mailbox, body = context.mailbox(), context.body()
    rule = _find(context, mailbox)
    rule.name = str(body.get("displayName", rule.name))
    rule.enabled = field(body, "isEnabled", bool, rule.enabled)
    rule.conditions = field(body, "conditions", dict, rule.conditions)
    rule.actions = field(body, "actions", dict, rule.actions)
    context.world.put(rule)
    _log(context, mailbox, "Set-InboxRule", rule)
    return json_reply(200, _document(rule))


def delete(context: Context) -> Reply:
    """``DELETE /users/{id}/mailFolders/inbox/messageRules/{id}``."""
    mailbox = context.mailbox()
    rule = _find(context, mailbox)
    context.world.remove(rule)
    _log(context, mailbox, "Remove-InboxRule", rule)
    return Reply(204)


def _log(context: Context, mailbox: Mailbox, operation: str, rule: Rule) -> None:
    parameters = {"AlwaysDeleteOutlookRulesBlob": "False", "Force": "False", "Name": rule.name}
    for name, value in {**rule.conditions, **rule.actions}.items():
        parameters[name[:1].upper() + name[1:]] = _flat(value)
    mailbox_audit.rule(context.world, context.use(), mailbox, operation, name=rule.name, parameters=parameters)


def _flat(value: Any) -> str:
    """Parameters are strings, whatever they were: ``True``, an address, ``a;b``."""
    if isinstance(value, list):
        return ";".join(_flat(item) for item in value)
    if isinstance(value, dict):
        return str((value.get("emailAddress") or {}).get("address") or value)
    return str(value)
