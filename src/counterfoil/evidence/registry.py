"""Which credential is this? Thumbprints and key ids brought to one name, and learned where a log ties two.

The same certificate may have another key id in every tenant, and older rows carry the key id alone; a
sign-in that is matched to a stub tells which key id our certificate has there.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from counterfoil.evidence.ids import dashed


class Registry:
    """Our credentials by every name that a log may give them."""

    def __init__(self, credentials: Iterable[Mapping[str, Any]]) -> None:
        self._names: dict[str, str] = {}
        self._untranslated: dict[str, set[str]] = {}
        for row in credentials:
            self.learn(row, row.get("tenant"))

    def learn(self, row: Mapping[str, Any], tenant: str | None) -> None:
        """Take in what a stub, or a row that is matched to one, says of a credential."""
        values = [row[name] for name in ("sha256", "sha1", "key_id") if row.get(name)]
        if not values:
            return
        name = next((self._names[value] for value in values if value in self._names), None) or preferred(row)
        for value in values:
            self._names[value] = name
        if tenant and not row.get("key_id"):
            self._untranslated.setdefault(tenant, set()).add(name)
        elif tenant:
            self._untranslated.setdefault(tenant, set()).discard(name)

    def name_of(self, row: Mapping[str, Any]) -> str | None:
        """Return our name for the credential that a row shows, or ``None`` where it is none of ours."""
        return next(
            (self._names[row[key]] for key in ("sha256", "sha1", "key_id") if row.get(key) in self._names), None
        )

    def knows_key(self, key_id: str) -> bool:
        """Say whether a key id is one of ours."""
        return key_id in self._names

    def may_hide(self, tenant: str | None) -> bool:
        """Say whether a credential of ours in this tenant has a key id that we never learned."""
        return bool(self._untranslated.get(tenant or ""))

    def same(self, value: str) -> str | None:
        """Return our name for a thumbprint or key id given by a person."""
        return self._names.get(value)


def preferred(row: Mapping[str, Any]) -> str:
    """Name a credential: its SHA-1 thumbprint as logs print it, else SHA-256, else its key id."""
    if row.get("sha1") or row.get("sha256"):
        return str(row.get("sha1") or row.get("sha256"))
    return f"key id {dashed(row['key_id'])}" if row.get("key_id") else "no credential named"
