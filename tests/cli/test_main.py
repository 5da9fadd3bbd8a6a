"""The program as a whole: what goes wrong ends in a sentence and 2, never in an answer's exit code."""

from pathlib import Path

import pytest

from counterfoil.__main__ import main
from counterfoil.cli import COMMANDS, scan


@pytest.mark.parametrize(
    "words",
    [
        ["simulate", "/proc/nowhere"],
        ["drill", "--keep", "/proc/nowhere"],
    ],
)
def test_a_place_that_cannot_be_written_is_named(words, capsys):
    """The error names the path and says what to do; the exit code is 2 and nothing is on stdout."""
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "/proc/nowhere" in err
    assert "Traceback" not in err


def test_a_fault_of_ours_is_printed_whole_and_is_no_answer(monkeypatch, capsys):
    """1 means that something was found; an exception is never that."""

    def broken(_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(scan, "run", broken)
    assert main(["scan", "/dev/null"]) == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_drill_needs_the_cast_of_its_story(capsys):
    """Fewer tenants than parts are refused with the parts."""
    assert main(["drill", "--tenants", "2"]) == 2
    assert "at least 6 tenants" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        "tenant list",
        "quarantine list",
        "track",
        "operator list",
        "connection list",
        "credential list",
        "rotate status",
        "incident list",
        "incident reporter list",
        "ledger export",
        "gateway certificate",
        "doctor",
    ],
)
def test_what_only_reads_builds_no_installation(words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """On a folder without data the answer is no empty list but an error that says how one begins; nothing is made."""
    assert main([*words.split(), "--data", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "there is no " in err
    assert "begin there: counterfoil tenant add, or counterfoil serve" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tenant", "list", "--data", ""], "the name of the data folder is empty"),
        (["tenant", "--data", "", "list"], "the name of the data folder is empty"),
        (["tenant", "list"], "the name of the data folder is empty"),
        (["scan", ""], "the name of a file or folder is empty"),
        (["scan", "-"], "standard input is not read: save it as a file"),
    ],
)
def test_an_unset_variable_is_not_this_folder(words, said, tmp_path, monkeypatch, capsys):
    """An empty name, also in COUNTERFOIL_DATA, is refused, for as a path it is the current folder."""
    monkeypatch.setenv("COUNTERFOIL_DATA", "")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", ["serve --check", "tenant list", "ledger verify", "reconcile", "ledger gap --config="]
)
def test_an_empty_configuration_is_not_the_defaults(words: str, monkeypatch, capsys: pytest.CaptureFixture[str]):
    """An empty COUNTERFOIL_CONFIG, or --config, is a shell variable that was not set: refused, never left out."""
    monkeypatch.setenv("COUNTERFOIL_CONFIG", "")
    with pytest.raises(SystemExit, match="2"):
        main(words.split())
    assert "the name of the configuration is empty (--config, else COUNTERFOIL_CONFIG)" in capsys.readouterr().err


def test_the_environment_names_the_configuration(tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]):
    """COUNTERFOIL_CONFIG is what --config says where nobody says it; what is said goes before it."""
    (tmp_path / "wrong.toml").write_text("[gatway]\n")
    (tmp_path / "right.toml").write_text("")
    monkeypatch.setenv("COUNTERFOIL_CONFIG", str(tmp_path / "wrong.toml"))
    assert main(["serve", "--check"]) == 2
    assert "one fault in wrong.toml" in capsys.readouterr().err
    assert main(["serve", "--check", "--config", str(tmp_path / "right.toml")]) == 0


@pytest.mark.parametrize(
    ("words", "usage", "said"),
    [
        ("scan --jsn x", "usage: counterfoil scan ", "unrecognized arguments: --jsn"),
        ("tenant list --jsn", "usage: counterfoil tenant list ", "unrecognized arguments: --jsn"),
        ("--data x tenant list", "usage: counterfoil ", "options after it: counterfoil COMMAND --data"),
    ],
)
def test_an_option_that_is_not_understood(words: str, usage: str, said: str, capsys: pytest.CaptureFixture[str]):
    """The usage above the error is that of the command it was given to; before the command there are no options."""
    with pytest.raises(SystemExit, match="2"):
        main(words.split())
    error = capsys.readouterr().err
    assert error.startswith(usage)
    assert said in error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("track --outcome bogus", "choose from 'handed-on', 'held',"),
        ("track --verdict bogus", "choose from 'clean',"),
        ("operator add alex --all-tenants --role bogus", "choose from 'viewer', 'analyst', 'operator',"),
        ("operator role alex bogus --all-tenants", "choose from 'viewer', 'analyst', 'operator',"),
        ("tenant domain acme acme.test --next-hop mx.test --tls bogus", "choose from 'none',"),
        ("incident notices show july --paper bogus", "choose from 'facts', 'steps')"),
        ("track --since yesterday", "'yesterday' is no time in RFC 3339, such as 2026-10-05T09:00:00Z"),
        ("track --until 2026-10-05", "'2026-10-05' is no time in RFC 3339, such as 2026-10-05T09:00:00Z"),
        ("reconcile --as-of 0001-01-01T00:00:00+23:00", "is no time in RFC 3339, such as 2026-10-05T09:00:00Z"),
    ],
)
def test_a_wrong_word_is_answered_with_right_ones(words: str, said: str, capsys: pytest.CaptureFixture[str]):
    """The choices are those that can be typed, not how the program spells them; a time is shown by example."""
    with pytest.raises(SystemExit, match="2"):
        main(words.split())
    error = capsys.readouterr().err
    assert said in error
    assert "<" not in error.rpartition("error:")[2]


def test_without_a_word_the_commands_are_listed(capsys: pytest.CaptureFixture[str]):
    """It is a mistake, so it exits 2 and the list is no answer on stdout; every command is in it."""
    with pytest.raises(SystemExit, match="2"):
        main([])
    said = capsys.readouterr()
    assert said.out == ""
    listed = {line.split()[0] for line in said.err.splitlines() if line.startswith("    ") and line.strip()}
    assert set(COMMANDS) <= listed


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_its_exit_codes(command: str, capsys: pytest.CaptureFixture[str]):
    """The help of each command documents its exit codes, --json and --data."""
    with pytest.raises(SystemExit, match=r"^0$"):
        main([command, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "Exit codes: " in said
    assert "--json" in said
    assert "--data DIR" in said
