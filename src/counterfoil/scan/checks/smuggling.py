"""HTML smuggling: a page that builds a file in the browser, past every gateway (MITRE ATT&CK T1027.006, .017).

A page is judged by what it has of three things: something long that is encoded, something that decodes it,
and something that hands the result to the person. Nothing is run.
"""

import re
from collections.abc import Iterator

from counterfoil.model.mail import Finding, Json, Part, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Ambiguity, Message
from counterfoil.scan.kinds import Kind

NAME = "html-smuggling"

HIDDEN_FILE = "html:hidden-file"
SHOWN_IN_PAGES = (Kind.PDF, Kind.XML, Kind.CSV, Kind.CALENDAR, Kind.SVG, Kind.FLASH)
"""Kinds that honest pages carry inside, too."""

PAGES = frozenset({Kind.HTML, Kind.SVG, Kind.MHTML, Kind.HTA, Kind.JAVASCRIPT})

DECODES = (
    *("atob(", "atob'", 'atob"', "unescape(", "decodeuricomponent(", "fromcharcode", "blob(", "uint8array"),
    *("frombase64", "charcodeat", "data:application/", "octet-stream"),
)
HANDS_OVER = (
    *("mssaveoropenblob", "mssaveblob", "createobjecturl", ".download=", "download=", "'download'", '"download"'),
    *("navigator[", ".click()", "saveas("),
)
WRITES = ("document.write", ".srcdoc", ".innerhtml=", "eval(", "newfunction(")
"""Marks, in lower case and without blanks, as they are looked for in the page."""

DATA_LINK = "data:application/"
SCRIPT = re.compile(r"<(?:\w+:)?script\b", re.IGNORECASE)
HANDLER = re.compile(r"\son(?:load|error|click|begin|mouseover|focus)\s*=", re.IGNORECASE)
FOREIGN = re.compile(r"<(?:\w+:)?foreignObject\b", re.IGNORECASE)
SCRIPT_LINK = re.compile(r"(?:href|src)\s*=\s*[\"']?\s*(?:javascript|vbscript|data:text/html)", re.IGNORECASE)
LONG = 1200
RUN = re.compile(r"[A-Za-z0-9+/_\-]{40,}|(?:\\x[0-9a-fA-F]{2}){40,}|(?:%[0-9a-fA-F]{2}){40,}|(?:\d{1,3}\s*,\s*){40,}")
"""Something encoded; each run is taken whole, so that the search stays linear."""

PICTURE = re.compile(r"data:(?:image|font|audio|video)/[\w.+-]+;base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
PASSWORD = re.compile(r"<input[^>]{0,300}type\s*=\s*[\"']?password", re.IGNORECASE)


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each page that smuggles, and for each picture that runs script."""
    yield from (_hidden(ambiguity) for ambiguity in message.ambiguities if ambiguity.name == HIDDEN_FILE)
    for part in message.parts:
        if part.detected_type not in PAGES:
            continue
        text = PICTURE.sub("", message.texts.get(part.id) or part.data.decode("utf-8", "replace"))
        yield from _smuggling(part, text)
        if part.detected_type == Kind.SVG:
            yield from _picture(part, text)
        elif part.detected_type != Kind.JAVASCRIPT and _is_attached(part):
            yield from _attached(part, text)


def _hidden(ambiguity: Ambiguity) -> Finding:
    severity = Severity.MEDIUM if ambiguity.detail.endswith(SHOWN_IN_PAGES) else Severity.HIGH
    techniques = (attack.HTML_SMUGGLING, attack.PHISHING_ATTACHMENT)
    return Finding(NAME, severity, "The page hides a file", ambiguity.part, techniques, {"file": ambiguity.detail})


def _smuggling(part: Part, text: str) -> Iterator[Finding]:
    squeezed = "".join(text.split()).lower()
    script = part.detected_type == Kind.JAVASCRIPT or "<script" in squeezed or HANDLER.search(text)
    if not script and DATA_LINK not in squeezed:
        return  # most pages are mail, and are not searched any further
    decodes, hands_over, writes = (_found(marks, squeezed) for marks in (DECODES, HANDS_OVER, WRITES))
    longest = max((len(match.group()) for match in RUN.finditer(text)), default=0)
    longest = longest if longest >= LONG else 0
    evidence: dict[str, Json] = {"decodes": [*decodes], "hands_over": [*hands_over], "longest_encoded": longest}
    evidence["writes"] = [*writes]
    if decodes and hands_over:
        summary = "The page builds a file and hands it over as a download"
        severity = (
            Severity.HIGH if longest or {"createobjecturl", "mssaveoropenblob"} & set(hands_over) else Severity.MEDIUM
        )
    elif decodes and writes and longest:
        summary, severity = "The page writes itself from something encoded", Severity.HIGH
    else:
        return
    technique = attack.SVG_SMUGGLING if part.detected_type == Kind.SVG else attack.HTML_SMUGGLING
    yield Finding(NAME, severity, summary, part.id, (technique, attack.PHISHING_ATTACHMENT), evidence)


def _picture(part: Part, text: str) -> Iterator[Finding]:
    marks = {"script": SCRIPT, "event handler": HANDLER, "script link": SCRIPT_LINK, "foreignObject": FOREIGN}
    found: list[Json] = [name for name, pattern in marks.items() if pattern.search(text)]
    if found:
        severity = Severity.MEDIUM if found == ["foreignObject"] else Severity.HIGH
        techniques = (attack.SVG_SMUGGLING, attack.PHISHING_ATTACHMENT)
        yield Finding(NAME, severity, "A picture that runs script", part.id, techniques, {"marks": found})


def _attached(part: Part, text: str) -> Iterator[Finding]:
    if PASSWORD.search(text):
        techniques = (attack.PHISHING_ATTACHMENT,)
        yield Finding(
            NAME,
            Severity.MEDIUM,
            "An attached page asks for a password",
            part.id,
            techniques,
            {"names": list(part.names)},
        )


def _is_attached(part: Part) -> bool:
    return bool(part.names)


def _found(marks: tuple[str, ...], squeezed: str) -> list[str]:
    return [mark.strip("('\".=") for mark in marks if mark in squeezed]
