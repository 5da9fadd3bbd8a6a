"""The answers of earlier runs, kept so that a later one can say what changed: a file a run below ``DATA/verdicts``.

Trust: whoever can change these files can hide that an answer changed, not what the answer is.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from counterfoil.ledger import durable
from counterfoil.model.errors import Unavailable
from counterfoil.model.instant import from_rfc3339
from counterfoil.model.mail import Json

RUNS = 200
"""Runs that are kept; the oldest goes when one more comes."""


class Verdicts:
    """The folder of earlier answers (:func:`counterfoil.evidence.changes.snapshot`)."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "verdicts"

    def latest(self, since: datetime, until: datetime) -> tuple[datetime, dict[str, Any]] | None:
        """Return the newest answer about some of this window, and when it was given; ``None`` if there is none.

        A file that is damaged or of no answer is passed over: it can only hide a change, and the next run is whole.
        """
        for path in sorted(self._folder.glob("*.json"), reverse=True):
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                given = from_rfc3339(str(kept["given"]))
                begins, ends = (from_rfc3339(str(kept["run"][name])) for name in ("since", "until"))
                run: dict[str, Any] = kept["run"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if begins < until and since < ends:
                return given, run
        return None

    def keep(self, run: Mapping[str, Json], given: datetime) -> None:
        """Keep an answer.

        Raises:
            Unavailable: If it cannot be written.
        """
        name = f"{given:%Y-%m-%dT%H%M%S.%f}-{secrets.token_hex(4)}.json"
        document = {"given": given.isoformat(), "run": run}
        try:
            durable.make_directory(self._folder)
            durable.write(
                self._folder / name, json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"), mode=0o600
            )
            for old in sorted(self._folder.glob("*.json"))[:-RUNS]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(
                f"the answer cannot be kept: {error.strerror}", f"make room for {self._folder}"
            ) from error
