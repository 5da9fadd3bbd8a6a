"""See that the documents tell the truth: the help of every command, the links, the commands they name.

``python tools/check_docs.py`` exits 1 and says what differs; with ``--write`` it renews docs/faces.md.
"""

import argparse
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ["COLUMNS"] = "110"  # argparse wraps by it
os.environ.pop("COUNTERFOIL_DATA", None)

from counterfoil.__main__ import parser_for
from counterfoil.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
FACES = ROOT / "docs" / "faces.md"
HEAD = """# Commands

The help of every command, as the program prints it (`python tools/check_docs.py --write` makes this page, and
`make check` compares it). Every command takes `--json` and `--data`, works without a terminal, and exits 2 on an error.
"""


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and those of its verbs, depth first."""
    yield parser
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to its verbs
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
            for verb in action.choices.values():
                yield from parsers(verb)


def faces() -> str:
    """Return docs/faces.md as it should be."""
    page = [HEAD]
    for command in COMMANDS:
        if importlib.util.find_spec(f"counterfoil.cli.{command}") is None:
            continue
        whole = parser_for(command)
        choices = next(action.choices for action in whole._actions if action.dest == "command")  # noqa: SLF001 - as above
        page.append(f"## counterfoil {command}\n")
        page += [f"```\n{parser.format_help().strip()}\n```\n" for parser in parsers(choices[command])]
    return "\n".join(page)


def faults() -> Iterator[str]:
    """Yield what is wrong with the documents."""
    if not FACES.exists() or FACES.read_text(encoding="utf-8") != faces():
        yield f"{FACES.relative_to(ROOT)} is not what the program prints: run python tools/check_docs.py --write"
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text):
            if not (page.parent / target).exists():
                yield f"{page.relative_to(ROOT)} links to {target}, which is not there"
        for command in re.findall(r"^(?:\$ )?(?:\.venv/bin/)?counterfoil ([a-z]+)", text, re.MULTILINE):
            if command not in COMMANDS:
                yield f"{page.relative_to(ROOT)} names the command {command}, which does not exist"


def main() -> int:
    """Write or compare; return the exit code."""
    if "--write" in sys.argv[1:]:
        FACES.write_text(faces(), encoding="utf-8")
    found = list(faults())
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
