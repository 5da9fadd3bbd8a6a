"""Excel-4 macros: formulas that run programs, in sheets that are seldom honest today (Microsoft disabled them)."""

import re
from collections import defaultdict
from collections.abc import Iterator

from counterfoil.model.mail import Finding, Json, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message

NAME = "excel4-macros"
STEP = "xlm"

REACHES_OUT = re.compile(
    r"\b(EXEC|CALL|REGISTER(?:\.ID)?|FOPEN|FWRITE(?:LN)?|FILE\.DELETE|RUN|FORMULA(?:\.FILL)?|SEND\.KEYS|INITIATE|EXECUTE"
    r"|POKE|SAVE\.AS|OPEN|ON\.TIME|GET\.WORKSPACE|WORKBOOK\.HIDE|VBA\.INSERT\.FILE|EVALUATE|SET\.VALUE|URLDownloadToFile[AW]?"
    r"|ShellExecute[AW]?|Kernel32|Urlmon|Shell32|WinExec|VirtualAlloc|powershell|mshta|regsvr32|rundll32|wmic)\b(?=\(|\W)",
    re.IGNORECASE,
)


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each container that has macro sheets or macro formulas."""
    sheets: defaultdict[str, list[str]] = defaultdict(list)
    starts: defaultdict[str, list[str]] = defaultdict(list)
    undeclared: set[str] = set()
    for ambiguity in message.ambiguities:
        if ambiguity.name == "xlm:macro-sheet":
            sheets[ambiguity.part].append(ambiguity.detail)
        elif ambiguity.name == "xlm:auto-open":
            starts[ambiguity.part].append(ambiguity.detail)
        elif ambiguity.name == "xlm:undeclared":
            undeclared.add(ambiguity.part)
    for container, names in sheets.items():
        if container.rpartition("/")[0] in sheets:
            continue  # the workbook stream of a file that has been reported
        calls = sorted(_calls(message, container))
        hidden = any(name.endswith("hidden") for name in names) or container in undeclared
        high = bool(calls or hidden or starts[container])
        evidence: dict[str, Json] = {"sheets": [*names], "runs_by_itself": [*starts[container]], "calls": [*calls]}
        yield Finding(
            check=NAME,
            severity=Severity.HIGH if high else Severity.MEDIUM,
            summary="Excel-4 macros" + (" in a hidden sheet" if hidden else "") + _manner(starts[container], calls),
            part=container,
            techniques=(attack.MALICIOUS_FILE, attack.PHISHING_ATTACHMENT)
            + ((attack.HIDE_ARTIFACTS,) if hidden else ()),
            evidence=evidence,
        )


def _calls(message: Message, container: str) -> set[str]:
    found: set[str] = set()
    for part in message.parts:
        if part.via and part.via[-1] == STEP and part.id.startswith(f"{container}/"):
            text = message.texts.get(part.id) or part.data.decode("utf-8", "replace")
            found.update(match.group(1).upper() for match in REACHES_OUT.finditer(text))
    return found


def _manner(starts: list[str], calls: list[str]) -> str:
    if starts and calls:
        return " that run by themselves and reach out of the workbook"
    if starts:
        return " that run by themselves"
    return " that reach out of the workbook" if calls else ""
