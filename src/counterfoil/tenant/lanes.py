"""At most four calls in flight for one application and mailbox (Graph, throttling limits); more are answered 429.

An edge: it holds threads up.
"""

import threading
from contextlib import nullcontext

MOST = 4


class Lanes:
    """Shared by every door of a process, since the limit is the application's and not the door's."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._free: dict[tuple[str, str, str], threading.BoundedSemaphore] = {}

    def lane(self, tenant_id: str, app: str, mailbox: str | None) -> "threading.BoundedSemaphore | nullcontext[None]":
        """Return what to hold while a call is under way; calls to no mailbox are not counted."""
        if mailbox is None:
            return nullcontext()
        key = (tenant_id, app, mailbox.lower())
        with self._lock:
            return self._free.setdefault(key, threading.BoundedSemaphore(self._most))
