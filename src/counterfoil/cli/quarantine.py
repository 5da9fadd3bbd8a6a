"""``counterfoil quarantine``: held messages with their reasons; release, delete.

Exit codes: 0 done; 1 a release is wanted but the message is not out yet; 2 something was refused or wrong, and
nothing was changed there.
"""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from counterfoil.app.lock import is_served
from counterfoil.app.releases import Releases
from counterfoil.app.sending import releases
from counterfoil.app.state import State
from counterfoil.cli.output import answer_json, answer_text, fail, visible
from counterfoil.cli.parser import add_config
from counterfoil.cli.search import add_search, query_of
from counterfoil.cli.state import confirm, note, opened, operator
from counterfoil.cli.track import answer_messages, tell
from counterfoil.cli.verbs import Run, Verbs, run_verb
from counterfoil.config import load
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.mail import Json, Outcome

run = run_verb

_EXIT = (
    "Exit codes: 0 done; 1 a release is wanted but the message is not out yet; "
    "2 something was refused or wrong, and nothing was changed there."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    parser.epilog = _EXIT
    verbs = Verbs(parser)
    listing = verbs.add("list", _list, "list held messages, newest first")
    add_search(listing)
    add_config(listing)
    show = _verb(verbs, "show", _show, "show why a message is held, and what was done about it")
    show.add_argument("--save", type=Path, metavar="FILE", help="write the held bytes there; it must not exist")
    _verb(verbs, "release", _release, "send exactly the held bytes, until the next hop says 250", several=True)
    delete = _verb(verbs, "delete", _delete, "delete held messages for good", several=True)
    delete.add_argument("--why", metavar="TEXT", default="", help="the reason, kept with the message's story")
    delete.add_argument("--yes", action="store_true", help="do not ask")


def _verb(verbs: Verbs, name: str, run_it: Run, summary: str, *, several: bool = False) -> argparse.ArgumentParser:
    verb = verbs.add(name, run_it, summary)
    if several:
        verb.add_argument("ids", metavar="ID", nargs="+", help="messages, as list prints them")
    else:
        verb.add_argument("id", metavar="ID", help="the message, as list prints it")
    verb.add_argument("--tenant", metavar="NAME", help="only if it is this tenant's")
    add_config(verb)
    return verb


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        state.stories.see_tenant(arguments.tenant)
        found = state.stories.find(query_of(arguments), held_only=True, limit=arguments.limit)
    if arguments.json:
        answer_json([*found])
    else:
        answer_messages(found, empty="no message is held that matches")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        state.stories.see_tenant(arguments.tenant)
        story = state.stories.story(arguments.id, arguments.tenant, held_only=True)
        if arguments.save:
            tenant = story["tenant"]
            note(state.ledger, "held-read", arguments.id, None if tenant is None else str(tenant))
            raw = state.quarantine.raw(arguments.id, arguments.tenant)
            _save(arguments.save, raw)
            sys.stderr.write(
                visible(f"{len(raw)} octets were written to {arguments.save}: do not open what is in it") + "\n"
            )
    if arguments.json:
        answer_json(story)
    else:
        tell(story)
    return 0


def _save(file: Path, raw: bytes) -> None:
    try:
        # As private as what is held: it is somebody's mail, and it may be malware.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(raw)
    except OSError as error:
        raise Misconfigured(
            f"{file} cannot be written: {error.strerror}", "name a file that is not there yet"
        ) from error


def _release(arguments: argparse.Namespace) -> int:
    config = load(arguments.config)
    with opened(arguments) as state:
        state.stories.see_tenant(arguments.tenant)
        served = is_served(arguments.data)
        sending = None if served else releases(state, config, arguments.data)
        return _each(arguments, lambda message: _released(state, sending, message, arguments.tenant), _say_released)


def _released(state: State, sending: Releases | None, message: str, tenant: str | None) -> dict[str, Json]:
    """Ask for a release and, where no serve runs, try it; the answer says what became of it."""
    state.quarantine.want(message, tenant, operator())
    if sending is not None:
        # Refused here is about this try: the wish stands, and the story says why it is not out yet.
        with contextlib.suppress(Refused):
            asyncio.run(sending.one(message))
    story = state.stories.story(message, tenant)
    return {
        "id": message,
        "released": story["outcome"] == Outcome.RELEASED,
        "tried_by": "serve" if sending is None else "command",
        "outcome": story["outcome"],
        "last_words": story.get("last_words") or "",
    }


def _say_released(answer: dict[str, Json]) -> str:
    if answer["released"]:
        return f"released {answer['id']}"
    if answer["tried_by"] == "serve":
        return f"{answer['id']} is being released by the running serve; see: counterfoil track {answer['id']}"
    return f"{answer['id']} is not out yet, the next serve tries again: {answer['last_words']}"


def _delete(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        state.stories.see_tenant(arguments.tenant)
        for message in arguments.ids:
            state.stories.story(message, arguments.tenant, held_only=True)
        confirm(f"This deletes {', '.join(arguments.ids)} for good", "delete", yes=arguments.yes)

        def delete(message: str) -> dict[str, Json]:
            state.quarantine.delete(message, arguments.tenant, arguments.why, operator())
            return {"id": message, "deleted": True}

        return _each(arguments, delete, lambda answer: f"deleted {answer['id']}")


def _each(
    arguments: argparse.Namespace,
    act: Callable[[str], dict[str, Json]],
    say: Callable[[dict[str, Json]], str],
) -> int:
    """Do it to each message; one that is refused does not keep the others. Return the exit code."""
    answers: list[dict[str, Json]] = []
    code = 0
    for message in arguments.ids:
        try:
            answers.append(act(message))
        except Refused as refusal:
            code = fail(refusal)
    if arguments.json:
        answer_json([*answers])
    else:
        for answer in answers:
            answer_text(visible(say(answer)))
    return code or int(any(answer.get("released") is False for answer in answers))
