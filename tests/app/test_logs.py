"""Logs: a line is one JSON object, and no text of a foreign exception gets into it."""

import json
import logging
import subprocess
import sys
from pathlib import Path

from counterfoil.app.logs import JsonLines, Plain
from counterfoil.database import open_database
from counterfoil.model.errors import Misconfigured


def formatted(**more: object) -> dict[str, object]:
    """Format one record and read it back."""
    record = logging.makeLogRecord({"name": "x", "levelno": 20, "levelname": "INFO", "msg": "a\nb", **more})
    line = JsonLines().format(record)
    assert "\n" not in line
    document = json.loads(line)
    assert isinstance(document, dict)
    return document


def test_facts_are_keys():
    """What a record knows stands beside its sentence as keys of its own."""
    document = formatted(facts={"id": "m1", "count": 2})
    assert (document["message"], document["level"], document["id"], document["count"]) == ("a\nb", "info", "m1", 2)


def test_an_exception_keeps_its_text_to_itself():
    """The text of an exception may quote a message, so only its type and its place are logged."""
    try:
        int("Subject: the secret plan")
    except ValueError:
        document = formatted(exc_info=sys.exc_info())
    assert document["exception"]["type"] == "ValueError"
    assert "secret plan" not in json.dumps(document)


def test_our_own_errors_say_what_to_do():
    """An error of ours comes with its sentence and its hint, which hold no content of a message."""
    try:
        open_database("nonsense://x")
    except Misconfigured:
        document = formatted(exc_info=sys.exc_info())
    assert document["exception"]["type"] == "Misconfigured"
    assert "nonsense" in document["exception"]["says"]
    assert document["exception"]["hint"]


def test_a_person_reads_plain_lines():
    """On a terminal a record is one line of words and facts, and nothing in it drives the terminal."""
    record = logging.LogRecord("x", logging.WARNING, "", 0, "cut off", None, None)
    record.created, record.facts = 0.0, {"id": "m\x1b[2J", "missing": [], "in_force": ["a", "b"]}
    assert Plain().format(record) == "00:00:00Z  warning: cut off  id=m\\x1b[2J  missing=none  in_force=a, b"


def test_the_first_schema_is_made_without_a_word(tmp_path: Path):
    """A new database is made at level info, and the library that makes it logs nothing of its own workings."""
    program = (
        "import sys; from counterfoil.app.logs import log_to_stderr; log_to_stderr('info');"
        "from counterfoil.database import open_database; open_database(sys.argv[1]);"
        "import logging; logging.getLogger('ours').info('made'); assert 'alembic.runtime.migration' in sys.modules"
    )
    made = subprocess.run(
        [sys.executable, "-c", program, f"sqlite:///{tmp_path / 'new.db'}"], capture_output=True, text=True, check=True
    )
    assert [json.loads(line)["logger"] for line in made.stderr.splitlines()] == ["ours"]
