"""Programs and scripts by their true type, whatever they are called and however deep they lie."""

from collections.abc import Iterator

from counterfoil.model.mail import Finding, Part, Severity
from counterfoil.scan import attack
from counterfoil.scan.features import Message
from counterfoil.scan.kinds import Kind

NAME = "executable"

WINDOWS = {Kind.PE, Kind.DOS, Kind.MSI, Kind.LNK, Kind.MSC, Kind.APPREF, Kind.CHM, Kind.REG, Kind.HTA, Kind.WSF}
WINDOWS |= {Kind.JSE, Kind.JAVASCRIPT, Kind.VBSCRIPT, Kind.VBE, Kind.POWERSHELL, Kind.BATCH, Kind.AUTOIT}
OTHER_PROGRAMS = {Kind.ELF, Kind.MACHO, Kind.JAVA_CLASS, Kind.ANDROID_DEX, Kind.JAR, Kind.APK, Kind.APPLESCRIPT}
SCRIPTS = {Kind.SHELL, Kind.PYTHON, Kind.PERL, Kind.PHP}
LINK_FILES = {Kind.URL_FILE}

SEVERITIES: dict[str, Severity] = {
    **dict.fromkeys(WINDOWS | OTHER_PROGRAMS, Severity.HIGH),
    **dict.fromkeys(LINK_FILES, Severity.MEDIUM),
    **dict.fromkeys(SCRIPTS, Severity.LOW),
}
"""What a double click runs is high; source that programmers mail to each other is low."""

BY_EXTENSION = {
    Kind.JAVASCRIPT: (".js", ".mjs", ".jse"),
    Kind.VBSCRIPT: (".vbs", ".vbe", ".vb"),
    Kind.POWERSHELL: (".ps1", ".psm1", ".psd1"),
    Kind.BATCH: (".bat", ".cmd"),
    Kind.AUTOIT: (".au3",),
}
"""Source that runs by its extension only: under another name an editor opens it, and it may be a quotation."""

MACRO_STEPS = (("vba",), ("xlm",))
"""The last step to macro source, which checks of its own judge."""

TECHNIQUES = {
    Kind.POWERSHELL: attack.POWERSHELL,
    Kind.BATCH: attack.COMMAND_SHELL,
    Kind.VBSCRIPT: attack.VISUAL_BASIC,
    Kind.VBE: attack.VISUAL_BASIC,
    Kind.JAVASCRIPT: attack.JAVASCRIPT,
    Kind.JSE: attack.JAVASCRIPT,
}


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each part that is a program or a script."""
    for part in message.parts:
        severity = SEVERITIES.get(part.detected_type)
        if severity is None or part.via[-1:] in MACRO_STEPS:
            continue
        if not _runs(part):
            severity = Severity.LOW
        techniques = [attack.MALICIOUS_FILE, attack.PHISHING_ATTACHMENT]
        techniques += [name for kind, name in TECHNIQUES.items() if kind == part.detected_type]
        yield Finding(
            check=NAME,
            severity=severity,
            summary=f"A program or script: {part.detected_type}",
            part=part.id,
            techniques=tuple(techniques),
            evidence={"names": list(part.names), "type": part.detected_type, "sha256": part.sha256},
        )


def _runs(part: Part) -> bool:
    """Tell whether a double click runs the part, as far as its names decide that."""
    for kind, extensions in BY_EXTENSION.items():
        if part.detected_type == kind:
            return any(name.rstrip(". \u00a0").lower().endswith(extensions) for name in part.names)
    return True
