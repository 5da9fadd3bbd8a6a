"""From logs and stubs to an answer, on one page.

    exports -collect-> rows -engine.prepare-> step 1, candidates -choose-> step 2
      -engine.match-> steps 3, 4, 6, coverage -judge-> judgements -radius, cover-> answers

What decides is pure and lives in ``counterfoil.evidence``; this only hands one to the next.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from counterfoil.bounded.pool import Pool
from counterfoil.evidence.answer import TenantAnswer, document, tenant_answer
from counterfoil.evidence.collect import collect
from counterfoil.evidence.coverage import JUDGED, Ground, SourceCoverage, cover, gaps
from counterfoil.evidence.coverage_queries import UNSEEN
from counterfoil.evidence.dating import Dating, dating_of
from counterfoil.evidence.directory import concerned, judge_directory
from counterfoil.evidence.engine import Engine
from counterfoil.evidence.ground import ground_of
from counterfoil.evidence.jobs import WITHOUT_JOB, judge_jobs
from counterfoil.evidence.lookups import REMAINDER, contradicting, gather, matched_rows, names_of, principals_of
from counterfoil.evidence.matching import FOREIGN, UNEXPLAINED, Judgement, Lookup, Row, choose, judge, within_gaps
from counterfoil.evidence.radius import radius_of
from counterfoil.evidence.readers.reading import FileReading
from counterfoil.evidence.roles import required_sources
from counterfoil.evidence.stubs import Books
from counterfoil.evidence.uses import DIRECTORY
from counterfoil.model.errors import Refused
from counterfoil.model.instant import hour_of, rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.number import counted


@dataclass(frozen=True, slots=True)
class Window:
    """[since, until) on event time, and the point in time from which late and missing are told apart."""

    since: datetime
    until: datetime
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """All of it: the document that is printed, and what a report shows besides."""

    document: dict[str, Json]
    tenants: list[TenantAnswer]
    files: list[FileReading]
    window: Window
    notes: list[str]
    lookup: Lookup
    books: Books


def window_of(books: Books, since: datetime | None, until: datetime | None, as_of: datetime | None) -> Window:
    """Fill in what was not asked for: the whole hours from the first to the last stub of a token or a call.

    A credential or a job may be older than any use; where nothing was used, their times have to do.

    Raises:
        Refused: If there is no stub with a time and no window was given, or the window is empty.
    """
    times = [books.first, books.last] if books.first and books.last else books.spans
    if not times and (since is None or until is None):
        raise Refused("there is no stub with a time, and no window was given", "give --since and --until")
    first = since or hour_of(min(times))
    last = until or hour_of(max(times)) + timedelta(hours=1)
    if first >= last:
        raise Refused("the window is empty", "--since has to lie before --until")
    return Window(first, last, as_of or last)


def reconcile(
    books: Books,
    logs: Iterable[Path],
    window: Window,
    folder: Path,
    *,
    pool: Pool,
    shelf: Path | None = None,
    progress: Callable[[str], None] = lambda _name: None,
    listed: Mapping[str, Sequence[Row]] | None = None,
) -> Answer:
    """Set the stubs against the logs.

    Args:
        books: Our side.
        logs: Files and folders of exports.
        window: What is asked about.
        folder: Scratch.
        pool: The worker that reads exports (:func:`counterfoil.evidence.collect.readers`).
        shelf: Keeps rows as Parquet between runs, and those kept before count too.
        progress: Told the name of each file before it is read.
        listed: By tenant, what a listing found to be left behind (entries of ``radius.persistence``).
    """
    collected = collect(pool, logs, folder, books.tenants, progress)
    files = collected.readings
    with Engine(folder) as engine:
        engine.load_uses(collected, shelf)
        engine.load_books(books)
        candidates = engine.prepare()
        strange = contradicting(engine, books, candidates)
        pairs, sharing = choose(one for one in candidates if (one["record"], one["no"]) not in strange)
        sharing |= {record for record, _ in strange} - {record for record, _, _ in pairs}
        engine.match(pairs)
        lookup = gather(engine, books, sharing)
        dating = dating_of(engine)
        dating.tell(files)
        judgements = _judgements(engine, books, lookup, dating)
        ground = ground_of(engine, files, books.gaps, dating)
        ground.listed = listed or {}
        answers = _answers(engine, books, window, ground, judgements)
    using = {
        token["tenant"]
        for token in books.tokens
        if token["tenant"] and token["time"] and window.since <= _moment(token["time"]) < window.until
    }
    whole = document(answers, len(using))
    if books.misread.count:
        whole["stubs"] = books.misread.document()
    return Answer(whole, answers, files, window, _notes(books), lookup, books)


def _judgements(engine: Engine, books: Books, lookup: Lookup, dating: Dating) -> list[Judgement]:
    found = judge(dating.undated(engine.rows(REMAINDER)), lookup)
    apps = {row["app"] for row in engine.rows("SELECT app FROM apps")}
    directory = concerned(
        engine.rows("SELECT * FROM uses_raw WHERE source = 'directory-audit'"),
        apps,
        principals_of(engine),
        books.homes,
        lookup.registry.knows_key,
    )
    ours = engine.rows("SELECT * FROM calls WHERE effect = 'change'")
    found += judge_directory(directory, ours, lookup, found)
    queries = WITHOUT_JOB if books.jobs is not None else ()
    suspects = [stub for query in queries for stub in engine.rows(query)]
    rows = {stub: [*dating.undated(matched)] for stub, matched in matched_rows(engine, suspects).items()}
    found += judge_jobs(suspects, rows)
    return within_gaps(found, books.gaps)


def _answers(
    engine: Engine, books: Books, window: Window, ground: Ground, judgements: list[Judgement]
) -> list[TenantAnswer]:
    inside, outside = _inside(judgements, window), _outside(judgements, window)
    unseen: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in engine.rows(UNSEEN, (window.since, window.until)):
        unseen[entry["tenant"]].append(entry)
    names = names_of(engine, sorted(inside))
    listed = (
        books.tenants
        | set(inside)
        | {r["tenant"] for r in engine.rows("SELECT DISTINCT tenant FROM uses") if r["tenant"]}
    )
    standings, shown = books.standings(window.since), ground.shown
    given: dict[str, list[str]] = defaultdict(list)
    for whose, source in ground.rows:
        given[whose].append(source)
    answers: list[TenantAnswer] = []
    for tenant in sorted(listed):
        connection = standings.get(tenant)
        apart = connection is not None and not connection.connected
        coverage: list[SourceCoverage] = []
        if not apart:
            coverage = cover(tenant, JUDGED, (window.since, window.until), as_of=window.as_of, ground=ground)
        roles = connection.roles if connection else None
        required = set() if apart else {*required_sources(roles), *shown.get(tenant, ())}
        touching = [judgement for judgement in inside[tenant] if judgement.touches]
        paused = [(mailbox, None) for mailbox in ground.paused.get(tenant, [])]
        radius = radius_of(_with_strays(touching, inside[tenant]), names[tenant], paused, _planted(inside[tenant]))
        late = {covered.source: covered for covered in coverage}
        gone = [entry for entry in unseen[tenant] if entry["source"] in late and late[entry["source"]].missed(entry)]
        answers.append(
            tenant_answer(
                tenant,
                inside[tenant],
                unseen=gone,
                radius=radius,
                coverage=coverage,
                required=required,
                gaps=[*gaps(coverage, required, given[tenant]), *books.misread.reasons(tenant)],
                notes=[*ground.notes.get(tenant, ()), *filter(None, [outside.get(tenant)]), *_notes(books)],
                connection=connection,
                listed=ground.listed.get(tenant, ()),
            )
        )
    return answers


def _inside(judgements: list[Judgement], window: Window) -> dict[str, list[Judgement]]:
    """Sort what lies in the window by tenant; a row without a time lies everywhere."""
    inside: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        time = judgement.row["time"]
        if time is None or window.since <= time < window.until:
            inside[judgement.row["tenant"] or "unknown"].append(judgement)
    return inside


def _outside(judgements: list[Judgement], window: Window) -> dict[str, str]:
    """Say of each tenant whose logs hold more that is not ours than the window shows."""
    missed: dict[str, list[datetime]] = defaultdict(list)
    for judgement in judgements:
        time = judgement.row["time"]
        if judgement.touches and time is not None and not window.since <= time < window.until:
            missed[judgement.row["tenant"]].append(time)
    return {
        tenant: f"outside the window: {counted(len(times), 'row')} not ours, {rfc3339(min(times))} to "
        f"{rfc3339(max(times))}: ask again with a wider window"
        for tenant, times in missed.items()
    }


def _with_strays(touching: list[Judgement], everything: list[Judgement]) -> list[Judgement]:
    """In a tenant that was touched, mailbox rows without a token id that are not ours belong to the radius."""
    strays = [j for j in everything if j.rule == "access-without-token-id" and j.row["success"]] if touching else []
    return touching + strays


def _planted(everything: list[Judgement]) -> list[Judgement]:
    """Keep changes of the directory that nobody accounts for: a key or a consent stays, whoever put it there."""
    return [
        j
        for j in everything
        if j.row["source"] == DIRECTORY and j.kind in (FOREIGN, UNEXPLAINED) and j.row["success"] and not j.touches
    ]


def _notes(books: Books) -> list[str]:
    notes = [] if books.jobs is not None else ["no job lines in the stubs: the rule for inside use is off"]
    return (
        notes
        if books.calls
        else [*notes, "no call lines in the stubs: a replayed token cannot be told from our own use"]
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
