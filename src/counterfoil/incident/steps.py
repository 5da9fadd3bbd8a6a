"""The shape of 2021: the customer's administrator replaces the certificate, and real use shows that it was done. Pure.

One command replaces the whole list of certificates on the application, so that the stolen one and any that
a thief may have added go in the same moment as ours comes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

KEY_NOT_FOUND = "AADSTS700027"
GONE = frozenset({"AADSTS700016", "AADSTS7000229", "AADSTS7000112"})
"""The application, its principal or its permission to sign in is not there: no key of it works, the new one neither."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What one administrator has to do. Thumbprints are SHA-1, upper-case hex, as the portal shows them."""

    customer: str
    tenant: str
    app: str
    old: tuple[str, ...]
    new: str
    pem: str
    deadline: datetime

    @property
    def file_name(self) -> str:
        """The file that the certificate is saved to."""
        return f"counterfoil-{self.new[:8].lower()}.cer"

    def powershell(self) -> tuple[str, ...]:
        """Spell the steps for Microsoft Graph PowerShell, 5.1 or 7."""
        return (
            f"Connect-MgGraph -TenantId '{self.tenant}' -Scopes 'Application.ReadWrite.All'",
            f"$app = Get-MgApplication -Filter \"appId eq '{self.app}'\"",
            f"$file = (Resolve-Path '.\\{self.file_name}').Path",
            "$new = New-Object System.Security.Cryptography.X509Certificates.X509Certificate2 $file",
            f"if ($new.Thumbprint -ne '{self.new}') {{ throw 'This is not the certificate that we sent.' }}",
            "$key = @{ type = 'AsymmetricX509Cert'; usage = 'Verify'; key = $new.RawData; displayName = 'ours' }",
            "Update-MgApplication -ApplicationId $app.Id -KeyCredentials @($key)",
            "(Get-MgApplication -ApplicationId $app.Id).KeyCredentials | ForEach-Object {",
            "  [BitConverter]::ToString($_.CustomKeyIdentifier).Replace('-', '') }",
        )


class Met(StrEnum):
    """What a request for a token met."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    GONE = "gone"
    UNKNOWN = "unknown"


def met(error: str | None) -> Met:
    """Read the token service's answer: only the error of an unknown key says something about the key."""
    if error is None:
        return Met.ACCEPTED
    if KEY_NOT_FOUND in error:
        return Met.REFUSED
    return Met.GONE if any(code in error for code in GONE) else Met.UNKNOWN


@dataclass(frozen=True, slots=True)
class Observed:
    """What the old and the new key met, and whether the certificates are listed (``None``: we may not look)."""

    time: datetime
    old: Met
    new: Met
    old_listed: bool | None = None
    new_listed: bool | None = None

    @property
    def done(self) -> bool:
        """Whether real use shows that it was done."""
        return self.old is Met.REFUSED and self.new is Met.ACCEPTED


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one customer stands: in a word, in a sentence, and the time in which no key worked, if there was one."""

    state: str
    words: str
    overdue: bool = False
    gap_since: datetime | None = None
    gap_until: datetime | None = None


def standing(seen: Iterable[Observed], said: datetime | None, deadline: datetime, now: datetime) -> Standing:
    """Say where a customer stands: by real use where there was one, else by their word, and that it is only that."""
    looks = sorted(seen, key=lambda look: look.time)
    since, until = _gap(looks)
    last = looks[-1] if looks else None
    late = now > deadline
    if last is not None and last.done:
        return Standing(
            "done", "the old key is refused and the new one works, seen by real use", gap_since=since, gap_until=until
        )
    if last is not None and last.old in (Met.REFUSED, Met.GONE) and last.new is not Met.ACCEPTED:
        words = "the old certificate was taken away first: the connection has no key, its work waits, mail does not"
        return Standing("deleted-first", words, late, since, until)
    if last is not None and Met.ACCEPTED in (last.old, last.new):
        state = "added" if last.new is Met.ACCEPTED else "open"
        words = (
            "the new certificate works, and the old one still does" if state == "added" else "the old key still works"
        )
        if last.old is not Met.ACCEPTED:
            words = "the new certificate works; what became of the old one could not be seen"
        if said is not None:
            words += f"; they said on {said:%d %B %H:%M} UTC that it was done"
        return Standing(state, words, late, since, until)
    if said is not None:
        words = f"they said so on {said:%d %B %H:%M} UTC; no real use has shown it"
        return Standing("by-word", words, gap_since=since, gap_until=until)
    return Standing("open", "nothing was seen yet", late, since, until)


def _gap(looks: list[Observed]) -> tuple[datetime | None, datetime | None]:
    """Return since when and until when no key of the connection worked, as far as was looked."""
    empty = [look for look in looks if look.old in (Met.REFUSED, Met.GONE) and look.new in (Met.REFUSED, Met.GONE)]
    if not empty:
        return None, None
    later = [look.time for look in looks if look.time > empty[0].time and look.new is Met.ACCEPTED]
    return empty[0].time, later[0] if later else None
