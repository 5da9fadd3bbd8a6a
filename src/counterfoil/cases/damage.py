"""Faults that happen as files are written: doubled rows, disorder, broken, empty and summarised exports."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from counterfoil.cases.cast import Tenant
from counterfoil.cases.chance import Chance
from counterfoil.cases.packing import Writer
from counterfoil.cases.rows import Record, SignIn
from counterfoil.cases.shapes import sign_ins

ZONE = timedelta(hours=9)
"""How far the clock of an exporter in another time zone is off."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What the faults of one tenant do to its files."""

    tenant: Tenant
    chance: Chance

    def write(self, stem: Path, rows: list[Record], writer: Writer) -> None:
        """Write an export; sign-ins are the log that is exported empty or broken off."""
        faults = self.tenant.faults
        sign_ins_log = stem.name.startswith("signins")
        if sign_ins_log and "unlicensed" in faults and not rows:
            self._write_refusal(stem)
        if not rows:
            return
        if "disorder" in faults:
            rows = self.chance.shuffled(rows)
        if "duplicates" in faults:
            # A second export overlaps the first, and the first holds some rows twice, as real ones do.
            writer(stem.with_name(f"{stem.name}-again"), rows[: len(rows) // 2 + 1])
            rows = [*rows, *rows[::7]]
        if sign_ins_log and "empty-export" in faults:
            stem.with_suffix(".json").write_text("[]\n", encoding="utf-8")
        elif sign_ins_log and "truncated" in faults:
            path = stem.with_suffix(".json")
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            path.write_text(lines[: 3 * len(lines) // 5], encoding="utf-8")
        else:
            writer(stem, rows)

    def write_summary(self, place: Path, rows: list[SignIn]) -> None:
        """Write sign-ins as the portal sums them up; only the file's name says of which tenant."""
        page = {"value": sign_ins.summarised(self.tenant, rows)}
        (place / f"signins-{self.tenant.tenant}.json").write_text(json.dumps(page), encoding="utf-8")

    def write_again(
        self, stem: Path, one: Tenant, rows: list[SignIn], shape: Callable[..., Record], writer: Writer
    ) -> None:
        """Write every second row once more, by an exporter that takes its own time zone for UTC."""
        off = ZONE if self.chance.happens(0.5) else -ZONE
        writer(stem, [shape(one, replace(row, time=row.time + off), late=False) for row in rows[1::2]])

    def _write_refusal(self, stem: Path) -> None:
        """What the Graph API answers where there is no licence; only the file's name says of which tenant."""
        if self.chance.happens(0.5):
            code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
            page = {"error": {"code": code, "message": "Neither tenant is B2C or tenant doesn't have premium license"}}
            name = f"{stem.name}-{self.tenant.tenant}.json"
            stem.with_name(name).write_text(json.dumps(page), encoding="utf-8")
