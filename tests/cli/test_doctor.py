"""``counterfoil doctor`` as a person and a script have it: what is printed, and what the exit code says."""

import json
import subprocess
import sys

import pytest

CONFIG = '[dns]\nenabled = false\n[microsoft365]\nlogin = "https://127.0.0.1:9"\n'


def doctor(data, *words):
    """Run it; return the exit code, stdout and stderr."""
    line = [sys.executable, "-m", "counterfoil", "doctor", "--data", str(data), *words]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder with one tenant and no signer, and a configuration whose token service is nowhere."""
    folder = tmp_path_factory.mktemp("doctor") / "data"
    (folder.parent / "config.toml").write_text(CONFIG)
    words = ["tenant", "add", "acme", "--domain", "acme.example", "--next-hop", "127.0.0.1:9"]
    line = [sys.executable, "-m", "counterfoil", *words, "--data", str(folder)]
    subprocess.run(line, check=True, timeout=60, capture_output=True)
    return folder


def test_offline_nothing_is_connected_to_and_nothing_is_wrong(data):
    """With --offline a next hop that is down is not noticed, and notes alone are exit 0."""
    code, out, err = doctor(data, "--offline", "--json", "--config", str(data.parent / "config.toml"))
    answer = json.loads(out)
    assert (code, err) == (0, "")
    assert (answer["well"], answer["problems"]) == (True, 0)
    assert {f["weight"] for check in answer["checks"] for f in check["findings"]} <= {"note", "untried"}


def test_a_problem_is_exit_1_with_cause_and_fix(data):
    """Online the next hop is a problem: exit 1 in both forms, and a person reads the cause and the fix below it."""
    config = ("--config", str(data.parent / "config.toml"))
    code, out, _ = doctor(data, "--json", *config)
    problems = [f for check in json.loads(out)["checks"] for f in check["findings"] if f["weight"] == "problem"]
    assert code == 1
    assert [f["about"] for f in problems] == ["next hop 127.0.0.1:9 of acme.example"]
    code, out, _ = doctor(data, *config)
    lines = out.splitlines()
    place = next(n for n, line in enumerate(lines) if problems[0]["cause"] in line)
    assert (code, lines[place + 1].strip()) == (1, f"→ {problems[0]['fix']}")
    assert lines[-1] == "1 problem"
    assert "\x1b" not in out, "no colour without a terminal"


@pytest.mark.parametrize("offline", [(), ("--offline",)])
def test_a_back_door_that_could_not_be_tried_is_not_called_well(data, offline):
    """Neither offline nor where the next hop is down does it have a tick; scripts read that it was not tried."""
    config = ("--config", str(data.parent / "config.toml"))
    _, out, _ = doctor(data, *offline, *config)
    assert [line for line in out.splitlines() if line.endswith(" back door")] == ["? back door"]
    _, out, _ = doctor(data, "--json", *offline, *config)
    (check,) = [check for check in json.loads(out)["checks"] if check["check"] == "back door"]
    assert (check["well"], check["tried"]) == (True, False)


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_where_it_cannot_run_is_exit_2(tmp_path, words):
    """No data folder, or one with nothing in it: a sentence and a hint on stderr, and nothing is made."""
    for folder in (tmp_path / "none", tmp_path):
        code, out, err = doctor(folder, *words)
        assert (code, out) == (2, "")
        assert "there is no data in" in err
        assert "--data DIR" in err
    assert not list(tmp_path.iterdir())
