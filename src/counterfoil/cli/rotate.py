"""``counterfoil rotate``: plan, apply, status, watch, hold, resume, back, accept, rehearse.

It is safe to close the terminal: where a campaign stands is on disk, and ``apply`` with its name goes on.

Exit codes: 0 done, or everything said; 1 not at an end yet, or held; 2 refused or wrong, and nothing was changed.
"""

import argparse
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from counterfoil import clock
from counterfoil.app import campaigning, watching
from counterfoil.app.accepting import Decision, accept
from counterfoil.app.commanding import tell_all
from counterfoil.app.connecting import opened_books
from counterfoil.app.driving import driver
from counterfoil.app.house import Books
from counterfoil.cli.output import answer_json, answer_text, stderr
from counterfoil.cli.parser import add_config
from counterfoil.cli.rotate_meant import mark_of, see_meant, see_unplanned
from counterfoil.cli.rotate_progress import Progress
from counterfoil.cli.rotate_status import REHEARSED, say_status
from counterfoil.cli.state import confirm, note, opened, operator
from counterfoil.cli.verbs import Verbs, run_verb
from counterfoil.config import load
from counterfoil.credential.campaign import Place
from counterfoil.credential.campaigns import Campaigns, Why
from counterfoil.credential.rotation import Kind, Observation, State
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json
from counterfoil.tenant.registry import Connections

run = run_verb
BY_HAND = "still to be done by hand (counterfoil incident steps):"


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
            "--thumbprint",
            action="append",
            default=[],
            metavar="HEX",
            help="of the credential to replace, any spelling",
        )
        verb.add_argument("--only", action="append", default=[], metavar="TENANT", help="only this tenant")
        verb.add_argument("--except", action="append", default=[], metavar="TENANT", dest="spared", help="not this one")
        if name != "rehearse":
            verb.add_argument("--compromise", action="store_true", help="the key is in other hands: forward only")
        if name != "plan":
            verb.add_argument("--yes", action="store_true", help="do not ask for the name to be typed")
        if name == "apply":
            verb.add_argument(
                "--begin", action="store_true", help="begin it beside others, or under a name like theirs"
            )
            verb.add_argument(
                "--pause-after", type=_wave, metavar="N", help="hold once so many waves are cut over and have baked"
            )
    status = verbs.add("status", _status, "where every tenant stands")
    add_config(status)
    status.add_argument("campaign", nargs="?", metavar="NAME", help="one campaign; all if left out")
    watch = verbs.add("watch", _watch, "look for uses of old certificates since their removal; 1 if there are any")
    add_config(watch)
    watch.add_argument("campaign", nargs="?", metavar="NAME", help="one campaign; all if left out")
    watch.add_argument("--logs", type=Path, nargs="+", metavar="PATH", help="exports (else what was pulled)")
    for name, run_it, summary in (
        ("hold", _hold, "hold (pause) a campaign, or one tenant of it"),
        ("resume", _resume, "let a campaign, or one tenant of it, go on"),
        ("back", _back, "roll a routine campaign back, as long as nothing was removed"),
    ):
        verb = verbs.add(name, run_it, summary)
        add_config(verb)
        verb.add_argument("campaign", metavar="NAME", help="the campaign")
        verb.add_argument("--only", metavar="TENANT", help="only this tenant")
        if name == "hold":
            verb.add_argument("--why", required=True, metavar="WORDS", help="the reason, for the record")
    verb = verbs.add("accept", _accept, 'accept what is left in a tenant and is no thief\'s, so that "out" may be said')
    add_config(verb)
    verb.add_argument("campaign", metavar="NAME", help="the campaign")
    verb.add_argument(
        "--left", action="append", required=True, metavar="MARK", help="what status names: its mark, or all its words"
    )
    verb.add_argument("--only", metavar="TENANT", help="only in this tenant (else wherever exactly this was seen)")
    verb.add_argument("--why", required=True, metavar="WORDS", help="the reason, for the record")


def _wave(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("waves are counted from 1")
    return int(text)


@contextmanager
def _books(arguments: argparse.Namespace) -> Iterator[Books]:
    with opened(arguments) as state, opened_books(arguments.data, load(arguments.config), state.ledger) as books:
        yield books


@contextmanager
def _shelf(arguments: argparse.Namespace) -> Iterator[campaigning.Shelf]:
    with opened(arguments) as state:
        yield campaigning.Shelf(state.ledger, Connections(state.ledger))


def _made(arguments: argparse.Namespace, books: campaigning.Registers, kind: Kind) -> campaigning.Plan:
    by = operator()
    marks = tuple(mark_of(text) for text in arguments.thumbprint)
    own = load(arguments.config).rotation.test_tenant or None
    wish = campaigning.Wanted(marks, tuple(arguments.only), tuple(arguments.spared), own)
    return campaigning.make_plan(books, arguments.campaign, kind, wish, now=by.now, actor=by.who)


def _kind(arguments: argparse.Namespace) -> Kind:
    return Kind.COMPROMISE if arguments.compromise else Kind.ROUTINE


def _plan(arguments: argparse.Namespace) -> int:
    with _shelf(arguments) as books:
        plan = _made(arguments, books, _kind(arguments))
    if arguments.json:
        waves: list[Json] = [[plan.names[tenant] for tenant in wave] for wave in plan.campaign.waves]
        by_hand, said = plan.left(Why.BY_HAND), list(plan.words())
        answer_json({"campaign": plan.campaign.id, "waves": waves, "by_hand": [*by_hand], "words": [*said]})
    else:
        answer_text("\n".join(plan.words()))
    return 0


def _apply(arguments: argparse.Namespace) -> int:
    with _books(arguments) as books:
        campaigns = Campaigns(books.ledger)
        known = {campaign.id for campaign in campaigns.all()}
        if arguments.campaign in known:
            see_unplanned(arguments, books.ledger)
            note(books.ledger, "campaign-apply", arguments.campaign)
        else:
            see_meant(arguments, known, {p.campaign for places in campaigns.unfinished().values() for p in places})
            plan = _made(arguments, books, _kind(arguments))
            for line in plan.words():
                stderr.print(line, markup=False)
            campaigning.see_somebody(plan)
            confirm("this changes credentials in the tenants", arguments.campaign, yes=arguments.yes)
            campaigning.open_campaign(books, plan)
        return _drive(arguments, books, upto=arguments.pause_after)


def _rehearse(arguments: argparse.Namespace) -> int:
    with _books(arguments) as books:
        plan = _made(arguments, books, Kind.ROUTINE)
        campaigning.see_somebody(plan)
        confirm(
            "this publishes certificates in the tenants and takes them away again",
            arguments.campaign,
            yes=arguments.yes,
        )
        # Without waves nobody is ever cut over in it, not even by an apply with its name.
        campaigning.open_campaign(books, replace(plan, campaign=replace(plan.campaign, waves=())))
        return _drive(arguments, books)


def _drive(arguments: argparse.Namespace, books: Books, upto: int | None = None) -> int:
    """Drive until the end, with progress on a terminal; a rehearsal turns round once verified."""
    moves = driver(books, *campaigning.pace_of(load(arguments.config)))
    campaign = Campaigns(books.ledger).campaign(arguments.campaign)
    stop = threading.Event()
    with Progress() as progress:

        def told(places: dict[str, Place]) -> None:
            progress.tell(places)
            if campaign.rehearsal:
                tell_all(books.ledger, campaign.id, Observation.ROLL_BACK, _is_verified, REHEARSED)

        try:
            ended = moves.run(campaign.id, stop, 1.0, told, upto=upto)
        except KeyboardInterrupt:
            ended = False
    _say(arguments, books)
    by_hand = [] if campaign.rehearsal else campaigning.still_by_hand(books, campaign)
    if by_hand:
        stderr.print(f"{BY_HAND} {', '.join(by_hand)}", markup=False)
    return 0 if ended and not by_hand else 1


def _is_verified(place: Place) -> bool:
    return place.state is State.VERIFIED


def _status(arguments: argparse.Namespace) -> int:
    with _shelf(arguments) as books:
        return _say(arguments, books)


def _say(arguments: argparse.Namespace, books: campaigning.Registers) -> int:
    pace, _ = campaigning.pace_of(load(arguments.config))
    return say_status(books, arguments.campaign, pace, as_json=arguments.json)


def _watch(arguments: argparse.Namespace) -> int:
    """Look at what the logs show since; 1 where something was used."""
    with _shelf(arguments) as books:
        if arguments.campaign is not None:
            Campaigns(books.ledger).campaign(arguments.campaign)
        logs = arguments.logs or watching.pulled(arguments.data, load(arguments.config))
        looks = watching.look(books.ledger, logs, clock.now(), arguments.campaign)
        _say(arguments, books)
    for name in sorted({name for one in looks for name in one.incidents}):
        stderr.print(f"see: counterfoil incident show {name}", markup=False)
    return 1 if any(one.seen.uses for one in looks) else 0


def _hold(arguments: argparse.Namespace) -> int:
    return _tell(arguments, Observation.HOLD, arguments.why)


def _resume(arguments: argparse.Namespace) -> int:
    return _tell(arguments, Observation.RESUME, None)


def _back(arguments: argparse.Namespace) -> int:
    return _tell(arguments, Observation.ROLL_BACK, None)


def _accept(arguments: argparse.Namespace) -> int:
    """Accept things that are left, with a stub for each that names who did."""
    with _shelf(arguments) as books:
        only = _stems(books, arguments.only)
        decision = Decision(operator().who, tuple(arguments.left), arguments.why)
        accept(books.ledger, arguments.campaign, decision, lambda place: only is None or place.tenant in only)
        return _say(arguments, books)


def _stems(books: campaigning.Shelf, tenant: str | None) -> set[str] | None:
    """Return the connections of a tenant, as the signer names them; ``None`` where none is named."""
    return None if tenant is None else {c.stem for c in books.connections.all(tenant)}


def _tell(arguments: argparse.Namespace, seen: Observation, why: str | None) -> int:
    """Put an operator's word into the campaign as a whole, or into one tenant's places."""
    with _shelf(arguments) as books:
        campaigns = Campaigns(books.ledger)
        campaigns.campaign(arguments.campaign)
        names = {c.stem: c.tenant for c in books.connections.all()}
        only = _stems(books, arguments.only)
        if only is None and seen is not Observation.ROLL_BACK:
            campaigns.hold(arguments.campaign, why, clock.now(), operator().who)
            return _say(arguments, books)
        note(
            books.ledger,
            f"campaign-{seen.name.lower().replace('_', '-')}",
            arguments.campaign,
            only=arguments.only,
            why=why,
        )
        told = tell_all(
            books.ledger, arguments.campaign, seen, lambda place: only is None or place.tenant in only, why or ""
        )
        cannot = told.cannot | dict.fromkeys(told.busy, "a worker is at it: say it again")
        if not told.took:
            why_not = "; ".join(sorted(set(cannot.values()))) or "no tenant of the campaign that could move fits"
            raise Refused(why_not, "see: counterfoil rotate status")
        _say(arguments, books)
        for stem, words in cannot.items():
            stderr.print(f"cannot: {names.get(stem, stem)}: {words}", markup=False)
        return 1 if cannot else 0
