"""The signer's home: one signer at a time, nothing begun anew over what is there, readable without us."""

import json
import subprocess
import sys

import pytest


def test_wrong_settings_stop_it_with_a_sentence(tmp_path):
    """A path that is too long for a socket is said, with exit code 2 and no traceback."""
    long = tmp_path / ("x" * 100)
    command = [sys.executable, "-m", "counterfoil", "signer", "--data", str(tmp_path), "--socket", str(long / "s.sock")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "the path of the socket is too long" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_journal_without_its_keys_is_not_started_over(signer, tmp_path):
    """If the sealed keys of the signer are gone, it does not make new ones over an old journal."""
    signer.stop()
    (tmp_path / "signer" / "signer.keys").unlink()
    command = [sys.executable, "-m", "counterfoil", "signer", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, "is gone and the journal is there" in done.stderr) == (2, True)


def test_the_journal_reads_as_json(standing):
    """What the signer keeps is one JSON object a line, readable without us."""
    path = standing.socket.with_name("journal")
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["kind"] == "certificate"


def test_a_second_signer_on_the_same_home_is_refused(tmp_path, signer, start_signer):
    """Two would write one journal; the first one keeps its socket and goes on."""
    with pytest.raises(RuntimeError, match="another signer runs in"):
        start_signer(tmp_path)
    assert signer.custodian.status()["stub_key"] == signer.said["stub_key"]
