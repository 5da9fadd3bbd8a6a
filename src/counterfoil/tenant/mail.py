"""Mail over Microsoft Graph (microsoft365.md 4.2, 4.3): what remediation, recovery and heartbeats need.

Ids are immutable ids, so that a message keeps its id when it is moved. ``message_id`` is the RFC 5322
Message-ID, which the stubs carry because mailbox audit names messages by it.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from counterfoil.model.trust import Job
from counterfoil.tenant.door import Ask, Door, segment
from counterfoil.tenant.pages import items

IMMUTABLE = {"prefer": 'IdType="ImmutableId"'}
JSON = {**IMMUTABLE, "content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Found:
    """A message in a mailbox."""

    mailbox: str
    id: str
    message_id: str
    subject: str


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
        """Move a message to a folder, a well-known name or an id."""
        body = json.dumps({"destinationId": folder}).encode()
        return _found(message.mailbox, self._door.read_json(self._ask(message, "POST", "/move", "change", body), job))

    def delete(self, message: Found, job: Job) -> None:
        """Delete a message so that its owner can still recover it."""
        self._door.call(self._ask(message, "DELETE", "", "change"), job)

    def delete_for_good(self, message: Found, job: Job) -> None:
        """Delete a message so that only a hold can bring it back."""
        self._door.call(self._ask(message, "POST", "/permanentDelete", "change", b""), job)

    def recoverable(self, mailbox: str, job: Job) -> Iterator[Found]:
        """Yield what was deleted and can be recovered."""
        return self.list(mailbox, job, "recoverableitemsdeletions")

    def create(self, mailbox: str, mime: bytes, message_id: str, job: Job, folder: str = "drafts") -> Found:
        """Create a message from MIME; Microsoft 365 makes it a draft."""
        path = f"/v1.0/users/{segment(mailbox)}/mailFolders/{segment(folder)}/messages"
        headers = {**IMMUTABLE, "content-type": "text/plain"}
        ask = Ask("POST", path, "change", mailbox, (message_id,), base64.b64encode(mime), headers)
        return _found(mailbox, self._door.read_json(ask, job))

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
