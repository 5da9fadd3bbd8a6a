"""How much one client address, and all of them together, may ask of us. Pure: time is an argument."""

import ipaddress
from dataclasses import dataclass

from counterfoil.gateway.smtp.reply import Reply

_CROWDED = Reply(421, "4.3.2", "too many connections; come again later")
_CROWDED_CLIENT = Reply(421, "4.7.0", "too many connections from your address")
FULL = Reply(421, "4.3.1", "too much mail is under way here; come again later")
_TOO_FAST = Reply(451, "4.7.1", "too many messages from your address; come again later")


@dataclass(frozen=True, slots=True)
class AccessLimits:
    """Most connections at once, in all and from one address, and most messages a minute from one address.

    An IPv6 client counts by its /64, which is what one customer has. ``octets`` bounds the content of all
    messages under way together, from their first octet to their reply.
    """

    connections: int = 200
    connections_per_client: int = 20
    messages_per_minute: int = 600
    octets: int = 1024 * 1024 * 1024


class Access:
    """Counts connections and messages by client address."""

    def __init__(self, limits: AccessLimits) -> None:
        self._limits = limits
        self._connections: dict[str, int] = {}
        self._total = 0
        self._octets = 0
        self._messages: dict[str, tuple[float, float]] = {}

    def enter(self, address: str) -> Reply | None:
        """Count a connection in, or return the reply that turns it away; those let in must ``leave``."""
        key = network(address)
        if self._total >= self._limits.connections:
            return _CROWDED
        if self._connections.get(key, 0) >= self._limits.connections_per_client:
            return _CROWDED_CLIENT
        self._total += 1
        self._connections[key] = self._connections.get(key, 0) + 1
        return None

    def leave(self, address: str) -> None:
        """Count a connection out."""
        key = network(address)
        self._total -= 1
        left = self._connections[key] - 1
        if left:
            self._connections[key] = left
        else:
            del self._connections[key]

    def hold(self, octets: int) -> bool:
        """Count octets of content in; return whether there was room for them. They must be ``dropped`` in any case."""
        self._octets += octets
        return self._octets <= self._limits.octets

    def drop(self, octets: int) -> None:
        """Count octets of content out."""
        self._octets -= octets

    def message(self, address: str, now: float) -> Reply | None:
        """Count a message, or return the reply that puts it off.

        The allowance of a minute flows back evenly (a leaky bucket).

        Args:
            address: The client's.
            now: Seconds on any clock that does not go back.
        """
        key = network(address)
        most = self._limits.messages_per_minute
        level, then = self._messages.get(key, (0.0, now))
        level = max(level - (now - then) * most / 60, 0.0)
        if level + 1 > most:
            self._messages[key] = (level, now)
            return _TOO_FAST
        self._messages[key] = (level + 1, now)
        if len(self._messages) > 10_000:
            self._forget(now)
        return None

    def _forget(self, now: float) -> None:
        """Drop the addresses whose allowance is whole again."""
        self._messages = {key: seen for key, seen in self._messages.items() if now - seen[1] < 60}


def network(address: str) -> str:
    """Return what a client is counted by: its IPv4 address, or the /64 of its IPv6 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    return address
