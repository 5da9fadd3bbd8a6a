"""How often somebody may try to log in, or to report something. Pure: the time comes as an argument.

Tries count before they are judged, so that many at once are no way around it; a success forgives its address.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
PER_ADDRESS = 10
PER_ACCOUNT = 40
"""More than an address may, so that one stranger cannot lock an account out; enough that many cannot guess on."""

MOST_KEYS = 10_000
"""Addresses and names that are remembered; the longest unseen is forgotten first."""


def network_of(address: str) -> str:
    """Return what counts as one address: itself, or the /64 that an IPv6 subscriber has (RFC 6177)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)


Key = tuple[str, str]


class Throttle:
    """Remembers tries for a window."""

    def __init__(self, window: timedelta = WINDOW) -> None:
        self._window = window
        self._tries: OrderedDict[Key, list[datetime]] = OrderedDict()

    def wait(self, address: str, account: str, now: datetime) -> timedelta | None:
        """Count a try to log in and return ``None``, or how long to wait; a try that must wait does not count."""
        return self.count({("address", network_of(address)): PER_ADDRESS, ("account", account): PER_ACCOUNT}, now)

    def count(self, keys: Mapping[Key, int], now: datetime) -> timedelta | None:
        """Count a try under keys with the most that each may have, as ``wait`` does."""
        waits = [
            self._recent(key, now)[-most] + self._window - now
            for key, most in keys.items()
            if self._full(key, most, now)
        ]
        if waits:
            return max(waits)
        for key in keys:
            self._tries[key] = [*self._recent(key, now), now]
            self._tries.move_to_end(key)
        while len(self._tries) > MOST_KEYS:
            self._tries.popitem(last=False)
        return None

    def forgive(self, address: str, account: str) -> None:
        """Forget the tries of an address that got in, and its last one on the account."""
        self._tries.pop(("address", network_of(address)), None)
        if self._tries.get(("account", account)):
            self._tries["account", account].pop()

    def _full(self, key: Key, most: int, now: datetime) -> bool:
        return len(self._recent(key, now)) >= most

    def _recent(self, key: Key, now: datetime) -> list[datetime]:
        return _since(self._tries.get(key, ()), now - self._window)


def _since(times: Iterable[datetime], start: datetime) -> list[datetime]:
    return [time for time in times if time > start]
