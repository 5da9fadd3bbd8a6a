"""Draw docs/rotation.md's diagram from the rotation table, so that the two cannot disagree.

``python tools/draw_rotation.py`` rewrites the block in the page; with ``--check`` it only compares.
"""

import sys
from pathlib import Path

from counterfoil.credential.rotation import MOVES, ROLL_BACK_FROM

PAGE = Path(__file__).resolve().parents[1] / "docs" / "rotation.md"
BEGIN, END = "<!-- drawn from the table -->\n", "<!-- end of the drawing -->\n"


def diagram() -> str:
    """Return the table as a Mermaid state diagram, one arrow a move that changes the state."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> staged"]
    for (state, _, seen), there in MOVES.items():
        if there.state is not state:
            lines.append(f"    {_id(state)} --> {_id(there.state)}: {seen}")
    lines += [f"    {_id(state)} --> rolling_back: an operator rolls back (routine only)" for state in ROLL_BACK_FROM]
    lines += ["    done --> [*]", "    rolled_back --> [*]", "    superseded --> [*]", "```", ""]
    return "\n".join(lines)


def page() -> str:
    """Return the page with its drawing renewed."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return before + BEGIN + diagram() + END + rest.split(END)[1]


def _id(state: str) -> str:
    return str(state).replace("-", "_")


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/rotation.md differs from the table: run python tools/draw_rotation.py")
