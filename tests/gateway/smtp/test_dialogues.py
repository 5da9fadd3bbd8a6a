from pathlib import Path

import pytest
from tests.gateway.smtp.dialogue import play

DIALOGUES = sorted((Path(__file__).parents[1] / "dialogues").glob("*.smtp"))
SPLITTABLE = [path for path in DIALOGUES if "# together\n" not in path.read_text()]


def test_dialogues_are_there():
    """The folder of dialogues is not empty, and the nine smuggling sequences are among them."""
    assert len(DIALOGUES) > 20
    assert sum("smuggling" in path.name for path in DIALOGUES) == 9


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_dialogue(path):
    """The session says what the file says, when each group arrives in one piece."""
    play(path, together=True)


@pytest.mark.parametrize("path", SPLITTABLE, ids=lambda path: path.stem)
def test_dialogue_octet_by_octet(path):
    """The session says the same when every octet arrives alone."""
    play(path, together=False)
