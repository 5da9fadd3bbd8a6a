"""``counterfoil quarantine``: held messages with their reasons; release, delete.

Exit codes: 0 done; 1 a release is wanted but nobody has the message yet; 2 refused or wrong, and nothing was changed.
"""

import argparse
import asyncio
from pathlib import Path

from counterfoil.app.lock import is_served
from counterfoil.app.sending import releases
from counterfoil.app.state import State
from counterfoil.cli.output import answer_json, answer_table, answer_text, visible
from counterfoil.cli.search import add_search, query_of
from counterfoil.cli.state import add_config, confirm, opened, operator
from counterfoil.cli.track import row, tell
from counterfoil.cli.verbs import Run, Verbs, run_verb
from counterfoil.config import load
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.mail import Json

run = run_verb

_EXIT = (
    "Exit codes: 0 done; 1 a release is wanted but the message is not out yet; "
    "2 refused or wrong, and nothing was changed."
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
    _verb(verbs, "release", _release, "send exactly the held bytes, until the next hop says 250")
    delete = _verb(verbs, "delete", _delete, "delete a held message for good")
    delete.add_argument("--why", metavar="TEXT", default="", help="the reason, kept with the message's story")
    delete.add_argument("--yes", action="store_true", help="do not ask")


def _verb(verbs: Verbs, name: str, run_it: Run, summary: str) -> argparse.ArgumentParser:
    verb = verbs.add(name, run_it, summary)
    verb.add_argument("id", metavar="ID", help="the message, as list prints it")
    verb.add_argument("--tenant", metavar="NAME", help="only if it is this tenant's")
    add_config(verb)
    return verb


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        found = state.stories.find(query_of(arguments), held_only=True, limit=arguments.limit)
    if arguments.json:
        answer_json([*found])
    else:
        columns = ("time", "id", "tenant", "sender", "recipients", "subject", "verdict", "expires", "wanted_by")
        answer_table(columns, [row(message, columns) for message in found], empty="no message is held that matches")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        story = state.stories.story(arguments.id, arguments.tenant, held_only=True)
        if arguments.save:
            _save(arguments.save, state.quarantine.raw(arguments.id, arguments.tenant))
    if arguments.json:
        answer_json(story)
    else:
        tell(story)
    return 0


def _save(file: Path, raw: bytes) -> None:
    try:
        with file.open("xb") as handle:
            handle.write(raw)
    except OSError as error:
        raise Misconfigured(
            f"{file} cannot be written: {error.strerror}", "name a file that is not there yet"
        ) from error


def _release(arguments: argparse.Namespace) -> int:
    config = load(arguments.config)
    with opened(arguments) as state:
        state.quarantine.want(arguments.id, arguments.tenant, operator())
        served = is_served(arguments.data)
        done = False
        if not served:
            try:
                done = asyncio.run(releases(state, config, arguments.data).one(arguments.id))
            except Refused:
                # Wanted all the same; the story says why it is not out yet.
                done = False
        story = state.stories.story(arguments.id, None)
    return _report(arguments, story, done=done, served=served)


def _report(arguments: argparse.Namespace, story: dict[str, Json], *, done: bool, served: bool) -> int:
    words = str(story.get("last_words") or "")
    if arguments.json:
        answer: dict[str, Json] = {"id": arguments.id, "released": done, "tried_by": "serve" if served else "command"}
        answer_json(answer | {"outcome": story["outcome"], "last_words": words})
    elif done:
        answer_text(f"released {arguments.id}")
    elif served:
        answer_text(f"{arguments.id} is being released by the running serve; see: counterfoil track {arguments.id}")
    else:
        answer_text(visible(f"{arguments.id} is not out yet, the next serve tries again: {words}"))
    return 0 if done else 1


def _delete(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        _known(state, arguments)
        confirm(f"This deletes {arguments.id} for good", "delete", yes=arguments.yes)
        state.quarantine.delete(arguments.id, arguments.tenant, arguments.why, operator())
    if arguments.json:
        answer_json({"id": arguments.id, "deleted": True})
    else:
        answer_text(f"deleted {arguments.id}")
    return 0


def _known(state: State, arguments: argparse.Namespace) -> None:
    """Refuse before asking anything."""
    state.stories.story(arguments.id, arguments.tenant, held_only=True)
