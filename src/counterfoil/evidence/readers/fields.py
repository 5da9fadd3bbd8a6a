"""One record, looked at without regard to which exporter spelled its names.

Event Hub writes ``properties.appId`` below an envelope, Log Analytics ``AppId``, the office activity table
``Client_IPAddress``, the portal's CSV ``TimeGenerated [UTC]``: names are compared in lower case, without
underscores and without that suffix. A value that only says that there is nothing is absent.
"""

import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from counterfoil.evidence.ids import present
from counterfoil.model.instant import rfc3339

_SUFFIX = re.compile(r"\s*\[utc\]$|^properties[._](?=\w)")
_FRACTION = re.compile(r"(\.\d{6})\d+")
_US = (
    "%m/%d/%Y, %I:%M:%S.%f %p",
    "%m/%d/%Y, %I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p",
)
_PORT = re.compile(r"\[([0-9a-fA-F:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+")


class Fields:
    """The fields of one record, envelope and ``properties`` laid over each other; properties win."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.envelope = {name(key): value for key, value in record.items()}
        inner = as_json(self.envelope.get("properties"))
        self.inner = {name(key): value for key, value in inner.items()} if isinstance(inner, dict) else {}
        self._all = {**self.envelope, **{k: v for k, v in self.inner.items() if v not in (None, "")}}

    def __contains__(self, key: str) -> bool:
        return key in self._all

    def raw(self, *keys: str) -> Any:
        """Return the first of these fields that is there, as it is."""
        return next((self._all[key] for key in keys if self._all.get(key) not in (None, "")), None)

    def text(self, *keys: str) -> str | None:
        """Return the first of these fields that says something, as text."""
        for key in keys:
            value = self._all.get(key)
            if not isinstance(value, (dict, list)) and (text := present(value)) is not None:
                return text
        return None

    def lower(self, *keys: str) -> str | None:
        """Return the same in lower case, for ids that are compared without regard to case."""
        text = self.text(*keys)
        return text.lower() if text else None

    def json(self, *keys: str) -> Any:
        """Return the first of these fields, parsed where it is JSON inside text."""
        return as_json(self.raw(*keys))

    def time(self, *keys: str) -> str | None:
        """Return the first of these fields that is a time, as RFC 3339 in UTC."""
        for key in keys:
            if (found := instant(self._all.get(key))) is not None:
                return found
        return None


@lru_cache(maxsize=4096)
def name(key: str) -> str:
    """Spell a field's name the way all exporters agree on."""
    return _SUFFIX.sub("", key.strip().lstrip("\ufeff").lower()).replace("_", "")


def as_json(value: Any) -> Any:
    """Parse JSON that stands inside text; anything else is returned as it is."""
    if isinstance(value, str) and value.strip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def listed(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list (or the one object), and nothing else."""
    value = as_json(value)
    if isinstance(value, dict):
        return [value]
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def instant(value: Any) -> str | None:
    """Read a time as logs spell it (no zone means UTC, seven decimals, US dates of the portal)."""
    text = present(value)
    return None if text is None else _instant(text)


@lru_cache(maxsize=65536)
def _instant(text: str) -> str | None:
    text = _FRACTION.sub(r"\1", text.replace("\u202f", " "))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        for form in _US:
            try:
                moment = datetime.strptime(text, form).replace(tzinfo=UTC)
                break
            except ValueError:
                continue
        else:
            return None
    try:
        return rfc3339(moment.replace(tzinfo=moment.tzinfo or UTC))
    except OverflowError:
        return None


def address(value: str | None) -> str | None:
    """Take the port and the brackets off a client address (Exchange admin rows carry both)."""
    found = _PORT.fullmatch(value) if value else None
    return (found[1] or found[2]) if found else value


def truth(value: Any) -> bool | None:
    """Read a flag as exporters spell it; ``None`` where it says nothing."""
    text = (present(value) or "").lower()
    return True if text in {"true", "1", "yes"} else False if text in {"false", "0", "no"} else None
