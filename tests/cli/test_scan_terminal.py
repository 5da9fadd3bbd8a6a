"""``counterfoil scan`` on a terminal, and where its reader goes away."""

import contextlib
import json
import os
import pty
import subprocess
import sys
import threading

import pytest

MESSAGE = b"From: anna@example.org\r\nSubject: x\r\nDate: Tue, 03 Nov 2026 10:00:00 +0000\r\n\r\nbody\r\n"


@pytest.fixture
def folder(tmp_path):
    """A folder of a few messages."""
    for number in range(40):
        (tmp_path / f"{number:02}.eml").write_bytes(MESSAGE)
    return tmp_path


def command(*words):
    """The command line of a fresh interpreter."""
    return [sys.executable, "-m", "counterfoil", "scan", "--jobs", "1", *map(str, words)]


def watch(terminal, drawn):
    """Read all that is drawn on a terminal until its other end is closed."""
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 65536):
            drawn.append(piece)
    os.close(terminal)


def test_progress_goes_to_the_terminal_and_nothing_but_the_answer_to_stdout(folder):
    """With stderr on a terminal a bar is drawn there; stdout stays one JSON object a line."""
    ours, theirs = pty.openpty()
    drawn: list[bytes] = []
    watching = threading.Thread(target=watch, args=(ours, drawn))
    watching.start()
    with subprocess.Popen(command("--json", folder), stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        output, _ = process.communicate(timeout=60)
    watching.join()

    assert process.returncode == 0
    assert b"scanning" in b"".join(drawn)
    assert b"40/40" in b"".join(drawn)
    assert [json.loads(line)["verdict"] for line in output.splitlines()] == ["clean"] * 40


def test_a_reader_that_goes_away_is_no_traceback(folder):
    """As with ``| head -1``: the first lines are there, then the command ends by itself, without a word."""
    with subprocess.Popen(command("--json", folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["verdict"] == "clean"
        process.stdout.close()
        error = process.stderr.read()

    assert process.returncode in {0, 2}
    assert error == b""
