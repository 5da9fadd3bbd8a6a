"""VBA macros: what runs by itself, what reaches out of the document, and what hides from source readers."""

import re
from collections.abc import Iterator

from counterfoil.model.mail import Finding, Json, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message

NAME = "macros"
STEP = "vba"

AUTO = re.compile(
    r"\b(auto_?(?:open|close|exec|exit|new)|auto_(?:activate|deactivate)|workbook_(?:open|activate|beforeclose|close)"
    r"|document_?(?:open|close|new|change|beforeclose|contentcontrolonenter)|(?:\w+_)?(?:layout|resize|painted|painting"
    r"|mousehover|mousemove|mouseenter|mouseleave|gotfocus|titlechange|initialize|onconnecting|onconnected|ondisconnected"
    r"|onlogincomplete|documentcomplete|beforenavigate2?|navigatecomplete2?|downloadbegin|downloadcomplete))\b",
    re.IGNORECASE,
)
"""Procedures that Office calls without being asked by a person (events of documents and of controls in them)."""

PROCEDURE = re.compile(
    r"^[ \t]*(?:(?:public|private|friend|static)[ \t]+)*(?:sub|function)[ \t]+(\w+)", re.IGNORECASE | re.MULTILINE
)

REACHES_OUT = re.compile(
    r"\b(shell(?:execute[aw]?|\$)?|createobject|getobject|wscript|vbhide|winhttp|xmlhttp|serverxmlhttp|urldownloadtofile[aw]?"
    r"|internetopen[aw]?|adodb|savetofile|environ|powershell|cmd(?:\.exe)?\s*/c|mshta|rundll32|regsvr32|certutil|bitsadmin"
    r"|msiexec|wmic|win32_process\w*|winmgmts|virtualalloc(?:ex)?|createthread|rtlmovememory|writeprocessmemory"
    r"|callwindowproc[aw]?|enumsystemlocales[aw]?|kill|filecopy|regwrite|regread|executeexcel4macro|vbproject|callbyname"
    r"|macscript|popen|dlsym|schedule\.service|frombase64string|strreverse|activexobject|application\.run|setattr"
    r"|open\b[^\n]{1,80}\bfor\s+(?:binary|output|append)|declare\s+(?:ptrsafe\s+)?(?:sub|function))",
    re.IGNORECASE,
)
"""Names of calls that start programs, fetch or write files, or touch memory (oletools' list was a guide)."""

IDLE = ("attribute ", "option ", "'", "rem ")

ODDITIES = {
    "vba:stomped": ("Compiled macro code that its source does not show", Severity.HIGH),
    "vba:no-source": ("A macro module without its source", Severity.HIGH),
    "vba:unlisted-module": ("A macro module that its project does not list", Severity.MEDIUM),
    "vba:purged": ("Macro source whose compiled code was removed", Severity.LOW),
}


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each module with code, and one for each way of hiding it."""
    for part in message.parts:
        if not part.via or part.via[-1] != STEP:
            continue
        source = code(message.texts.get(part.id) or part.data.decode("utf-8", "replace"))
        if not source:
            continue
        procedures = PROCEDURE.findall(source)
        auto = sorted({name for name in procedures if AUTO.fullmatch(name)}, key=str.lower)
        calls = sorted({match.group(1).lower() for match in REACHES_OUT.finditer(source)})
        yield Finding(
            check=NAME,
            severity=Severity.HIGH if auto or calls else Severity.MEDIUM,
            summary=_summary(auto, calls),
            part=part.id,
            techniques=(attack.VISUAL_BASIC, attack.MALICIOUS_FILE),
            evidence={
                "module": part.names[0] if part.names else "",
                "runs_by_itself": _list(auto),
                "calls": _list(calls),
            },
        )
    for ambiguity in message.ambiguities:
        if ambiguity.name in ODDITIES:
            summary, severity = ODDITIES[ambiguity.name]
            techniques = (attack.VBA_STOMPING, attack.VISUAL_BASIC)
            yield Finding(NAME, severity, summary, ambiguity.part, techniques, {"detail": ambiguity.detail})


def code(source: str) -> str:
    """Return the source without attributes, options and comments, joined where a line is continued."""
    joined = re.sub(r"[ \t]_\r?\n", " ", source)
    lines = (line for line in joined.splitlines() if line.strip() and not line.strip().lower().startswith(IDLE))
    return "\n".join(lines)


def _summary(auto: list[str], calls: list[str]) -> str:
    if auto and calls:
        return "A macro that runs by itself and reaches out of the document"
    if auto:
        return "A macro that runs by itself"
    return "A macro that reaches out of the document" if calls else "A macro"


def _list(words: list[str]) -> list[Json]:
    return [*words]
