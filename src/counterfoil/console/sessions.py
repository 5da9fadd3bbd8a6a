"""Who is logged in, in memory: a restart logs everybody out.

Only the hash of a token is kept, so that what can be read of our memory or a core file opens no session. All
calls come from the console's one event loop.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

IDLE = timedelta(minutes=30)
LIFE = timedelta(hours=12)
PER_ACCOUNT = 10
MOST = 2000


def new_token() -> str:
    """Make 256 random bits as text."""
    return secrets.token_urlsafe(32)


def same(one: str, other: str) -> bool:
    """Compare two secrets in constant time; nothing is the same as the empty text."""
    return bool(one) and hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


@dataclass(slots=True)
class Session:
    """A browser that somebody logged in with; ``version`` is the account's then, ``csrf`` what its forms carry."""

    account: str
    version: int
    began: datetime
    seen: datetime
    csrf: str = field(default_factory=new_token)
    said: list[str] = field(default_factory=list)
    streams: int = 0


class Sessions:
    """All sessions, by the hash of their token."""

    def __init__(self) -> None:
        self._open: dict[str, Session] = {}

    def begin(self, account: str, version: int, now: datetime) -> str:
        """Open a session and return its token; the oldest of too many ends."""
        self._tidy(now)
        mine = [key for key, session in self._open.items() if session.account == account]
        for key in mine[: max(0, len(mine) - PER_ACCOUNT + 1)]:
            del self._open[key]
        if len(self._open) >= MOST:
            del self._open[next(iter(self._open))]
        token = new_token()
        self._open[_key(token)] = Session(account, version, now, now)
        return token

    def find(self, token: str, now: datetime, *, touch: bool = True) -> Session | None:
        """Return the session of a token unless it is over; ``touch`` says that somebody is there."""
        session = self._open.get(_key(token))
        if session is None:
            return None
        if _over(session, now):
            self.end(token)
            return None
        if touch:
            session.seen = now
        return session

    def end(self, token: str) -> None:
        """End a session."""
        self._open.pop(_key(token), None)

    def _tidy(self, now: datetime) -> None:
        for key in [key for key, session in self._open.items() if _over(session, now)]:
            del self._open[key]


def _over(session: Session, now: datetime) -> bool:
    return now - session.seen >= IDLE or now - session.began >= LIFE


def _key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
