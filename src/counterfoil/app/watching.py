"""Watch old thumbprints after their rotation: reconcile what was pulled since, and open an incident for what is seen.

A successful use is an alarm in the ledger and opens an incident; a refused one opens a review. What was reported
once is remembered with the place, and is not reported again.
"""

import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from counterfoil import clock
from counterfoil.app.incidents import Alarm, open_by_alarm
from counterfoil.app.pulling import EVIDENCE
from counterfoil.config.settings import Config
from counterfoil.credential import registry
from counterfoil.credential.campaign import Place
from counterfoil.credential.campaigns import Campaigns
from counterfoil.credential.rotation import State
from counterfoil.evidence.answer import TenantAnswer
from counterfoil.evidence.collect import readers
from counterfoil.evidence.stubs import read_objects
from counterfoil.flows.reconcile import Window, reconcile
from counterfoil.flows.watch import Sighting, Watched, watched
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident.record import Kind, Origin, Said, Status, Subject
from counterfoil.incident.store import Incidents
from counterfoil.ledger.exchange import document
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.instant import hour_of, rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.number import counted

WATCHED = frozenset({State.RETIRED, State.PROVEN_DEAD, State.DONE})
ACTOR = "watch"
MOST_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at one place showed, and the incidents that it opened or added to."""

    place: Place
    seen: Watched
    incidents: tuple[str, ...]


def look(ledger: Ledger, logs: Sequence[Path], now: datetime, only: str | None = None) -> list[Look]:
    """Reconcile the time since each removal, note with each place what was seen, and report what is new.

    Args:
        ledger: Our side.
        logs: Exports, or folders of them.
        now: The time.
        only: A campaign; all if left out.
    """
    campaigns = Campaigns(ledger)
    names = [only] if only is not None else [campaign.id for campaign in campaigns.all()]
    places = [place for name in names for place in campaigns.places(name).values() if place.state in WATCHED]
    places = [place for place in places if place.removed_at is not None]
    if not places:
        return []
    answers = _answers(ledger, logs, min(p.removed_at for p in places if p.removed_at is not None), now)
    looks: list[Look] = []
    for place in places:
        answer = answers.get(place.tenant.partition("/")[0])
        if answer is not None and place.removed_at is not None:
            seen = watched(answer, _marks(ledger, place), place.removed_at)
            looks.append(_noted(ledger, place, seen, now))
    return looks


def pulled(data: Path, config: Config) -> list[Path]:
    """Return the folders that pulled logs are in.

    Raises:
        Misconfigured: If there are none.
    """
    found = [folder for folder in (data / EVIDENCE, config.evidence.storage) if folder is not None and folder.is_dir()]
    if not found:
        raise Misconfigured("no logs were pulled yet", "counterfoil connection pull TENANT, or give --logs")
    return found


def _answers(ledger: Ledger, logs: Sequence[Path], since: datetime, now: datetime) -> dict[str, TenantAnswer]:
    books = read_objects(enumerate(map(document, ledger.exported()), 1))
    first = hour_of(since)
    window = Window(first, max(now, first + timedelta(hours=1)), now)
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as scratch, readers() as pool:
        answer = reconcile(books, logs, window, Path(scratch), pool=pool)
    return {tenant.tenant: tenant for tenant in answer.tenants}


def _marks(ledger: Ledger, place: Place) -> frozenset[str]:
    """Return every name that a log may give the old credentials."""
    mine = registry.listed(ledger.engine, place.tenant.partition("/")[0])
    old = [c for c in mine if c.thumbprint_sha256 in place.old]
    return frozenset(
        name.upper() for c in old for name in (c.thumbprint_sha1, c.thumbprint_sha256, c.key_id) if name is not None
    )


def _noted(ledger: Ledger, place: Place, seen: Watched, now: datetime) -> Look:
    """Report what is new, then remember it: if we die between, it is said twice rather than never."""
    uses = [one for one in seen.uses if one.record not in place.sighted]
    tries = [one for one in seen.tries if one.record not in place.sighted]
    opened = [_alarm(ledger, place, uses, now)] if uses else []
    opened += [_review(ledger, place, tries, now)] if tries else []
    campaigns = Campaigns(ledger)
    leased = campaigns.lease(place, now)
    if leased is not None:
        sighted = (*leased.sighted, *(one.record for one in (*uses, *tries)))[-MOST_REMEMBERED:]
        after = replace(leased, sighted=sighted, looked_at=now, proven_until=seen.until)
        after = replace(after, used_since=len(seen.uses), tried_since=len(seen.tries), unproven=seen.unproven)
        with suppress(Refused):  # the lease ran out: the next look notes it
            campaigns.save(after, clock.now())
    return Look(place, seen, tuple(opened))


def _alarm(ledger: Ledger, place: Place, uses: Sequence[Sighting], now: datetime) -> str:
    """Write the alarm, and open an incident for it, or add to the one that is open."""
    detail: dict[str, Json] = {"campaign": place.campaign, "rows": [one.record for one in uses]}
    said = {"actor": ACTOR, "action": "alarm-used-after-rotation", "subject": place.tenant}
    index = ledger.append(stub_at("action", now, **said, detail=detail))
    name, incidents = f"{place.campaign}-used-again", Incidents(ledger)
    by = Operator(ACTOR, now)
    alarm = Alarm(index, now.isoformat(), "used-after-rotation", place.tenant, place.old[0], None)
    with suppress(Refused):  # there is one already
        open_by_alarm(incidents, name, alarm, by)
    _add(incidents, name, place, f"used after its rotation: {_words(uses)}", by)
    return name


def _review(ledger: Ledger, place: Place, tries: Sequence[Sighting], now: datetime) -> str:
    name, incidents = f"{place.campaign}-tried-again", Incidents(ledger)
    by = Operator(ACTOR, now)
    words = "a certificate was tried after its rotation, and refused: somebody still has its key"
    with suppress(Refused):  # there is one already
        incidents.open(name, Origin.REVIEW, Status.REVIEW, Subject(thumbprints=place.old), words=words, by=by)
    _add(incidents, name, place, f"refused after its rotation: {_words(tries)}", by)
    return name


def _add(incidents: Incidents, name: str, place: Place, words: str, by: Operator) -> None:
    with suppress(Refused):  # it is closed: the alarm in the ledger stays, and a person decides
        incidents.add(name, Said(Kind.NOTE, words, tenant=place.tenant.partition("/")[0]), by)


def _words(seen: Iterable[Sighting]) -> str:
    ordered = sorted(seen, key=lambda one: one.time)
    kinds = ", ".join(sorted({one.kind for one in ordered}))
    where = ", ".join(sorted({one.address for one in ordered if one.address})) or "no address told"
    span = f"{rfc3339(ordered[0].time)} to {rfc3339(ordered[-1].time)}"
    return f"{counted(len(ordered), 'time')} ({kinds}), {span}, from {where}"
