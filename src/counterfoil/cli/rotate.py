"""``counterfoil rotate``: plan, apply, status, hold, resume, back, rehearse.

It is safe to close the terminal: where a campaign stands is on disk, and ``apply`` with its name goes on.

Exit codes: 0 done, or everything said; 1 not at an end yet, or held; 2 refused or wrong, and nothing was changed.
"""

import argparse
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.live import Live
from rich.table import Table

from counterfoil import clock
from counterfoil.app import campaigning
from counterfoil.app.connecting import opened_books
from counterfoil.app.house import Books
from counterfoil.cli.output import answer_json, answer_table, answer_text, stderr, visible
from counterfoil.cli.state import add_config, confirm, opened, operator
from counterfoil.cli.verbs import Verbs, run_verb
from counterfoil.config import load
from counterfoil.credential.campaign import Place
from counterfoil.credential.campaigns import Campaigns
from counterfoil.credential.rotation import Kind, Observation, State
from counterfoil.model.errors import Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json

run = run_verb


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    parser.epilog = "Exit codes: 0 done; 1 not at an end yet, or held; 2 refused or wrong, and nothing was changed."
    verbs = Verbs(parser)
    for name, run_it, summary in (
        ("plan", _plan, "say in words what a campaign would do; nothing is changed"),
        ("apply", _apply, "begin a campaign, or go on with one, and drive it to its end"),
        ("rehearse", _rehearse, "the whole machine with keys that never become current"),
    ):
        verb = verbs.add(name, run_it, summary)
        add_config(verb)
        verb.add_argument("campaign", metavar="NAME", help="a name for the campaign")
        verb.add_argument(
            "--thumbprint", action="append", default=[], metavar="HEX", help="of the credential to replace"
        )
        verb.add_argument("--only", action="append", default=[], metavar="TENANT", help="only this tenant")
        if name != "rehearse":
            verb.add_argument("--compromise", action="store_true", help="the key is in other hands: forward only")
        if name != "plan":
            verb.add_argument("--yes", action="store_true", help="do not ask for the name to be typed")
    status = verbs.add("status", _status, "where every tenant stands")
    add_config(status)
    status.add_argument("campaign", nargs="?", metavar="NAME", help="one campaign; all if left out")
    for name, run_it, summary in (
        ("hold", _hold, "hold a campaign, or one tenant of it"),
        ("resume", _resume, "let a campaign, or one tenant of it, go on"),
        ("back", _back, "roll a routine campaign back, as long as nothing was removed"),
    ):
        verb = verbs.add(name, run_it, summary)
        add_config(verb)
        verb.add_argument("campaign", metavar="NAME", help="the campaign")
        verb.add_argument("--only", metavar="TENANT", help="only this tenant")
        if name == "hold":
            verb.add_argument("--why", required=True, metavar="WORDS", help="the reason, for the record")


@contextmanager
def _books(arguments: argparse.Namespace) -> Iterator[Books]:
    with opened(arguments) as state, opened_books(arguments.data, load(arguments.config), state.ledger) as books:
        yield books


def _made(arguments: argparse.Namespace, books: Books, kind: Kind) -> campaigning.Plan:
    by = operator()
    wish = campaigning.Wanted(tuple(arguments.thumbprint), tuple(arguments.only))
    return campaigning.make_plan(books, arguments.campaign, kind, wish, now=by.now, actor=by.who)


def _kind(arguments: argparse.Namespace) -> Kind:
    return Kind.COMPROMISE if arguments.compromise else Kind.ROUTINE


def _plan(arguments: argparse.Namespace) -> int:
    with _books(arguments) as books:
        plan = _made(arguments, books, _kind(arguments))
    if arguments.json:
        waves: list[Json] = [[plan.names[tenant] for tenant in wave] for wave in plan.campaign.waves]
        said: list[Json] = list(plan.words())
        answer_json(
            {"campaign": plan.campaign.id, "waves": waves, "by_hand": list(plan.without_control), "words": said}
        )
    else:
        answer_text("\n".join(plan.words()))
    return 0


def _apply(arguments: argparse.Namespace) -> int:
    with _books(arguments) as books:
        known = [campaign.id for campaign in Campaigns(books.ledger).all()]
        if arguments.campaign not in known:
            plan = _made(arguments, books, _kind(arguments))
            for line in plan.words():
                stderr.print(line, markup=False)
            confirm("this changes credentials in the tenants", arguments.campaign, yes=arguments.yes)
            campaigning.open_campaign(books, plan)
        return _drive(arguments, books, rehearsal=False)


def _rehearse(arguments: argparse.Namespace) -> int:
    with _books(arguments) as books:
        plan = _made(arguments, books, Kind.ROUTINE)
        confirm(
            "this publishes certificates in the tenants and takes them away again",
            arguments.campaign,
            yes=arguments.yes,
        )
        campaigning.open_campaign(books, plan)
        return _drive(arguments, books, rehearsal=True)


def _drive(arguments: argparse.Namespace, books: Books, *, rehearsal: bool) -> int:
    """Drive until the end, with progress on a terminal; a rehearsal turns round once verified."""
    pace, brakes = campaigning.pace_of(load(arguments.config))
    driver = campaigning.driver(books, pace, brakes)
    stop = threading.Event()
    with Live(console=stderr, refresh_per_second=4, transient=True) as live:

        def told(places: dict[str, Place]) -> None:
            live.update(_progress(places))
            if rehearsal:
                campaigning.tell_all(books, arguments.campaign, Observation.ROLL_BACK, _is_verified)

        try:
            ended = driver.run(arguments.campaign, stop, 1.0, told, open_gates=not rehearsal)
        except KeyboardInterrupt:
            ended = False
    _say_status(arguments, books)
    return 0 if ended else 1


def _is_verified(place: Place) -> bool:
    return place.state is State.VERIFIED


def _progress(places: dict[str, Place]) -> Table:
    table = Table(box=None, show_header=False)
    for state, count in Counter(place.state for place in places.values()).most_common():
        table.add_row(str(count), state.value)
    return table


def _status(arguments: argparse.Namespace) -> int:
    with _books(arguments) as books:
        return _say_status(arguments, books)


def _say_status(arguments: argparse.Namespace, books: Books) -> int:
    campaigns = Campaigns(books.ledger)
    chosen = [campaigns.campaign(arguments.campaign)] if arguments.campaign else campaigns.all()
    names = {f"{c.tenant_id}/{c.app}": c.tenant for c in books.connections.all()}
    documents: list[Json] = []
    for campaign in chosen:
        places = [
            _as_json(names.get(place.tenant, place.tenant), place) for place in campaigns.places(campaign.id).values()
        ]
        documents.append(
            {"campaign": campaign.id, "kind": campaign.kind.value, "held": campaign.held, "tenants": [*places]}
        )
        if not arguments.json:
            answer_text(
                f"{campaign.id}: {campaign.kind}, {'held: ' + visible(campaign.held) if campaign.held else 'not held'}"
            )
            answer_table(COLUMNS, [tuple(str(place[name] or "") for name in COLUMNS) for place in places], "no tenants")
    if arguments.json:
        answer_json(documents)
    elif not chosen:
        answer_text("no campaign yet: counterfoil rotate plan NAME")
    return 0


COLUMNS = ("tenant", "state", "next", "removed", "proven_dead", "attacker_out", "words")


def _as_json(name: str, place: Place) -> dict[str, Json]:
    return {
        "tenant": name,
        "state": place.state.value,
        "next": place.here.step.value,
        "removed": rfc3339(place.removed_at) if place.removed_at else None,
        "proven_dead": rfc3339(place.dead_at) if place.dead_at else None,
        "attacker_out": rfc3339(place.out_at) if place.out_at else None,
        "words": place.words,
    }


def _hold(arguments: argparse.Namespace) -> int:
    return _tell(arguments, Observation.HOLD, arguments.why)


def _resume(arguments: argparse.Namespace) -> int:
    return _tell(arguments, Observation.RESUME, None)


def _back(arguments: argparse.Namespace) -> int:
    return _tell(arguments, Observation.ROLL_BACK, None)


def _tell(arguments: argparse.Namespace, seen: Observation, why: str | None) -> int:
    """Put an operator's word into the campaign as a whole, or into one tenant's places."""
    with _books(arguments) as books:
        campaigns = Campaigns(books.ledger)
        campaigns.campaign(arguments.campaign)
        only = {f"{c.tenant_id}/{c.app}" for c in books.connections.all(arguments.only)} if arguments.only else None
        if only is not None or seen is Observation.ROLL_BACK:
            count = campaigning.tell_all(
                books, arguments.campaign, seen, lambda place: only is None or place.tenant in only
            )
            if not count:
                raise Refused("no tenant of the campaign fits", "see: counterfoil rotate status")
        else:
            campaigns.hold(arguments.campaign, why, clock.now(), operator().who)
        return _say_status(arguments, books)
