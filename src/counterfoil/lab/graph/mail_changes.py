"""Changing mail: create from MIME or JSON, update, move, delete, send (section 4.3); each leaves its row."""

import base64
import binascii
from typing import Any

from counterfoil.lab import mailboxes, mime
from counterfoil.lab.graph import message_json, notify
from counterfoil.lab.graph.context import Context, GraphError, bad_request, field
from counterfoil.lab.graph.mail import find_folder, find_message
from counterfoil.lab.logs import mailbox_audit
from counterfoil.lab.objects import Folder, Mailbox, Message
from counterfoil.lab.wire import Reply, json_reply

_LARGEST = 4 * 1024 * 1024
_SENSITIVE = ("subject", "body", "toRecipients", "ccRecipients", "bccRecipients", "from", "sender", "replyTo")
_PLAIN = ("isRead", "categories", "importance", "flag", "inferenceClassification")


def _place(context: Context, item: Message) -> Folder:
    return mailboxes.place_of(context.world, item)


def _is_mime(context: Context) -> bool:
    return context.call.header("content-type").partition(";")[0].strip().lower() == "text/plain"


def _mime_body(context: Context) -> bytes:
    """Decode the base64 of a MIME message.

    Raises:
        GraphError: 413 if it is larger than 4 MB, 400 if it is no base64.
    """
    if len(context.call.body) > _LARGEST:
        raise GraphError(413, "RequestEntityTooLarge", "The request exceeds the maximum allowed size.")
    try:
        return base64.b64decode(context.call.body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_request("Invalid base64 string for MIME content.", "ErrorMimeContentInvalidBase64String") from error


def _composed(context: Context, mailbox: Mailbox, document: dict[str, Any]) -> bytes:
    host = mailbox.address.partition("@")[2]
    try:
        return mime.compose(document, mailbox.address, f"<{context.world.guid()}@{host}>", context.call.now)
    except (ValueError, AttributeError, TypeError) as error:
        raise bad_request(f"Invalid message: {error}", "ErrorInvalidRecipients") from error


def create(context: Context) -> Reply:
    """``POST /users/{id}/messages`` (Drafts) or into a folder; always a draft, so no faithful restore."""
    mailbox = context.mailbox()
    place = (
        find_folder(context, mailbox, context.params["folder"])
        if "folder" in context.params
        else mailboxes.named(context.world, mailbox, "\\Drafts")
    )
    data = _mime_body(context) if _is_mime(context) else _composed(context, mailbox, context.body())
    item = mailboxes.store(context.world, place, data, context.call.now, draft=True, read=True)
    mailbox_audit.single(context.world, context.use(), mailbox, "Create", (item, place))
    notify.changed(context.world, mailbox, item, "created", context.call.now)
    return json_reply(201, {"@odata.context": context.odata("messages/$entity"), **message_json.message(context, item)})


def update(context: Context) -> Reply:
    """``PATCH /users/{id}/messages/{id}``.

    From 31 December 2026 the sensitive properties of a non-draft need Mail-Advanced.ReadWrite; here
    they do already.
    """
    mailbox = context.mailbox()
    item, body = find_message(context, mailbox), context.body()
    sensitive = [name for name in _SENSITIVE if name in body]
    if sensitive and not item.draft and "Mail-Advanced.ReadWrite" not in context.caller.roles:
        raise GraphError(
            403, "ErrorAccessDenied", f"Access is denied. {sensitive[0]} of a non-draft message cannot be changed."
        )
    item.read = field(body, "isRead", bool, item.read)
    item.categories = [str(name) for name in field(body, "categories", list, item.categories)]
    item.edits |= {
        name: body[name] for name in (*_PLAIN, *sensitive) if name in body and name not in {"isRead", "categories"}
    }
    mailboxes.touch(context.world, item, context.call.now)
    changed = [name for name in body if name in (*_PLAIN, *_SENSITIVE)]
    mailbox_audit.single(
        context.world, context.use(), mailbox, "Update", (item, _place(context, item)), ModifiedProperties=changed
    )
    notify.changed(context.world, mailbox, item, "updated", context.call.now)
    return json_reply(200, {"@odata.context": context.odata("messages/$entity"), **message_json.message(context, item)})


def move(context: Context) -> Reply:
    """``POST /users/{id}/messages/{id}/move``: 201, and the normal id is a new one."""
    mailbox = context.mailbox()
    item = find_message(context, mailbox)
    wanted = context.parameters().get("destinationid")
    if not isinstance(wanted, str):
        raise bad_request("The destinationId is missing.", "ErrorInvalidRequest")
    destination, origin = find_folder(context, mailbox, wanted), _place(context, item)
    moved = _move(context, mailbox, item, destination)
    operation = "MoveToDeletedItems" if destination.well_known == "deleteditems" else "Move"
    mailbox_audit.group(context.world, context.use(), mailbox, operation, (item, origin), destination=destination)
    return json_reply(
        201, {"@odata.context": context.odata("messages/$entity"), **message_json.message(context, moved)}
    )


def copy(context: Context) -> Reply:
    """``POST /users/{id}/messages/{id}/copy``."""
    mailbox = context.mailbox()
    item = find_message(context, mailbox)
    destination = find_folder(context, mailbox, str(context.parameters().get("destinationid")))
    made = mailboxes.store(
        context.world, destination, item.mime.encode("latin-1"), context.call.now, draft=item.draft, read=item.read
    )
    mailbox_audit.group(
        context.world, context.use(), mailbox, "Copy", (item, _place(context, item)), destination=destination
    )
    notify.changed(context.world, mailbox, made, "created", context.call.now)
    return json_reply(201, {"@odata.context": context.odata("messages/$entity"), **message_json.message(context, made)})


def _move(context: Context, mailbox: Mailbox, item: Message, destination: Folder) -> Message:
    notify.changed(context.world, mailbox, item, "deleted", context.call.now)
    moved = mailboxes.move(context.world, item, destination, context.call.now)
    notify.changed(context.world, mailbox, moved, "created", context.call.now)
    return moved


def delete(context: Context) -> Reply:
    """``DELETE /users/{id}/messages/{id}``: to the folder Deletions of Recoverable Items."""
    return _remove(context, "SoftDelete", "\\Recoverable Items\\Deletions")


def permanent_delete(context: Context) -> Reply:
    """``POST /users/{id}/messages/{id}/permanentDelete``: to Purges, where Graph cannot see it."""
    return _remove(context, "HardDelete", mailboxes.PURGES)


def _remove(context: Context, operation: str, path: str) -> Reply:
    mailbox = context.mailbox()
    item = find_message(context, mailbox)
    origin = _place(context, item)
    if origin.path == path == "\\Recoverable Items\\Deletions":  # deleting what was deleted purges it
        operation, path = "HardDelete", mailboxes.PURGES
    _move(context, mailbox, item, mailboxes.named(context.world, mailbox, path))
    mailbox_audit.group(context.world, context.use(), mailbox, operation, (item, origin))
    return Reply(204)


def send(context: Context) -> Reply:
    """``POST /users/{id}/sendMail``: 202; mail for mailboxes of the laboratory is delivered at once."""
    mailbox = context.mailbox()
    save = True
    if _is_mime(context):
        data = _mime_body(context)
    else:
        body = context.parameters()
        if not isinstance(body.get("message"), dict):
            raise bad_request("The message is missing.", "ErrorInvalidRequest")
        save = field(body, "savetosentitems", bool, True)  # noqa: FBT003 - the default
        data = _composed(context, mailbox, body["message"])
    recipients = mime.recipients_of(data)
    if not recipients:
        raise bad_request("At least one recipient is not valid.", "ErrorInvalidRecipients")
    place = mailboxes.named(context.world, mailbox, "\\Sent Items")
    item = mailboxes.store(context.world, place, data, context.call.now, read=True)
    more = {"SaveToSentItems": save, "recipientCount": len(recipients), "recipientList": recipients}
    mailbox_audit.single(context.world, context.use(), mailbox, "Send", (item, place), **more)
    if not save:
        context.world.remove(item)
    deliver(context, data, recipients)
    return Reply(202)


def deliver(context: Context, data: bytes, recipients: list[str]) -> None:
    """Put a sent message into the inboxes of the laboratory's own recipients; others are not reached."""
    for address in recipients:
        tenant = context.world.tenant_of_domain(address.partition("@")[2])
        target = context.world.mailbox(tenant.id, address) if tenant else None
        if target is not None:
            notify.arrive(context.world, target, data, context.call.now)
