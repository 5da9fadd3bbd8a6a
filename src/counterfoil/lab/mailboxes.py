"""Mailboxes, their folders and the messages in them; changes here leave no log row by themselves."""

import base64
from dataclasses import replace

from counterfoil.lab import item_ids as ids
from counterfoil.lab.objects import Folder, Mailbox, Message, Trace
from counterfoil.lab.world import World

_WELL_KNOWN = (
    ("msgfolderroot", "Top of Information Store", "\\"),
    ("inbox", "Inbox", "\\Inbox"),
    ("drafts", "Drafts", "\\Drafts"),
    ("sentitems", "Sent Items", "\\Sent Items"),
    ("deleteditems", "Deleted Items", "\\Deleted Items"),
    ("junkemail", "Junk Email", "\\Junk Email"),
    ("archive", "Archive", "\\Archive"),
    ("outbox", "Outbox", "\\Outbox"),
    ("recoverableitemsdeletions", "Deletions", "\\Recoverable Items\\Deletions"),
    ("", "Purges", "\\Recoverable Items\\Purges"),
)
"""Graph's name, the display name, Exchange's path. Purges has no name in Graph and is never listed."""

PURGES = "\\Recoverable Items\\Purges"
HIDDEN = (PURGES, "\\Recoverable Items\\Deletions")


def add_mailbox(world: World, tenant: str, address: str, name: str) -> Mailbox:
    """Make a user with a mailbox and its folders."""
    numbers = world.dice.randbytes(8)
    sid = f"S-1-5-21-{int.from_bytes(numbers[:4], 'big')}-{int.from_bytes(numbers[4:], 'big')}-1-1001"
    mailbox = Mailbox(world.guid(), tenant, address, name, world.guid(), sid)
    world.put(mailbox)
    root = ""
    for well_known, shown, path in _WELL_KNOWN:
        folder = Folder(world.guid(), mailbox.id, shown, path, root, well_known)
        world.put(folder)
        root = root or folder.id
    return mailbox


def folder(world: World, mailbox: Mailbox, name: str) -> Folder | None:
    """Find a folder by Graph id or well-known name."""
    guid = ids.guid_in(name)
    for candidate in world.every(Folder, mailbox.id):
        if candidate.well_known and candidate.well_known == name.lower():
            return candidate
        if guid is not None and candidate.id == guid and ids.folder_id(candidate) == name:
            return candidate
    return None


def named(world: World, mailbox: Mailbox, path: str) -> Folder:
    """Return the folder with an Exchange path; it exists since the mailbox was made."""
    return next(candidate for candidate in world.every(Folder, mailbox.id) if candidate.path == path)


def message(world: World, mailbox: Mailbox, name: str) -> Message | None:
    """Find a message by its present id or its immutable one; an id from before a move finds nothing."""
    guid = ids.guid_in(name)
    found = world.get(Message, guid) if guid else None
    if found is None or found.mailbox != mailbox.id:
        return None
    if name not in (ids.item_id(found), ids.item_id(found, immutable=True)):
        return None
    return None if _folder_of(world, found).path == PURGES else found


def _folder_of(world: World, item: Message) -> Folder:
    place = world.get(Folder, item.folder)
    assert place is not None
    return place


def place_of(world: World, item: Message) -> Folder:
    """Return the folder a message is in."""
    return _folder_of(world, item)


def newest_first(world: World, place: str) -> list[Message]:
    """Return the messages of a folder (or mailbox, without Recoverable Items), newest first."""
    items = world.every(Message, place)
    if world.get(Mailbox, place) is not None:
        items = [item for item in items if _folder_of(world, item).path not in HIDDEN]
    return sorted(items, key=lambda item: (-item.received, item.id))


def _next_change(world: World, place: str) -> int:
    changes = [item.change for item in world.every(Message, place)]
    changes += [trace.change for trace in world.every(Trace, place)]
    return 1 + max(changes, default=0)


def store(world: World, place: Folder, mime: bytes, now: float, *, draft: bool = False, read: bool = False) -> Message:
    """Put new bytes into a folder."""
    text = mime.decode("latin-1")
    change = _next_change(world, place.id)
    item = Message(world.guid(), place.mailbox, place.id, text, now, now, now, change=change, draft=draft, read=read)
    world.put(item)
    return item


def move(world: World, item: Message, place: Folder, now: float) -> Message:
    """Move a message; its normal id changes, its old folder remembers that it left."""
    old = item.folder
    world.put(Trace(world.guid(), old, ids.item_id(item), _next_change(world, old)))
    world.remove(item)
    moved = replace(item, folder=place.id, moves=item.moves + 1, modified=now, change=_next_change(world, place.id))
    world.put(moved)
    return moved


def touch(world: World, item: Message, now: float) -> None:
    """Note that a message was changed in place."""
    item.modified = now
    item.change = _next_change(world, item.folder)
    world.put(item)


def change_key(item: Message) -> str:
    """Return the version of a message, as its ETag and changeKey show it."""
    return "CQAAABYAAAD" + base64.b64encode(f"{item.change}:{item.modified:.3f}".encode()).decode()
