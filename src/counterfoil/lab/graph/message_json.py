"""A message and a folder as Graph shows them."""

import base64
import html
import re
from typing import Any

from counterfoil.lab import item_ids, mailboxes, mime
from counterfoil.lab.graph.context import Context
from counterfoil.lab.objects import Folder, Message
from counterfoil.lab.spelling import seconds

_TAGS = re.compile(r"<[^>]{0,2000}>")


def message(context: Context, item: Message) -> dict[str, Any]:
    """Shape a message: what the MIME says, below what was changed later by PATCH."""
    shown = mime.view(item.mime)
    place = mailboxes.place_of(context.world, item)
    preview = html.unescape(_TAGS.sub(" ", shown.body[:4000])) if shown.body_type == "html" else shown.body[:4000]
    key = mailboxes.change_key(item)
    document: dict[str, Any] = {
        "@odata.etag": f'W/"{key}"',
        "id": item_ids.item_id(item, immutable=context.immutable),
        "createdDateTime": seconds(item.created),
        "lastModifiedDateTime": seconds(item.modified),
        "changeKey": key,
        "categories": item.categories,
        "receivedDateTime": seconds(item.received),
        "sentDateTime": seconds(shown.date if shown.date is not None else item.received),
        "hasAttachments": any(not part.inline for part in shown.attachments),
        "internetMessageId": shown.message_id,
        "subject": shown.subject,
        "bodyPreview": " ".join(preview.split())[:255],
        "importance": "normal",
        "parentFolderId": item_ids.folder_id(place),
        "conversationId": None,
        "isReadReceiptRequested": False,
        "isRead": item.read,
        "isDraft": item.draft,
        "webLink": "",
        "inferenceClassification": "focused",
        "body": {"contentType": shown.body_type, "content": shown.body},
        "sender": shown.sender,
        "from": shown.sender,
        **shown.recipients,
        "flag": {"flagStatus": "notFlagged"},
        **item.edits,
    }
    if "internetmessageheaders" in context.call.query.get("$select", "").lower():
        document["internetMessageHeaders"] = [{"name": name, "value": value} for name, value in shown.headers]
    if not _may_see_body(context):
        for name in ("body", "bodyPreview"):
            document.pop(name, None)
    return document


def _may_see_body(context: Context) -> bool:
    """Mail.ReadBasic shows everything but bodies and attachments."""
    held = context.params.get("rights", "")
    return not held or any(name in held.split() for name in ("Mail.Read", "Mail.ReadWrite"))


def folder(context: Context, place: Folder) -> dict[str, Any]:
    """Shape a mail folder."""
    items = context.world.every(Message, place.id)
    return {
        "id": item_ids.folder_id(place),
        "displayName": place.name,
        "parentFolderId": None,
        "childFolderCount": 0,
        "unreadItemCount": sum(not item.read for item in items),
        "totalItemCount": len(items),
        "sizeInBytes": sum(len(item.mime) for item in items),
        "isHidden": False,
    }


def attachment(item: Message, part: mime.Attachment, *, content: bool) -> dict[str, Any]:
    """Shape a fileAttachment."""
    document: dict[str, Any] = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "@odata.mediaContentType": part.content_type,
        "id": f"{item_ids.item_id(item)}_{part.index}",
        "lastModifiedDateTime": seconds(item.modified),
        "name": part.name,
        "contentType": part.content_type,
        "size": len(part.data),
        "isInline": part.inline,
        "contentId": part.content_id or None,
        "contentLocation": None,
    }
    if content:
        document["contentBytes"] = base64.b64encode(part.data).decode()
    return document
