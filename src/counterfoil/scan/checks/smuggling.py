"""HTML smuggling: a page that builds a file in the browser, past every gateway (MITRE ATT&CK T1027.006, .017).

A page is judged by what it has of three things: something long that is encoded, something that decodes it,
and something that hands the result to the person. Nothing is run.
"""

import re
from collections.abc import Iterator

from counterfoil.model.mail import Finding, Json, Part, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message
from counterfoil.scan.kinds import Kind

NAME = "html-smuggling"

PAGES = frozenset({Kind.HTML, Kind.SVG, Kind.MHTML, Kind.HTA, Kind.JAVASCRIPT})

DECODES = re.compile(
    r"\batob\b|\bunescape\s*\(|decodeURIComponent\s*\(|fromCharCode|\bBlob\s*\(|Uint8Array|FromBase64|charCodeAt"
    r"|data:application/[\w.+-]+;base64,|data:[\w/.+-]*octet-stream",
    re.IGNORECASE,
)
DATA_LINK = re.compile(r"data:application/", re.IGNORECASE)
HANDS_OVER = re.compile(
    r"msSaveOrOpenBlob|msSaveBlob|createObjectURL|\.download\s*=|\bdownload\s*=\s*[\"'\w]|setAttribute\(\s*[\"']download"
    r"|navigator\s*\[|\.click\s*\(\s*\)|saveAs\s*\(",
    re.IGNORECASE,
)
WRITES = re.compile(
    r"document\.write(?:ln)?\s*\(|\.srcdoc\b|\.innerHTML\s*=|\beval\s*\(|new\s+Function\s*\(", re.IGNORECASE
)
SCRIPT = re.compile(r"<(?:\w+:)?script\b", re.IGNORECASE)
HANDLER = re.compile(r"\son(?:load|error|click|begin|mouseover|focus)\s*=", re.IGNORECASE)
FOREIGN = re.compile(r"<(?:\w+:)?foreignObject\b", re.IGNORECASE)
SCRIPT_LINK = re.compile(r"(?:href|src)\s*=\s*[\"']?\s*(?:javascript|vbscript|data:text/html)", re.IGNORECASE)
LONG = re.compile(
    r"[A-Za-z0-9+/_\-]{1200,}={0,2}|(?:\\x[0-9a-fA-F]{2}){300,}|(?:%[0-9a-fA-F]{2}){300,}|(?:\d{1,3}\s*,\s*){400,}"
)
PICTURE = re.compile(r"data:(?:image|font|audio|video)/[\w.+-]+;base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
PASSWORD = re.compile(r"<input[^>]{0,300}type\s*=\s*[\"']?password", re.IGNORECASE)


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each page that smuggles, and for each picture that runs script."""
    for part in message.parts:
        if part.detected_type not in PAGES:
            continue
        text = PICTURE.sub("", message.texts.get(part.id) or part.data.decode("utf-8", "replace"))
        yield from _smuggling(part, text)
        if part.detected_type == Kind.SVG:
            yield from _picture(part, text)
        elif part.detected_type != Kind.JAVASCRIPT and _is_attached(part):
            yield from _attached(part, text)


def _smuggling(part: Part, text: str) -> Iterator[Finding]:
    script = part.detected_type == Kind.JAVASCRIPT or SCRIPT.search(text) or HANDLER.search(text)
    if not script and not DATA_LINK.search(text):
        return  # most pages are mail, and are not searched any further
    decodes, hands_over, writes = _words(DECODES, text), _words(HANDS_OVER, text), _words(WRITES, text)
    longest = max((len(match.group()) for match in LONG.finditer(text)), default=0)
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


def _words(pattern: re.Pattern[str], text: str) -> list[str]:
    return sorted({match.group().rstrip(" (=\"'").lstrip(".").lower() for match in pattern.finditer(text)})[:20]
