"""What a request asked for: a Graph path taken apart, the same for log rows and for call stubs."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urlsplit

_VERSION = re.compile(r"^/(?:v1\.0|beta)(?=/|$)", re.IGNORECASE)
_KEYED = re.compile(r"^(users|messages|mailFolders|attachments|mailboxes|groups)\('([^']*)'\)$", re.IGNORECASE)
READING_POSTS = (
    "/$batch",
    "/search/query",
    "/exportitems",
    "/translateexchangeids",
    "/getschedule",
    "/getmailtips",
    "/getbyids",
    "/checkmembergroups",
    "/getmembergroups",
    "/getmemberobjects",
    "/validateproperties",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A mailbox, folder and message named by a path; ``kind`` says what of them.

    ``kind``: ``message``, ``listing``, ``send``, ``rule``, ``subscription``, ``import``, ``export``,
    ``settings`` or ``other``.
    """

    kind: str
    mailbox: str | None = None
    folder: str | None = None
    item: str | None = None


@lru_cache(maxsize=8192)
def path_of(uri: str | None) -> str | None:
    """Reduce a URL or path to its path below the API version, percent-decoded, without the query."""
    if uri is None:
        return None
    try:
        path = urlsplit(uri).path or "/"
    except ValueError:
        path = uri
    return _VERSION.sub("", unquote(path).rstrip("/")) or "/"


def host_of(uri: str | None) -> str | None:
    """Return the host of a URL; ``None`` for a bare path."""
    try:
        return urlsplit(uri or "").hostname
    except ValueError:
        return None


def effect_of(method: str | None, path: str | None) -> str:
    """Say whether a request reads or changes; queries sent by POST read."""
    if method in ("GET", "HEAD", "OPTIONS"):
        return "read"
    if method == "POST" and (path or "").lower().endswith(READING_POSTS):
        return "read"
    return "change" if method else "none"


def asked(path: str | None) -> Asked:  # noqa: PLR0911 - one line a kind of path
    """Take a path apart as far as mail is concerned."""
    words = _words(path or "")
    low = [word.lower() for word in words]
    if not words:
        return Asked("other")
    if low[0] == "subscriptions":
        return Asked("subscription")
    if low[:3] == ["admin", "exchange", "mailboxes"]:
        return _exchange(words, low)
    if low[0] not in ("users", "groups") or len(words) < 3:
        return Asked("other")
    mailbox = words[1]
    if "sendmail" in low or low[-1] in ("send", "reply", "replyall", "forward"):
        return Asked("send", mailbox)
    if "messagerules" in low:
        return Asked("rule", mailbox, _after(words, low, "mailfolders"))
    folder = _after(words, low, "mailfolders")
    if "messages" in low:
        item = _after(words, low, "messages")
        if item is None or item.lower() in ("delta", "$count", "microsoft.graph.delta"):
            return Asked("listing", mailbox, folder)
        return Asked("message", mailbox, folder, item)
    if "mailfolders" in low:
        return Asked("listing" if low[-1] == "delta" else "settings", mailbox, folder)
    return Asked("settings" if low[2] == "mailboxsettings" else "other", mailbox)


def _exchange(words: list[str], low: list[str]) -> Asked:
    mailbox = words[3] if len(words) > 3 else None
    if "exportitems" in low:
        return Asked("export", mailbox, _after(words, low, "folders"))
    if "createimportsession" in low:
        return Asked("import", mailbox)
    item = _after(words, low, "items")
    folder = _after(words, low, "folders")
    return Asked("message", mailbox, folder, item) if item else Asked("listing", mailbox, folder)


def _words(path: str) -> list[str]:
    words: list[str] = []
    for word in path.strip("/").split("/"):
        keyed = _KEYED.match(word)
        words += [keyed[1], keyed[2]] if keyed else [word]
    return [word for word in words if word]


def _after(words: list[str], low: list[str], name: str) -> str | None:
    place = len(low) - 1 - low[::-1].index(name) if name in low else None
    return words[place + 1] if place is not None and place + 1 < len(words) else None
