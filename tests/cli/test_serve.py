"""``counterfoil serve --check``: a sound configuration is said to be so, a faulty one is refused with every fault."""

import json
from pathlib import Path

import pytest

from counterfoil.__main__ import main


def test_a_sound_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Nothing is started and nothing is made; the exit code is 0."""
    file = tmp_path / "c.toml"
    file.write_text('[log]\nlevel = "debug"\n', encoding="utf-8")
    words = ["serve", "--check", "--json", "--config", str(file), "--data", str(tmp_path / "data")]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == {"sound": True}
    assert [path.name for path in tmp_path.iterdir()] == ["c.toml"]


def test_a_faulty_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Every fault is named on stderr, and the exit code is 2."""
    file = tmp_path / "c.toml"
    file.write_text('[log]\nlevel = "loud"\n[scan]\nworkers = 0\n', encoding="utf-8")
    assert main(["serve", "--check", "--config", str(file)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "log.level: 'loud' is not known here" in said.err
    assert "scan.workers: 0 is out of range" in said.err
