"""Reading mail: folders, lists, delta, one message, its MIME and attachments. Every read leaves its trace."""

import json
from typing import Any

from counterfoil.lab import item_ids, mailboxes, mime
from counterfoil.lab.graph import message_json, odata
from counterfoil.lab.graph.context import Context, GraphError, bad_request, item_not_found
from counterfoil.lab.logs import mailbox_audit
from counterfoil.lab.objects import Folder, Mailbox, Message, Trace
from counterfoil.lab.spelling import b64url, from_b64url, parse
from counterfoil.lab.wire import Reply, json_reply


def find_folder(context: Context, mailbox: Mailbox, name: str) -> Folder:
    """Return a folder by id or well-known name.

    Raises:
        GraphError: 404 if the mailbox has none such.
    """
    found = mailboxes.folder(context.world, mailbox, name)
    if found is None:
        raise item_not_found()
    return found


def find_message(context: Context, mailbox: Mailbox) -> Message:
    """Return the message that the path names.

    Raises:
        GraphError: 400 for a malformed id, 404 for one that is gone or from before a move.
    """
    name = context.params["message"]
    if item_ids.guid_in(name) is None:
        raise bad_request("Id is malformed.", "ErrorInvalidIdMalformed")
    found = mailboxes.message(context.world, mailbox, name)
    if found is None or ("folder" in context.params and not _in_folder(context, mailbox, found)):
        raise item_not_found()
    return found


def _in_folder(context: Context, mailbox: Mailbox, item: Message) -> bool:
    return find_folder(context, mailbox, context.params["folder"]).id == item.folder


def note_read(context: Context, mailbox: Mailbox, items: list[Message]) -> None:
    """Leave the trace of a read in the mailbox audit."""
    pairs = [(item, mailboxes.place_of(context.world, item)) for item in items]
    mailbox_audit.accessed(context.world, context.use(), mailbox, pairs)


def folders(context: Context) -> Reply:
    """``GET /users/{id}/mailFolders``."""
    mailbox = context.mailbox()
    shown = [
        place
        for place in context.world.every(Folder, mailbox.id)
        if place.path not in mailboxes.HIDDEN and place.well_known != "msgfolderroot"
    ]
    return json_reply(
        200,
        odata.page(
            context, shown, lambda item: message_json.folder(context, item), size=10, most=999, path="mailFolders"
        ),
    )


def folder(context: Context) -> Reply:
    """``GET /users/{id}/mailFolders/{id}``."""
    found = find_folder(context, context.mailbox(), context.params["folder"])
    shown = odata.select(message_json.folder(context, found), context.call.query.get("$select", ""))
    return json_reply(200, {"@odata.context": context.odata("mailFolders/$entity"), **shown})


def messages(context: Context) -> Reply:
    """``GET /users/{id}/messages`` and ``GET /users/{id}/mailFolders/{id}/messages``."""
    mailbox = context.mailbox()
    place = find_folder(context, mailbox, context.params["folder"]).id if "folder" in context.params else mailbox.id
    items = mailboxes.newest_first(context.world, place)
    if context.call.query.get("$orderby", "").lower() in {"receiveddatetime", "receiveddatetime asc"}:
        items.reverse()
    read: list[Message] = []

    def render(item: Message) -> dict[str, Any]:
        read.append(item)
        return message_json.message(context, item)

    size = int(context.world.dial(context.tenant, "page_size"))
    answer = odata.page(context, items, render, size=size, most=1000, path="Collection(message)")
    shown = {document["id"] for document in answer["value"]}
    read = [item for item in read if item_ids.item_id(item, immutable=context.immutable) in shown]
    note_read(context, mailbox, read)
    return json_reply(200, answer)


def message(context: Context) -> Reply:
    """``GET /users/{id}/messages/{id}``."""
    mailbox = context.mailbox()
    found = find_message(context, mailbox)
    note_read(context, mailbox, [found])
    shown = odata.select(message_json.message(context, found), context.call.query.get("$select", ""))
    return json_reply(200, {"@odata.context": context.odata("messages/$entity"), **shown})


def value(context: Context) -> Reply:
    """``GET /users/{id}/messages/{id}/$value``: the MIME itself, not base64."""
    mailbox = context.mailbox()
    found = find_message(context, mailbox)
    note_read(context, mailbox, [found])
    return Reply(200, found.mime.encode("latin-1"), {"Content-Type": "text/plain"})


def attachments(context: Context) -> Reply:
    """``GET /users/{id}/messages/{id}/attachments``."""
    mailbox = context.mailbox()
    found = find_message(context, mailbox)
    parts = mime.view(found.mime).attachments
    note_read(context, mailbox, [found])
    for part in parts:
        _note_attachment(context, mailbox, found, part)
    shown = [message_json.attachment(found, part, content=True) for part in parts]
    return json_reply(200, odata.page(context, shown, dict, size=100, most=999, path="attachments"))


def _attachment(context: Context) -> tuple[Mailbox, Message, mime.Attachment]:
    mailbox = context.mailbox()
    found = find_message(context, mailbox)
    name = context.params["attachment"]
    for part in mime.view(found.mime).attachments:
        if name == f"{item_ids.item_id(found)}_{part.index}":
            _note_attachment(context, mailbox, found, part)
            return mailbox, found, part
    raise item_not_found()


def _note_attachment(context: Context, mailbox: Mailbox, item: Message, part: mime.Attachment) -> None:
    pair = (item, mailboxes.place_of(context.world, item))
    more = {"AttachmentId": f"{item_ids.entry_id(item)}_{part.index}", "AttachmentSizeInBytes": len(part.data)}
    if context.caller.tenant.licensed:
        mailbox_audit.single(context.world, context.use(), mailbox, "AttachmentAccess", pair, **more)


def attachment(context: Context) -> Reply:
    """``GET /users/{id}/messages/{id}/attachments/{id}``."""
    _, found, part = _attachment(context)
    return json_reply(
        200,
        {"@odata.context": context.odata("attachments/$entity"), **message_json.attachment(found, part, content=True)},
    )


def attachment_value(context: Context) -> Reply:
    """``GET /users/{id}/messages/{id}/attachments/{id}/$value``."""
    _, _, part = _attachment(context)
    return Reply(200, part.data, {"Content-Type": part.content_type})


def delta(context: Context) -> Reply:
    """``GET /users/{id}/mailFolders/{id}/messages/delta`` (section 4.2).

    The options of the first request are kept in the token. A token is the change number up to which
    the caller has seen the folder.
    """
    mailbox = context.mailbox()
    place = find_folder(context, mailbox, context.params["folder"])
    state = _delta_state(context, place)
    changes = _changes(context, place, state)
    top = max(1, min(_page_preference(context), 1000))
    shown, rest = changes[:top], changes[top:]
    read = [item for _, item in shown if isinstance(item, Message)]
    note_read(context, mailbox, read)
    answer: dict[str, Any] = {"@odata.context": context.odata("Collection(message)")}
    if rest:
        after = {**state, "since": shown[-1][0]}
        answer["@odata.nextLink"] = odata.link(context, {"$skiptoken": _token(after)})
    else:
        newest = max([state["since"], *(change for change, _ in changes)])
        answer["@odata.deltaLink"] = odata.link(
            context, {"$deltatoken": _token({**state, "since": newest, "first": False})}
        )
    answer["value"] = [_delta_item(context, item, state["select"]) for _, item in shown]
    return json_reply(200, answer)


def _page_preference(context: Context) -> int:
    for part in context.call.header("prefer").split(","):
        name, _, number = part.strip().partition("=")
        if name.lower() == "odata.maxpagesize" and number.isdigit():
            return int(number)
    return int(context.world.dial(context.tenant, "delta_page_size"))


def _delta_state(context: Context, place: Folder) -> dict[str, Any]:
    query = context.call.query
    text = query.get("$deltatoken") or query.get("$skiptoken")
    if text is None:
        text_filter = query.get("$filter", "")
        if text_filter and not text_filter.lower().startswith("receiveddatetime g"):
            raise bad_request("The query filter is not supported for delta.", "ErrorInvalidUrlQueryFilter")
        return {
            "folder": place.id,
            "since": 0,
            "select": query.get("$select", ""),
            "types": query.get("changeType", ""),
            "filter": text_filter,
            "first": True,
        }
    try:
        state = json.loads(from_b64url(text))
        if state["folder"] == place.id:
            return {**state, "since": int(state["since"])}
    except (ValueError, KeyError, TypeError):
        pass  # whatever is wrong with a token, the caller must start again
    raise GraphError(
        410, "syncStateNotFound", "The sync state generation is not found; the synchronization must be restarted."
    )


def _token(state: dict[str, Any]) -> str:
    return b64url(json.dumps(state, separators=(",", ":")).encode())


def _changes(context: Context, place: Folder, state: dict[str, Any]) -> list[tuple[int, Message | Trace]]:
    """Return what changed after ``since``, oldest change first; a first run shows no deletions."""
    world, since, types = context.world, state["since"], state["types"].split(",") if state["types"] else []
    changes: list[tuple[int, Message | Trace]] = []
    for item in world.every(Message, place.id):
        kind = "created" if item.created == item.modified else "updated"
        if item.change > since and (not types or kind in types or state["first"]):
            changes.append((item.change, item))
    if not state["first"] and (not types or "deleted" in types):
        changes += [(trace.change, trace) for trace in world.every(Trace, place.id) if trace.change > since]
    if state["filter"]:
        bound = parse(state["filter"].split()[-1])
        changes = [(number, item) for number, item in changes if isinstance(item, Trace) or item.received >= bound]
    return sorted(changes, key=lambda change: change[0])


def _delta_item(context: Context, item: Message | Trace, wanted: str) -> dict[str, Any]:
    if isinstance(item, Trace):
        gone = item_ids.immutable(item.rest_id) if context.immutable else item.rest_id
        return {"@odata.type": "#microsoft.graph.message", "id": gone, "@removed": {"reason": "deleted"}}
    return {"@odata.type": "#microsoft.graph.message", **odata.select(message_json.message(context, item), wanted)}
