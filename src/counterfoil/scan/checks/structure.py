"""What mail clients may understand in several ways, and containers that an honest program does not write.

Law 4: every reading is scanned, and the ambiguity is itself a finding (draft-chen-email-mime-ambiguity-defense).
"""

import re
from collections import defaultdict
from collections.abc import Iterator

from counterfoil.model.mail import Finding, Json, Severity
from counterfoil.scan.ambiguity import ORDINARY
from counterfoil.scan.features import Ambiguity, Message
from counterfoil.scan.kinds import Kind

NAME = "structure"

OTHER_CHECKS = ("ole:default-password", "ole:command", "vba:", "xlm:", "html:")
"""Prefixes of oddities that a check of their own reports."""

MILD = ORDINARY | {
    "mime:odd-content-type",
    "ole:embedded-file",
    "onenote:embedded-file",
    "zip:surrounded",
    "zip:bad-checksum",
}
"""What honest mail and honest programs leave behind too."""

SHOWN = 20


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each kind of ambiguity, with the places where it is."""
    by_name: defaultdict[str, list[Ambiguity]] = defaultdict(list)
    for ambiguity in message.ambiguities:
        if not ambiguity.name.startswith(OTHER_CHECKS):
            by_name[ambiguity.name].append(ambiguity)
    for name, places in by_name.items():
        where: list[Json] = [{"part": place.part, "detail": place.detail} for place in places[:SHOWN]]
        yield Finding(
            check=NAME,
            severity=Severity.LOW if all(_is_mild(place, message) for place in places) else Severity.MEDIUM,
            summary=f"May be understood in several ways: {name}",
            part=places[0].part,
            evidence={"ambiguity": name, "count": len(places), "places": where},
        )


def _is_mild(ambiguity: Ambiguity, message: Message) -> bool:
    """Tell whether honest mail shows it too."""
    if ambiguity.name == "mime:base64-junk":
        return _readings_agree(message, ambiguity.part)
    if ambiguity.name == "mime:charset":
        return "/" in ambiguity.part  # files in containers declare no character set that could be contradicted
    if ambiguity.name == "content:polyglot":
        return ambiguity.detail.startswith(Kind.BIFF)  # Excel keeps its theme as a ZIP in the workbook stream
    return ambiguity.name in MILD


def _readings_agree(message: Message, part: str) -> bool:
    """Tell whether all readings of a part are of one kind, some of them cut short.

    Mailing lists append their footer to base64 as it stands, and programs disagree about what to make of that.
    Where one of them sees a document of another kind than the usual one, somebody meant it. Text and bytes of
    no known kind are what decoding a footer gives, and no program runs them. A place without parts repeats
    what stands elsewhere, and that is where it is weighed.
    """
    reading = re.compile(re.escape(part) + r"(~[0-9]+)?")
    readings = [seen for seen in message.parts if reading.fullmatch(seen.id)]
    if not readings:
        return True
    usual = next((seen.detected_type for seen in readings if seen.id == part), None)
    return {seen.detected_type for seen in readings} - {Kind.TEXT, Kind.DATA} <= {usual}
