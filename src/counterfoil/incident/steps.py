"""The shape of 2021: the customer's administrator replaces the certificate, and real use shows that it was done. Pure.

One command replaces the whole list of certificates on the application, so that the stolen one and any that
a thief may have added go in the same moment as ours comes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from counterfoil.tenant.permissions import PERMISSIONS
from counterfoil.tenant.plan import grants

KEY_NOT_FOUND = "AADSTS700027"
APPLICATION_NOT_FOUND = "AADSTS700016"
"""There is no such application: no key of it works, the new one neither."""

SWITCHED_OFF = frozenset({"AADSTS7000229", "AADSTS7000112"})
"""Its principal is missing or disabled: no key works for now, and the old one would if that were undone."""


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
    roles: tuple[str, ...] = ()

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

    def anew(self) -> tuple[str, ...]:
        """Spell how the connection is deleted for good and made anew, for Microsoft Graph PowerShell."""
        scopes = "'Application.ReadWrite.All','AppRoleAssignment.ReadWrite.All'"
        return (
            f"Connect-MgGraph -TenantId '{self.tenant}' -Scopes {scopes}",
            f"$old = Get-MgApplication -Filter \"appId eq '{self.app}'\"",
            "Remove-MgApplication -ApplicationId $old.Id",
            "Remove-MgDirectoryDeletedItem -DirectoryObjectId $old.Id",
            "$app = New-MgApplication -DisplayName $old.DisplayName -SignInAudience AzureADMyOrg",
            "$sp = New-MgServicePrincipal -AppId $app.AppId",
            *grants([role for role in self.roles if role in PERMISSIONS], "$sp"),
            '"app $($app.AppId) object $($app.Id) principal $($sp.Id)"',
        )


class Met(StrEnum):
    """What a request for a token met."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    GONE = "gone"
    OFF = "off"
    UNKNOWN = "unknown"


SHUT = (Met.REFUSED, Met.GONE, Met.OFF)
"""No way in with this key, as things are."""


def met(error: str | None) -> Met:
    """Read the token service's answer: only the error of an unknown key says something about the key."""
    if error is None:
        return Met.ACCEPTED
    if KEY_NOT_FOUND in error:
        return Met.REFUSED
    if APPLICATION_NOT_FOUND in error:
        return Met.GONE
    return Met.OFF if any(code in error for code in SWITCHED_OFF) else Met.UNKNOWN


@dataclass(frozen=True, slots=True)
class Observed:
    """What the old and the new key met, and whether the certificates are listed (``None``: we may not look).

    ``anew`` says that the new key is on another application, which was registered in place of the old one.
    """

    time: datetime
    old: Met
    new: Met
    old_listed: bool | None = None
    new_listed: bool | None = None
    anew: bool = False

    @property
    def done(self) -> bool:
        """Whether real use shows that it was done."""
        away = self.old is Met.REFUSED or (self.old is Met.GONE and self.anew)
        return away and self.new is Met.ACCEPTED


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
        how = "the old application is gone, and a new one" if last.anew else "the old key is refused and the new one"
        return Standing("done", f"{how} works, seen by real use", gap_since=since, gap_until=until)
    if last is not None and last.old in SHUT and last.new is not Met.ACCEPTED:
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
        return Standing("by-word", words, late, since, until)
    return Standing("open", "nothing was seen yet", late, since, until)


def _gap(looks: list[Observed]) -> tuple[datetime | None, datetime | None]:
    """Return since when and until when no key of the connection worked, as far as was looked."""
    empty = [look for look in looks if look.old in SHUT and look.new in SHUT]
    if not empty:
        return None, None
    later = [look.time for look in looks if look.time > empty[0].time and look.new is Met.ACCEPTED]
    return empty[0].time, later[0] if later else None
