"""Kinds of text: what a browser, a mail client, a script host or an Office program would make of it.

Markup is told by its own marks wherever it comes from. Script source has no magic: a file is one when a host of
that language would run it by its name, or when named text holds several marks of the language.
"""

import re
from typing import Final

from counterfoil.scan.kinds.kind import Kind

_SAMPLE: Final = 16 * 1024
_CONTROL: Final = bytes(set(range(32)) - {7, 8, 9, 10, 11, 12, 13, 26, 27})
_WIDE: Final = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

_EXTENSIONS: Final = {
    "js": Kind.JAVASCRIPT,
    "mjs": Kind.JAVASCRIPT,
    "jse": Kind.JAVASCRIPT,
    "vbs": Kind.VBSCRIPT,
    "vbe": Kind.VBSCRIPT,
    "vb": Kind.VBSCRIPT,
    "ps1": Kind.POWERSHELL,
    "psm1": Kind.POWERSHELL,
    "psd1": Kind.POWERSHELL,
    "bat": Kind.BATCH,
    "cmd": Kind.BATCH,
    "hta": Kind.HTA,
    "wsf": Kind.WSF,
    "wsc": Kind.WSF,
    "sct": Kind.WSF,
    "py": Kind.PYTHON,
    "pyw": Kind.PYTHON,
    "pl": Kind.PERL,
    "php": Kind.PHP,
    "sh": Kind.SHELL,
    "command": Kind.SHELL,
    "scpt": Kind.APPLESCRIPT,
    "au3": Kind.AUTOIT,
    "reg": Kind.REG,
    "url": Kind.URL_FILE,
    "html": Kind.HTML,
    "htm": Kind.HTML,
    "shtml": Kind.HTML,
    "xhtml": Kind.HTML,
    "svg": Kind.SVG,
    "slk": Kind.SLK,
    "csv": Kind.CSV,
    "ics": Kind.CALENDAR,
    "vcf": Kind.VCARD,
    "eml": Kind.EML,
}

_STARTS: Final = (
    (b"begin:vcalendar", Kind.CALENDAR),
    (b"begin:vcard", Kind.VCARD),
    (b"windows registry editor", Kind.REG),
    (b"regedit4", Kind.REG),
    (b"[internetshortcut]", Kind.URL_FILE),
    (b"id;p", Kind.SLK),
    (b"{\\rt", Kind.RTF),
    (b"<?php", Kind.PHP),
    (b"%pdf-", Kind.PDF),
)
_HTA = re.compile(rb"<hta:application\b|<script[^>]{0,200}vbscript[^>]{0,200}>[^<]{0,2000}wscript\.shell")
_WSF = re.compile(rb"<(?:job|package|component|scriptlet)\b[^>]{0,200}>.{0,4000}<script\b", re.DOTALL)
_SVG = re.compile(rb"<(?:\w{1,20}:)?svg[\s>]")
_HTML = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|title|meta|form|table|div|img|style|a|base|link|p)(?=[\s>/])"
)
_MSC = re.compile(rb"<mmc_consolefile\b")
_EML = re.compile(
    rb"(?:(?:received|return-path|from|to|cc|subject|date|message-id|mime-version|delivered-to|content-type|sender"
    rb"|reply-to|x-[a-z0-9-]{1,40}|dkim-signature|authentication-results|arc-[a-z-]{1,30})"
    rb"[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*){0,60}\r?\n){3}"
)
_ENVELOPE = re.compile(rb"(?m)^(?:from|received|subject|mime-version)[ \t]*:")

_SCRIPT_MARKS: Final = (
    (
        Kind.VBSCRIPT,
        re.compile(
            rb"\b(?:createobject\s*\(|end\s+(?:sub|function|if)\b|wscript\.\w|on\s+error\s+resume\s+next|dim\s+\w|"
            rb"execute(?:global)?\s*\(|set\s+\w+\s*=|chr[wb]?\s*\(\d)"
        ),
    ),
    (
        Kind.JAVASCRIPT,
        re.compile(
            rb"\b(?:new\s+activexobject\s*\(|wscript\.\w|function\s*\w*\s*\(|var\s+\w+\s*=|eval\s*\(|"
            rb"string\.fromcharcode\s*\(|this\[|document\.\w|window\.\w|(?:let|const)\s+\w+\s*=)"
        ),
    ),
    (
        Kind.POWERSHELL,
        re.compile(
            rb"(?:\binvoke-\w|\bnew-object\s|\biex\b|\$\w+\s*=|\bstart-process\b|\[system\.|frombase64string|"
            rb"-executionpolicy\b|\bwrite-host\b|\bset-\w+\s+-)"
        ),
    ),
    (
        Kind.BATCH,
        re.compile(
            rb"(?m)^\s*(?:@echo\s+off|set\s+\"?\w+=|setlocal\b|goto\s+:?\w|if\s+(?:not\s+)?exist\b|start\s+\"\")"
        ),
    ),
)
_INTERPRETERS: Final = (
    (b"python", Kind.PYTHON),
    (b"perl", Kind.PERL),
    (b"php", Kind.PHP),
    (b"osascript", Kind.APPLESCRIPT),
    (b"pwsh", Kind.POWERSHELL),
    (b"node", Kind.JAVASCRIPT),
)


def looks_like_text(data: bytes) -> bool:
    """Tell whether a person could have typed this, as octets or as UTF-16."""
    sample = data[:_SAMPLE]
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return b"\0\0\0\0" not in sample
    return len(sample.translate(None, _CONTROL)) == len(sample)


def text_kind(data: bytes, names: tuple[str, ...]) -> tuple[Kind, ...]:
    """Return the kinds of some text, markup before script, ``TEXT`` last of all."""
    sample = _sample(data)
    found: list[Kind] = []
    if b"<" in sample:
        found.extend(_markup(sample))
    found.extend(kind for start, kind in _STARTS if sample.startswith(start))
    if not found and _EML.match(sample) and _ENVELOPE.search(sample):
        found.append(Kind.EML)
    if names:
        found.extend(_script(sample, names, found))
    return (*dict.fromkeys(found), Kind.TEXT)


def named_as_markup(names: tuple[str, ...]) -> bool:
    """Tell whether a browser would open the file by its name, whatever is in it."""
    return any(_EXTENSIONS.get(_extension(name)) in {Kind.HTML, Kind.SVG, Kind.HTA} for name in names)


def _sample(data: bytes) -> bytes:
    sample = data[:_SAMPLE]
    for mark, codec in _WIDE:
        if sample.startswith(mark):
            sample = sample[2:].decode(codec, "replace").encode("utf-8", "replace")
    return sample.removeprefix(b"\xef\xbb\xbf").lstrip().lower()


def _markup(sample: bytes) -> list[Kind]:
    found: list[Kind] = []
    if _HTA.search(sample):
        found.append(Kind.HTA)
    if (b"<job" in sample or b"<package" in sample or b"<scriptlet" in sample) and _WSF.search(sample):
        found.append(Kind.WSF)
    if _MSC.search(sample):
        found.append(Kind.MSC)
    if _SVG.search(sample) and (
        sample.startswith((b"<?xml", b"<svg", b"<!doctype svg", b"<!--")) or b"<html" not in sample
    ):
        found.append(Kind.SVG)
    if _HTML.search(sample):
        found.append(Kind.HTML)
    if not found and sample.startswith(b"<?xml"):
        found.append(Kind.XML)
    return found


def _script(sample: bytes, names: tuple[str, ...], found: list[Kind]) -> list[Kind]:
    if sample.startswith(b"#!"):
        line = sample[:200].partition(b"\n")[0]
        return [next((kind for word, kind in _INTERPRETERS if word in line), Kind.SHELL)]
    by_name = [_EXTENSIONS[ending] for ending in map(_extension, names) if ending in _EXTENSIONS]
    if by_name or found:
        return by_name
    marks = ((len(set(pattern.findall(sample))), kind) for kind, pattern in _SCRIPT_MARKS)
    best, kind = max(marks, key=lambda pair: pair[0])
    return [kind] if best >= 3 else []


def _extension(name: str) -> str:
    return name.rstrip(". \t\u2800\u00a0\u200b").rpartition(".")[2].lower()
