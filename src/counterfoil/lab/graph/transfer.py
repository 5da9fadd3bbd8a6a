"""Import and export of whole items (beta): an export is a read, and an import URL is a key of its own.

``importUrl`` needs no token until it ends: who holds it puts mail into the mailbox, whatever became of the
credential that opened it. Microsoft has no call that lists import sessions, so neither has the laboratory; the data
is the item's MIME here, not a FastTransfer stream.
"""

import base64
import json
import re

from counterfoil.lab import item_ids, mailboxes
from counterfoil.lab.graph.context import Context, GraphError, bad_request, field
from counterfoil.lab.logs import mailbox_audit
from counterfoil.lab.objects import ImportSession, Mailbox
from counterfoil.lab.spelling import b64url, ticks
from counterfoil.lab.wire import Call, Reply, json_reply
from counterfoil.lab.world import World

_MOST = 20
_IMPORT = re.compile(r"^/api/gbeta/Mailboxes\('([^']+)'\)/importItem/?$", re.IGNORECASE)
_NAME = re.compile(r"^MBX:([^@]+)@(.+)$", re.IGNORECASE)


def mailbox_id(mailbox: Mailbox) -> str:
    """Spell the id of a mailbox as these calls take it."""
    return f"MBX:{mailbox.id}@{mailbox.tenant}"


def settings(context: Context) -> Reply:
    """``GET /users/{id}/settings/exchange``: the id of the mailbox for the calls below."""
    name = mailbox_id(context.mailbox())
    return json_reply(200, {"@odata.context": context.odata("users('me')/settings/exchange"), "primaryMailboxId": name})


def _mailbox(context: Context) -> Mailbox:
    found = _NAME.match(context.params["mailbox"])
    mailbox = context.world.get(Mailbox, found[1]) if found and found[2] == context.tenant else None
    if mailbox is None or mailbox.tenant != context.tenant:
        raise GraphError(404, "ErrorMailboxNotFound", "The specified mailbox was not found.")
    return mailbox


def export_items(context: Context) -> Reply:
    """``POST /admin/exchange/mailboxes/{id}/exportItems``: whole items, at most twenty; each is a read."""
    mailbox, wanted = _mailbox(context), field(context.body(), "itemIds", list, [])
    if not 1 <= len(wanted) <= _MOST:
        raise bad_request(f"itemIds must hold 1 to {_MOST} ids.", "ErrorInvalidRequest")
    shown, read = [], []
    for name in map(str, wanted):
        item = mailboxes.message(context.world, mailbox, name)
        if item is None:
            error = {"code": "ErrorItemNotFound", "message": "The specified object was not found in the store."}
            shown.append({"itemId": name, "error": error})
            continue
        data = base64.b64encode(item.mime.encode("latin-1")).decode()
        shown.append({"itemId": name, "changeKey": mailboxes.change_key(item), "data": data})
        read.append((item, mailboxes.place_of(context.world, item)))
    if read:
        mailbox_audit.accessed(context.world, context.use(), mailbox, read)
    return json_reply(200, {"value": shown})


def create_import_session(context: Context) -> Reply:
    """``POST /admin/exchange/mailboxes/{id}/createImportSession``: an URL that needs no token."""
    mailbox, now = _mailbox(context), context.call.now
    life = float(context.world.dial(context.tenant, "import_session_seconds"))
    session = ImportSession(
        b64url(context.world.dice.randbytes(24)), context.tenant, mailbox.id, context.caller.app_id, now + life
    )
    context.world.put(session)
    url = f"{context.call.base}/api/gbeta/Mailboxes('{mailbox_id(mailbox)}')/importItem?authtoken={session.id}"
    return json_reply(200, {"importUrl": url, "expirationDateTime": ticks(session.expires)})


def take_in(world: World, call: Call) -> Reply | None:
    """Answer a ``POST`` to an import URL, which carries no token; ``None`` where it is no such URL."""
    found = _IMPORT.match(call.path)
    if found is None or call.method != "POST":
        return None
    session = world.get(ImportSession, call.query.get("authtoken", ""))
    mailbox = None if session is None else world.get(Mailbox, session.mailbox)
    if session is None or mailbox is None or session.expires <= call.now or mailbox_id(mailbox) != found[1]:
        return GraphError(401, "InvalidAuthenticationToken", "The import session is unknown or has ended.").reply(call)
    try:
        body = call.json()
        place = mailboxes.folder(world, mailbox, str(body.get("FolderId", "")))
        if place is None or body.get("Mode") != "create":
            raise bad_request("FolderId or Mode is not valid.", "ErrorInvalidRequest")
        item = mailboxes.store(world, place, base64.b64decode(str(body.get("Data", "")), validate=True), call.now)
    except GraphError as error:
        return error.reply(call)
    except ValueError:
        return bad_request("The import payload is not valid.", "ErrorInvalidRequest").reply(call)
    answer = {"itemId": item_ids.item_id(item), "changeKey": mailboxes.change_key(item)}
    return Reply(200, json.dumps(answer).encode(), {"Content-Type": "application/json; charset=utf-8"})
