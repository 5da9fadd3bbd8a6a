"""``incident notices``: what customers are told, from the draft to the last one told."""

import argparse
import asyncio
from pathlib import Path

from counterfoil.app import sending, telling
from counterfoil.app.campaigning import pace_of
from counterfoil.app.state import State
from counterfoil.cli.incident_open import By, add_by, find
from counterfoil.cli.output import answer_json, answer_table, answer_text
from counterfoil.cli.parser import add_config
from counterfoil.cli.state import opened
from counterfoil.cli.verbs import Run, Verbs
from counterfoil.config import load
from counterfoil.credential.campaign import Pace
from counterfoil.gateway.relay import Relay
from counterfoil.incident.notice import Notice, Paper
from counterfoil.incident.notice import State as Standing
from counterfoil.incident.notices import Notices
from counterfoil.incident.record import Incident, Kind
from counterfoil.incident.store import Incidents
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json

OTHER_DOMAIN = "an address may be in another customer's domain: the person belongs to both"


def add_notices(verbs: Verbs) -> None:
    """Declare ``notices`` with its verbs."""
    notices = Verbs(verbs.add("notices", nothing, "what customers are told: draft, read, approve, then export or send"))
    draft = notice_verb(
        notices, "draft", _draft, "draft the facts for every customer concerned, from their own data alone"
    )
    approve = notice_verb(notices, "approve", _approve, "approve drafts as they are; nothing goes out without")
    export = notice_verb(notices, "export", _export, "write approved notices to files, one folder a customer")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to")
    send = notice_verb(
        notices, "send", _send, "mail approved notices over our own relay, to the people entered or --to"
    )
    add_post(send)
    told = notice_verb(notices, "told", _told, "write down that a customer was told in another way")
    told.add_argument("--how", required=True, metavar="WORDS", help="telephone, letter, in person")
    told.add_argument("--whom", required=True, metavar="NAME", help="who was told")
    show = notice_verb(notices, "show", _show, "print the text of notices, to read before approving")
    listing = notice_verb(
        notices, "list", _list, "who has which notice, in which state, when it was exported, and who was told when"
    )
    draft.add_argument("--sender", required=True, metavar="WORDS", help="who writes, as customers know you")
    for verb in (draft, approve, export, send, told, show, listing):
        verb.add_argument("--tenant", action="append", default=[], metavar="TENANT", help="only this tenant")
        add_by(verb, required=verb is approve)
    for verb in (approve, export, send, show):
        verb.add_argument("--paper", choices=[paper.value for paper in Paper], help="only this paper; both if left out")


def add_post(parser: argparse.ArgumentParser) -> None:
    """Declare --to and --from."""
    parser.add_argument("--to", action="append", default=[], metavar="ADDRESS", help="instead of the people entered")
    parser.add_argument("--other-domain", action="store_true", help=OTHER_DOMAIN)
    parser.add_argument("--from", dest="sender_address", required=True, metavar="ADDRESS", help="our sender address")


def notice_verb(verbs: Verbs, name: str, run_it: Run, summary: str) -> argparse.ArgumentParser:
    """Declare a verb about one incident."""
    verb = verbs.add(name, run_it, summary)
    verb.add_argument("incident", metavar="NAME", help="the incident")
    add_config(verb)
    return verb


def nothing(_arguments: argparse.Namespace) -> int:
    """Refuse a noun without a verb."""
    raise Refused("a verb is missing", "see --help")


def pace(arguments: argparse.Namespace) -> Pace:
    """Return the pace of rotations, which says how long a token may live."""
    return pace_of(load(arguments.config))[0]


def wanted(state: State, arguments: argparse.Namespace) -> frozenset[str] | None:
    """Return the tenant ids that --tenant names, or ``None`` for all."""
    names = telling.names_of(Incidents(state.ledger), state.tenants)
    return frozenset(map(names.tenant_id, arguments.tenant)) or None


def _chosen(state: State, arguments: argparse.Namespace) -> list[Notice]:
    paper = Paper(arguments.paper) if getattr(arguments, "paper", None) else None
    only = wanted(state, arguments)
    incident = find(state, arguments)
    found = Notices(Incidents(state.ledger)).all(incident.name, paper)
    return [notice for notice in found if only is None or notice.tenant in only]


def approved(state: State, arguments: argparse.Namespace) -> list[Notice]:
    """Return the approved notices that the arguments mean.

    Raises:
        Refused: If there is none.
    """
    found = [notice for notice in _chosen(state, arguments) if notice.state is Standing.APPROVED]
    if not found:
        raise Refused(
            "no notice that fits is approved", "read them (notices show), then: counterfoil incident notices approve"
        )
    return found


def _draft(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        store, incident, only = Incidents(state.ledger), find(state, arguments), wanted(state, arguments)
        some = telling.customers(store, incident, state.tenants, pace(arguments))
        some = [customer for customer in some if only is None or customer.tenant in only]
        telling.draft(store, incident, some, arguments.sender, By(arguments).now())
        return say(state, arguments)


def _approve(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        Notices(Incidents(state.ledger)).approve(arguments.incident, _chosen(state, arguments), By(arguments).now())
        return say(state, arguments)


def _export(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        store = Incidents(state.ledger)
        names = telling.names_of(store, state.tenants)
        found = approved(state, arguments)
        written = telling.export(Notices(store), found, names, arguments.out, By(arguments).who)
    if arguments.json:
        answer_json([str(path) for path in written])
    else:
        answer_text("\n".join(map(str, written)))
    return 0


def _send(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        found = approved(state, arguments)
        done = mailed(state, arguments, found)
        say(state, arguments)
    return 0 if done else 1


def mailed(state: State, arguments: argparse.Namespace, found: list[Notice], *, again: bool = False) -> bool:
    """Mail notices to the people entered, or to --to; say whether all were taken."""
    config, people = load(arguments.config), _people(find(state, arguments))
    names = telling.names_of(Incidents(state.ledger), state.tenants)
    without = [names.ours.get(n.tenant, n.tenant) for n in found if not (arguments.to or people.get(n.tenant))]
    if without:
        raise Misconfigured(f"nobody is entered for {', '.join(without)}", "counterfoil incident person, or --to")
    if arguments.to and len({notice.tenant for notice in found}) > 1:
        raise Refused("--to would send one customer's notice to another's address", "name one tenant: --tenant")
    if not arguments.other_domain:
        for notice in found:
            names.see_nobody_elses_address(notice.tenant, arguments.to or _unsure(people[notice.tenant]))
    relay = Relay(sending.hostname(config), sending.contexts(config, arguments.data))
    post = telling.Post(arguments.sender_address, sending.sender(relay), state.directory, sending.outbound(config))
    notices, who = Notices(Incidents(state.ledger)), By(arguments).who
    done = [
        asyncio.run(telling.send(notices, n, post, tuple(arguments.to or people[n.tenant]), who, again=again))
        for n in found
    ]
    return all(done)


def _people(incident: Incident) -> dict[str, dict[str, bool]]:
    """Return the addresses of those entered, by tenant id; with each, whether it may be in another's domain."""
    found: dict[str, dict[str, bool]] = {}
    for entry in incident.of(Kind.PERSON):
        if entry.said.tenant and entry.said.detail.get("address"):
            whose = found.setdefault(entry.said.tenant, {})
            whose[str(entry.said.detail["address"])] = bool(entry.said.detail.get("other_domain"))
    return found


def _unsure(addresses: dict[str, bool]) -> list[str]:
    return [address for address, known in addresses.items() if not known]


def _told(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        notices = Notices(Incidents(state.ledger))
        names = telling.names_of(Incidents(state.ledger), state.tenants)
        for notice in approved(state, arguments):
            names.see_nobody_else(notice.tenant, f"{arguments.whom} {arguments.how}")
            words = f"{arguments.whom} was told: {arguments.how}"
            notices.told(notice, arguments.how, words, {"to": arguments.whom}, By(arguments).now())
        return say(state, arguments)


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        found = _chosen(state, arguments)
    if arguments.json:
        answer_json([{"tenant": n.tenant, "subject": n.subject, "text": n.text, "html": n.html} for n in found])
    else:
        for notice in found:
            answer_text(f"Subject: {notice.subject}\n\n{notice.text}\n")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        return say(state, arguments)


def say(state: State, arguments: argparse.Namespace) -> int:
    """Print who has which notice in which state, and who was told when."""
    incident = find(state, arguments)
    names = telling.names_of(Incidents(state.ledger), state.tenants)
    only = wanted(state, arguments)
    rows: list[dict[str, Json]] = [
        {
            "tenant": names.ours.get(n.tenant, n.tenant),
            "paper": n.paper.value,
            "state": n.state.value,
            "approved_by": n.approved_by,
            "told": _entries(incident, Kind.TOLD, n),
            "exported": _entries(incident, Kind.EXPORTED, n),
        }
        for n in Notices(Incidents(state.ledger)).all(incident.name)
        if only is None or n.tenant in only
    ]
    if arguments.json:
        answer_json([*rows])
        return 0
    lines: list[tuple[str, ...]] = []
    for row in rows:
        shown = [str(row["tenant"]), str(row["paper"]), str(row["state"]), str(row["approved_by"] or "")]
        lines.append((*shown, _last(row["exported"]), _last(row["told"])))
    heads = ("tenant", "paper", "state", "approved by", "exported", "told")
    answer_table(heads, lines, "no notice: counterfoil incident notices draft")
    return 0


def _entries(incident: Incident, kind: Kind, notice: Notice) -> list[Json]:
    """Return what was written down of one notice; exported is not told, so the two are apart."""
    return [
        {"time": rfc3339(e.time), "by": e.actor, "words": e.said.words}
        for e in incident.of(kind)
        if e.said.tenant == notice.tenant and e.said.detail.get("paper") == notice.paper.value
    ]


def _last(entries: Json) -> str:
    last = entries[-1] if isinstance(entries, list) and entries else None
    return f"{last['time']} {last['words']}" if isinstance(last, dict) else "not yet"
