"""Thieves who use what they took: a key, a token, or a seat in our own house."""

from dataclasses import replace

from counterfoil.cases.acts import Actor, Token
from counterfoil.cases.rows import AZURE, EXCHANGE, Record
from counterfoil.cases.spell import instant, uti
from counterfoil.cases.theft import ATTEMPTED, INSIDE, REPLAYED, STOLEN, Raid

WRONG_KEY = 700027


def stolen_key(raid: Raid) -> None:
    """Signs in with a copy of the key, and reads six messages."""
    raid.enter(6)


def standby_key(raid: Raid) -> None:
    """Uses a copy of the standby certificate, which lies ready and which we never use."""
    token = raid.sign_in(raid.tenant.standby)
    raid.read_mail(token, 3)
    raid.theft.kinds.add(STOLEN)


def vandal(raid: Raid) -> None:
    """Signs in with a copy of the key, reads, and destroys two messages."""
    token = raid.enter(6)
    mailbox = raid.tenant.mailboxes[0]
    for number in range(2):
        raid.theft.changed.append(raid.actor.destroy(token, raid.after(120 + 60 * number), mailbox))


def collector(raid: Raid) -> None:
    """Signs in with a copy of the key and takes a folder as a whole: the record names no message."""
    token = raid.sign_in(raid.tenant.key, EXCHANGE)
    mailbox = raid.tenant.mailboxes[0]
    raid.actor.synchronise(token, raid.after(5), mailbox, "\\Inbox")
    raid.theft.whole_folders.append((mailbox, "\\Inbox"))
    raid.theft.kinds.add(STOLEN)


def neighbour(raid: Raid) -> None:
    """Signs in with a copy of the key from the very address that we use, in the same cloud."""
    stolen_key(_from_our_address(raid))


def other_resource(raid: Raid) -> None:
    """Asks for a token for a resource that we never ask for (Azure), and does nothing that our logs show."""
    raid.sign_in(raid.tenant.key, AZURE)
    raid.theft.kinds.add(STOLEN)


def only_failures(raid: Raid) -> None:
    """Tries three times and is refused; nobody is touched: anyone with the public certificate can do it."""
    for number in range(3):
        raid.actor.sign_in(raid.after(30 * number), raid.tenant.key, raid.audience, WRONG_KEY)
    raid.theft.touched = False
    raid.theft.kinds.add(ATTEMPTED)


def replay(raid: Raid) -> None:
    """Uses a token that was issued to us: no sign-in of his own, calls that we did not make."""
    raid.read_mail(raid.our_token(), 5)
    raid.theft.kinds.add(REPLAYED)


def replay_next_door(raid: Raid) -> None:
    """Uses a token that was issued to us, from the very address that we use."""
    replay(_from_our_address(raid))


def copied_request_id(raid: Raid) -> None:
    """Uses our token, and copies the client-request-id of a call that we made for another message."""
    token = raid.our_token()
    ours = next(row for row in raid.books.graph if row.token == token.request)
    mailbox = raid.tenant.mailboxes[1]
    raid.theft.read.append(raid.actor.read(token, raid.start, mailbox, client_request=ours.client_request))
    raid.theft.kinds.add(REPLAYED)


def repeated_request(raid: Raid) -> None:
    """Sends a request of ours again to the letter: same token, same path, same client-request-id."""
    token = raid.our_token()
    event = next(row for row in raid.books.mailbox if row.token == token.request and row.client_request)
    act = raid.actor.read(token, raid.start, event.mailbox, client_request=event.client_request, again=event.items[0])
    raid.theft.read.append(act)
    raid.theft.kinds.add(REPLAYED)
    raid.theft.named = True


def inside(raid: Raid) -> None:
    """Sits in our own house: his acts have stubs, but no job asked for them."""
    _with_stubs(raid, None)


def inside_false_job(raid: Raid) -> None:
    """Sits in our own house, and his stubs name a job that there never was."""
    _with_stubs(raid, str(raid.actor.chance.guid()))


def _from_our_address(raid: Raid) -> Raid:
    here: Actor = replace(raid.actor, address=raid.tenant.address)
    return replace(raid, actor=here)


def _with_stubs(raid: Raid, job: str | None) -> None:
    token, correlation = raid.actor.sign_in(raid.start, raid.tenant.key, raid.audience)
    key = raid.tenant.key
    who: Record = {"tenant": str(raid.tenant.tenant), "app": str(raid.tenant.app)}
    ours = {"thumbprint_sha1": key.sha1, "thumbprint_sha256": key.sha256, "key_id": str(key.key_id)}
    raid.books.stubs.append(
        {"kind": "token", "time": instant(raid.start), **who, **ours}
        | {"audience": raid.audience, "jti": str(raid.actor.chance.guid()), "correlation_id": str(correlation)}
        | {"request_id": None, "uti": uti(token.request), "job": job, "outcome": "issued", "error": None}
    )
    raid.read_mail(token, 3)
    _stub_the_reads(raid, token, who, job)
    raid.theft.kinds.add(INSIDE)
    raid.theft.in_stubs = raid.theft.named = True


def _stub_the_reads(raid: Raid, token: Token, who: Record, job: str | None) -> None:
    for number, act in enumerate(raid.theft.read):
        raid.books.stubs.append(
            {"kind": "call", "time": instant(raid.after(10 + number)), **who, "uti": uti(token.request)}
            | {"client_request_id": str(act.client_request), "method": act.method, "resource": act.uri}
            | {"mailbox": act.mailbox, "message_ids": [act.item.message_id], "effect": "read"}
            | {"job": job, "status": 200}
        )


NEEDS_GRAPH = (copied_request_id, repeated_request, vandal)
"""Behaviours that only a connection over Graph allows, or whose calls only Graph's log tells apart."""

BURGLARS = {
    "stolen-key": stolen_key,
    "standby-key": standby_key,
    "vandal": vandal,
    "collector": collector,
    "neighbour": neighbour,
    "other-resource": other_resource,
    "only-failures": only_failures,
    "replay": replay,
    "replay-next-door": replay_next_door,
    "copied-request-id": copied_request_id,
    "repeated-request": repeated_request,
    "inside": inside,
    "inside-false-job": inside_false_job,
}
"""Every behaviour by name."""
