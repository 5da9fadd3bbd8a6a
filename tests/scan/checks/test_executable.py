"""Programs and scripts are found by what they are."""

import pytest
from tests.scan.making import message, part

from counterfoil.scan.checks.executable import check

PE = b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0" + bytes(40)


@pytest.mark.parametrize(
    ("data", "name", "severity", "technique"),
    [
        (PE, "invoice.pdf", "high", "T1204.002"),
        (PE, "", "high", "T1204.002"),
        (b"L\0\0\0\x01\x14\x02\0" + bytes(80), "x", "high", "T1204.002"),
        (b"WScript.CreateObject('x')", "a.js", "high", "T1059.007"),
        (b'Set a = CreateObject("x")', "a.vbs", "high", "T1059.005"),
        (b"Get-Item x", "a.ps1", "high", "T1059.001"),
        (b"@echo off\r\n", "a.bat", "high", "T1059.003"),
        (b"[InternetShortcut]\r\nURL=http://x.example/\r\n", "a.url", "medium", "T1204.002"),
        (b"#!/bin/sh\necho hello\n", "a.sh", "low", "T1204.002"),
    ],
    ids=[
        "a program called a document",
        "a program without a name",
        "shortcut",
        "JScript",
        "VBScript",
        "PowerShell",
        "batch",
        "internet shortcut",
        "shell script",
    ],
)
def test_what_runs_is_found(data, name, severity, technique):
    """Type by content, and the technique of the interpreter."""
    (found,) = check(message(part(data, name)))
    assert str(found.severity) == severity
    assert technique in found.techniques


@pytest.mark.parametrize(
    ("data", "name"), [(b"hello", "a.txt"), (b"%PDF-1.4\n", "a.pdf"), (b"MZ is how this begins", "")]
)
def test_what_does_not_run_is_left_alone(data, name):
    """Documents and text are none, not even text that begins with MZ."""
    assert list(check(message(part(data, name)))) == []


def test_source_under_another_name_is_low():
    """A quotation of PowerShell in a text is told, and not held against anybody."""
    script = b"param($a)\nWrite-Host 'x'\nfunction Get-Thing { Invoke-Expression $a }\nNew-Object Net.WebClient\n"
    (named,) = check(message(part(script, "setup.ps1")))
    assert str(named.severity) == "high"
    quoted = part(script, "notes.txt")
    quoted = type(quoted)(quoted.id, quoted.names, "", named.evidence["type"], quoted.sha256, (), quoted.data)
    (found,) = check(message(quoted))
    assert str(found.severity) == "low"


def test_macro_source_is_judged_elsewhere():
    """A VBA module is no script file."""
    source = b'Sub AutoOpen()\r\nDim a As Object\r\nSet a = CreateObject("WScript.Shell")\r\nEnd Sub\r\n'
    assert list(check(message(part(source, "Module1.vbs", via=("ole", "vba"))))) == []
