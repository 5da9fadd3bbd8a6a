"""``counterfoil track``: find any message and tell its whole story, with the next hop's own words.

Exit codes: 0 found; 1 no message matches, also by its id; 2 an error.
"""

import argparse
from dataclasses import replace

from counterfoil.cli.output import answer_json, answer_text, one_line, visible
from counterfoil.cli.parser import add_config
from counterfoil.cli.scan_report import place, proven
from counterfoil.cli.search import add_search, query_of, texts
from counterfoil.cli.state import opened
from counterfoil.model.mail import Json, Outcome
from counterfoil.model.number import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "Exit codes: 0 found; 1 no message matches; 2 an error. With --json the answer is one list."
    parser.add_argument("id", nargs="?", metavar="ID", help="our own id of one message: its whole story")
    add_search(parser)
    parser.add_argument("--outcome", choices=[outcome.value for outcome in Outcome], help="what became of the message")
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print one story, or a table of the messages that match; in JSON always whole stories."""
    with opened(arguments) as state:
        state.stories.see_tenant(arguments.tenant)
        query = query_of(arguments, outcome=arguments.outcome)
        if arguments.id:
            known = state.stories.find(replace(query, id=arguments.id), held_only=False, limit=1)
            found = [state.stories.story(arguments.id, arguments.tenant)] if known else []
        else:
            found = state.stories.find(query, held_only=False, limit=arguments.limit)
            if arguments.json:
                found = [state.stories.story(str(message["id"]), arguments.tenant) for message in found]
    if arguments.json:
        answer_json([*found])
    elif arguments.id and found:
        tell(found[0])
    else:
        answer_messages(found, empty="no message matches")
    return 0 if found else 1


def answer_messages(found: list[dict[str, Json]], empty: str) -> None:
    """Print two lines a message, which fit a narrow terminal and leave the id in one piece to be copied.

    The first is when, which, what it is and what became of it; the second from whom, to whom and about what.
    """
    if not found:
        answer_text(empty)
    for message in found:
        time = f"{str(message['time'])[:19]}Z"
        outcome = message.get("outcome") or "under way"
        first = f"{time}  {message['id']}  {message.get('verdict') or '-':<13}  {outcome}"
        if message.get("wanted_by"):
            first += f", release wanted by {message['wanted_by']}"
        elif message.get("expires"):
            first += f" until {str(message['expires'])[:10]}"
        recipients = texts(message["recipients"])
        others = f" and {len(recipients) - 1} more" if len(recipients) > 1 else ""
        tenant = f"{message['tenant']}: " if message.get("tenant") else ""
        sender = f"{tenant}{message['sender'] or '<>'} -> {recipients[0] if recipients else '-'}{others}"
        answer_text(visible(first).replace("\n", " "))
        answer_text("    " + visible(f"{sender}: {message.get('subject') or '(no subject)'}").replace("\n", " "))


def tell(story: dict[str, Json]) -> None:
    """Print the whole story of one message for a person."""
    for key in ("id", "tenant", "direction", "time", "sender", "recipients", "subject", "message_id", "size", "sha256"):
        value = story.get(key)
        text = ", ".join(texts(value)) if isinstance(value, list) else value
        answer_text(visible(f"{key:<12} {'' if text is None else text}"))
    if story.get("client_address"):
        answer_text(visible(f"{'from host':<12} {story['client_address']} {story.get('helo') or ''}".rstrip()))
    checked = story.get("authentication")
    if isinstance(checked, dict):
        answer_text(f"{'proven':<12} {proven(checked) or 'nothing'}")
    if story.get("verdict"):
        reasons = ", ".join(texts(story.get("reasons"))) or "nothing found"
        answer_text(visible(f"{'verdict':<12} {story['verdict']} -> {story['action']}, because of: {reasons}"))
        for change in texts(story.get("would_change")):
            answer_text(visible(f"{'':<12} {change}"))
    _tell_findings(story)
    _tell_contents(story)
    for step in _objects(story.get("dispositions")):
        answer_text(visible(f"{step['time']}  {step['outcome']} by {step['actor']}: {step['words']}"))
    if story.get("held_sha256"):
        answer_text(
            f"{'held bytes':<12} {story['held_size']} octets, with our own headers; SHA-256 {story['held_sha256']}"
        )
    if story.get("released_to"):
        answer_text(visible(f"{'released to':<12} {', '.join(texts(story['released_to']))}"))
    if story.get("expires"):
        wanted = f"release wanted by {story['wanted_by']}, {_tries(story)}" if story.get("wanted_by") else ""
        answer_text(visible(f"{'held':<12} until {story['expires']} {wanted} {story.get('last_words') or ''}".rstrip()))


def _tell_findings(story: dict[str, Json]) -> None:
    found = story.get("files")
    names = found if isinstance(found, dict) else {}
    for finding in _objects(story.get("findings")):
        techniques = " ".join(texts(finding.get("techniques")))
        where = place(None if finding["part"] is None else str(finding["part"]), names)
        what = f"{finding['check']}: {finding['summary']}{where} {techniques}"
        answer_text(visible(f"{'finding':<12} [{finding['severity']}] {what}".rstrip()))
    for item in _objects(story.get("uninspectable")):
        where = place(None if item["part"] is None else str(item["part"]), names)
        answer_text(visible(f"{'not seen':<12} {item['reason']}{where}"))


def _tell_contents(story: dict[str, Json]) -> None:
    """Say what files are in a message and where its links lead; that is kept of those that are not clean."""
    files = _objects(story.get("attachments"))
    for file in files:
        what = f"{one_line(str(file['name']))}, {counted(int(str(file['size'])), 'octet')}, {file['type']}"
        answer_text(f"{'file':<12} {what} (part {file['part']})")
    _left_out("file", "files", story.get("attachments_left_out"))
    if hosts := texts(story.get("link_hosts")):
        answer_text(f"{'links to':<12} {one_line(', '.join(hosts))}")
    _left_out("links to", "hosts", story.get("link_hosts_left_out"))


def _left_out(head: str, what: str, count: Json) -> None:
    if count:
        answer_text(f"{head:<12} and {count} more {what}")


def _tries(story: dict[str, Json]) -> str:
    return counted(int(str(story["tries"])), "try", "tries")


def _objects(value: Json) -> list[dict[str, Json]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
