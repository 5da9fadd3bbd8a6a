"""Mail over Microsoft Graph (Microsoft Graph, message): what remediation, recovery and heartbeats need.

Ids are immutable ids, so that a message keeps its id when it is moved. ``message_id`` is the RFC 5322
Message-ID, which the stubs carry because mailbox audit names messages by it.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.model.errors import Unavailable
from counterfoil.model.trust import Job
from counterfoil.tenant.batch import batch
from counterfoil.tenant.door import LOST, Ask, CallRefused, Door, accepted, segment
from counterfoil.tenant.endpoints import GRAPH
from counterfoil.tenant.pages import MOST_PAGES, items
from counterfoil.tenant.wire import Lost

IMMUTABLE = {"prefer": 'IdType="ImmutableId"'}
JSON = {**IMMUTABLE, "content-type": "application/json"}
DELTA = "$select=id,internetMessageId,subject"


@dataclass(frozen=True, slots=True)
class Found:
    """A message in a mailbox."""

    mailbox: str
    id: str
    message_id: str
    subject: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened in a folder: new and changed messages, ids of those that are gone, and where to go on."""

    found: tuple[Found, ...]
    gone: tuple[str, ...]
    onward: str


class Mail:
    """The mailboxes of one tenant, through its door."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def list(self, mailbox: str, job: Job, folder: str = "inbox") -> Iterator[Found]:
        """Yield the messages of a folder, newest first; listing reads headers, and the stub says so."""
        query = "$select=id,internetMessageId,subject&$orderby=receivedDateTime%20desc&$top=50"
        path = f"/v1.0/users/{segment(mailbox)}/mailFolders/{segment(folder)}/messages?{query}"
        for item in items(self._door, Ask("GET", path, "read", mailbox, headers=IMMUTABLE), job):
            yield _found(mailbox, item)

    def mime(self, message: Found, job: Job) -> bytes:
        """Read a message whole, as RFC 5322 octets."""
        return self._door.call(self._ask(message, "GET", "/$value", "read"), job).content

    def move(self, message: Found, folder: str, job: Job) -> Found:
        """Move a message to a folder, a well-known name or an id; where the answer is lost, look first."""
        ask = self._move(message, folder)
        try:
            return _found(message.mailbox, self._door.read_json(ask, job))
        except Lost:
            there = self._whereabouts(message, job)
            if there is not None and there == self._folder(message.mailbox, folder, job):
                return message  # immutable ids survive a move
            return _found(message.mailbox, self._door.read_json(ask, job))

    def move_all(self, messages: Sequence[Found], folder: str, job: Job) -> dict[str, str | None]:
        """Move many messages, in batches; return for each id what went wrong, or ``None``.

        A message that is gone is none of our business any more: it counts as refused with ``404``.
        """
        answers = batch(self._door, [self._move(message, folder) for message in messages], job)
        outcome: dict[str, str | None] = {}
        for message, answer in zip(messages, answers, strict=True):
            try:
                if answer.status in LOST:
                    self.move(message, folder, job)
                else:
                    accepted(answer)
                outcome[message.id] = None
            except (CallRefused, Unavailable) as error:
                outcome[message.id] = error.message
        return outcome

    def _move(self, message: Found, folder: str) -> Ask:
        return self._ask(message, "POST", "/move", "change", json.dumps({"destinationId": folder}).encode())

    def _whereabouts(self, message: Found, job: Job) -> str | None:
        """Return the id of the folder that a message is in, or ``None`` where it is gone."""
        ask = self._ask(message, "GET", "?$select=id,parentFolderId", "read")
        try:
            return str(self._door.read_json(ask, job)["parentFolderId"])
        except CallRefused as error:
            if error.status != 404:
                raise
            return None

    def _folder(self, mailbox: str, name: str, job: Job) -> str:
        path = f"/v1.0/users/{segment(mailbox)}/mailFolders/{segment(name)}?$select=id"
        return str(self._door.read_json(Ask("GET", path, "read", mailbox, headers=IMMUTABLE), job)["id"])

    def delete(self, message: Found, job: Job) -> None:
        """Delete a message so that its owner can still recover it."""
        self._gone(self._ask(message, "DELETE", "", "change"), message, job)

    def delete_for_good(self, message: Found, job: Job) -> None:
        """Delete a message so that only a hold can bring it back."""
        self._gone(self._ask(message, "POST", "/permanentDelete", "change", b""), message, job)

    def _gone(self, ask: Ask, message: Found, job: Job) -> None:
        try:
            self._door.call(ask, job)
        except Lost:
            there = self._whereabouts(message, job)
            deletions = self._folder(message.mailbox, "recoverableitemsdeletions", job)
            if there is None or (ask.method == "DELETE" and there == deletions):
                return
            self._door.call(ask, job)

    def recoverable(self, mailbox: str, job: Job) -> Iterator[Found]:
        """Yield what was deleted and can be recovered."""
        return self.list(mailbox, job, "recoverableitemsdeletions")

    def create(self, mailbox: str, mime: bytes, message_id: str, job: Job, folder: str = "drafts") -> Found:
        """Create a message from MIME; Microsoft 365 makes it a draft. Where the answer is lost, look first."""
        path = f"/v1.0/users/{segment(mailbox)}/mailFolders/{segment(folder)}/messages"
        headers = {**IMMUTABLE, "content-type": "text/plain"}
        ask = Ask("POST", path, "change", mailbox, (message_id,), base64.b64encode(mime), headers)
        try:
            return _found(mailbox, self._door.read_json(ask, job))
        except Lost:
            made = next((m for m in self.list(mailbox, job, folder) if m.message_id == message_id), None)
            return made or _found(mailbox, self._door.read_json(ask, job))

    def changes(self, mailbox: str, job: Job, onward: str | None = None, folder: str = "inbox") -> Changes:
        """Read what is new in a folder since ``onward``, or everything (delta, Microsoft Graph, message: delta).

        The same message may come twice, and in any order; it is returned once, as it was shown last. A token
        that is too old begins again from the start, so everything comes once more: callers know what they had.

        Raises:
            Unavailable: If a page repeats.
        """
        first = f"/v1.0/users/{segment(mailbox)}/mailFolders/{segment(folder)}/messages/delta?{DELTA}"
        try:
            return self._changes(mailbox, onward or first, job)
        except CallRefused as error:
            if error.status != 410 or onward is None:
                raise
            return self._changes(mailbox, first, job)

    def _changes(self, mailbox: str, path: str, job: Job) -> Changes:
        found: dict[str, Found] = {}
        gone: dict[str, None] = {}
        seen: set[str] = set()
        headers = {"prefer": f"{IMMUTABLE['prefer']}, odata.maxpagesize=50"}
        while path not in seen and len(seen) < MOST_PAGES:
            seen.add(path)
            page = self._door.read_json(Ask("GET", path, "read", mailbox, headers=headers), job)
            for item in page.get("value", ()):
                if "@removed" in item:
                    found.pop(item["id"], None)
                    gone[item["id"]] = None
                else:
                    gone.pop(item["id"], None)
                    found[item["id"]] = _found(mailbox, item)
            if "@odata.deltaLink" in page:
                onward = self._door.path_of(page["@odata.deltaLink"], GRAPH)
                return Changes(tuple(found.values()), tuple(gone), onward)
            path = self._door.path_of(page["@odata.nextLink"], GRAPH)
        raise Unavailable("Microsoft 365 answered with a next link that it gave before")

    def heartbeat(self, mailbox: str, job: Job, read_before: set[str]) -> Found | None:
        """Read the newest message that was not read before, so that every log must show a row of ours.

        Mailbox audit drops repeats within an hour; only a fresh message proves coverage. Returns ``None``
        where there is none, and then whoever asks must send one. ``read_before`` is added to.
        """
        for message in self.list(mailbox, job):
            if message.id not in read_before:
                self.mime(message, job)
                read_before.add(message.id)
                return message
        return None

    def _ask(self, message: Found, method: str, verb: str, effect: str, body: bytes | None = None) -> Ask:
        path = f"/v1.0/users/{segment(message.mailbox)}/messages/{segment(message.id)}{verb}"
        return Ask(method, path, effect, message.mailbox, (message.message_id,), body, JSON if body else IMMUTABLE)


def _found(mailbox: str, item: dict[str, Any]) -> Found:
    return Found(mailbox, item["id"], item.get("internetMessageId") or "", item.get("subject") or "")
