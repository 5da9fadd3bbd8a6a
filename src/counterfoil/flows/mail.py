"""The life of a message: received, intent, scan, decide, relay or hold or refuse, disposition, reply."""

from collections.abc import Mapping
from typing import Protocol

from counterfoil.gateway.received import Received
from counterfoil.gateway.routing import Account, Client, Route
from counterfoil.model.mail import Decision, Envelope, Json, Outcome, Scan


class Journal(Protocol):
    """Our own book of mail: an intent before the relay, a disposition after it."""

    async def intent(self, received: Received) -> None:
        """Write the intent stub; durable on return.

        Raises:
            Unavailable: If it cannot be made durable (the disk is full): the client gets 452.
        """

    async def settled(
        self, received: Received, outcome: Outcome, words: str, scan: Scan | None, decision: Decision | None
    ) -> None:
        """Write the disposition: what became of it, in the next hop's own words; durable on return.

        ``scan`` and ``decision`` are ``None`` where the message was refused before it was scanned.
        """


class Holder(Protocol):
    """The quarantine."""

    async def hold(self, received: Received, raw: bytes, scan: Scan, decision: Decision) -> None:
        """Keep the bytes (ours on top, ready to be released as they are); durable on return.

        Writes the disposition ``held`` in the same commit as the row, so ``settled`` is not called for it.

        Raises:
            Unavailable: If it cannot be made durable; nothing is held then, and the client gets 452.
        """


class Directory(Protocol):
    """Tenants, their domains, next hops, policies and proofs."""

    async def route(self, address: str) -> Route | None:
        """Return the route of a recipient (``local@domain``, any case, U-labels or A-labels), if it is a tenant's."""

    async def secret(self, digest: bytes) -> Account | None:
        """Return the tenant that one of whose secret header's values has this SHA-256 digest."""

    async def host(self, client: Client) -> Account | None:
        """Return the tenant that owns a sending host, by address range or verified client certificate name.

        Ranges and names that many tenants share (Microsoft 365's) must never be entered for one.
        """


class Scanner(Protocol):
    """Looks into messages, in a bounded worker."""

    async def scan(self, raw: bytes, envelope: Envelope) -> Scan:
        """Return what was found within 20 s; a dead or late worker is an uninspectable Scan, never an exception."""


class Decider(Protocol):
    """The tenant's policy: values in, values out."""

    def __call__(self, scan: Scan, envelope: Envelope, policy: Mapping[str, Json]) -> Decision:
        """Return the verdict and the action that the policy makes of it."""
