"""The answer in a real terminal (a pty): nothing is cut, nothing wraps, and a pipe gets whole lines."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from tests.cli.fleet import SHA1

from counterfoil.__main__ import main


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", ["reconcile", "touched"])
def test_a_terminal_gets_lines_that_fit(fleet, command, width):
    """In a terminal of 80 or 120 columns no line wraps, headings have colour, progress leaves no trace."""
    words = [sys.executable, "-m", "counterfoil", command, *fleet.arguments]
    words += ["--cert", SHA1] if command == "touched" else []
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm-256color"}
    ) as running:
        os.close(theirs)
        printed = b""
        with contextlib.suppress(OSError):  # the terminal ends with the program
            while piece := os.read(ours, 65536):
                printed += piece
        code = running.wait()
    os.close(ours)
    text = printed.decode().replace("\r\n", "\n")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", text.rsplit("\r", 1)[-1]).splitlines()

    assert code == 1
    assert "\x1b[1;31m" in text
    assert max(map(len, shown)) <= width
    assert any("touched by somebody else" in line for line in shown[:3])


def test_without_a_terminal_each_fact_is_one_line(fleet, capsys):
    """What reads a pipe line by line gets whole lines and no colour."""
    assert main(["reconcile", *fleet.arguments]) == 1
    printed = capsys.readouterr().out

    assert "\x1b" not in printed
    assert any(len(line) > 120 for line in printed.splitlines())
