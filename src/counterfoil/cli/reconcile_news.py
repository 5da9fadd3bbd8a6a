"""What is new in an answer: against one that was named, or against the last that this installation gave."""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from counterfoil import clock
from counterfoil.app.verdicts import Verdicts
from counterfoil.cli.output import visible
from counterfoil.evidence.changes import HINT, changes, snapshot, snapshot_of
from counterfoil.flows.reconcile import Answer
from counterfoil.model.errors import Misconfigured, Refused, Unavailable
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json


@dataclass(frozen=True, slots=True)
class News:
    """What changed, and since which answer, in words."""

    changes: list[dict[str, Json]]
    words: str

    def document(self) -> dict[str, Json]:
        """Spell it as the keys that an answer has besides, where there was an earlier one."""
        return {"changes": [*self.changes], "compared_with": self.words}


def news_of(answer: Answer, arguments: argparse.Namespace) -> News | None:
    """Compare an answer with an earlier one, and keep it for the next where it is of an installation.

    Returns:
        What changed; ``None`` where there is nothing to compare with.
    """
    window = (answer.window.since, answer.window.until)
    now = snapshot(answer.document, window, answer.window.as_of)
    names = {one.tenant: one.name or one.tenant for one in answer.tenants}
    news: News | None = None
    if arguments.against is not None:
        news = News(changes(_read(arguments.against), now, names), f"in {arguments.against.name}")
    if arguments.stubs is None:
        verdicts = Verdicts(arguments.ledger or arguments.data)
        last = verdicts.latest(*window)
        if news is None and last is not None:
            given, before = last
            news = News(changes(before, now, names), f"of {rfc3339(given.replace(microsecond=0))}")
        try:
            verdicts.keep(now, clock.now())
        except Unavailable as error:
            sys.stderr.write(f"counterfoil: {visible(error.message)}: the next cannot be compared with it\n")
    return news


def _read(path: Path) -> dict[str, Json]:
    try:
        return snapshot_of(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}", HINT) from error
    except ValueError as error:
        raise Refused(f"{path} is no JSON", HINT) from error
