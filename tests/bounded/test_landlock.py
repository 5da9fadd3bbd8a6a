"""Which files stay readable behind Landlock: Python's own, and nothing that is ours or the user's."""

import sys
from pathlib import Path

import counterfoil
from counterfoil.bounded import landlock


def readable(path: Path) -> bool:
    """Say whether a path lies below one of those that stay readable."""
    return any(path.is_relative_to(place) for place in landlock.library_paths())


def test_the_library_and_the_package_stay_readable():
    """Modules of the standard library, of installed packages and of our own can still be imported."""
    import email.parser

    import dns.resolver

    for module in (email.parser, dns.resolver, counterfoil):
        assert readable(Path(module.__file__).resolve())


def test_the_working_directory_does_not(tmp_path, monkeypatch):
    """A search path that holds the working directory, with our state in it, opens nothing there."""
    packages = tmp_path / "lib" / "site-packages"
    packages.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), str(packages), *sys.path])

    assert not readable(tmp_path / "counterfoil-data" / "counterfoil.db")
    assert readable(packages / "module.py")


def test_secrets_of_the_system_and_of_users_do_not():
    """No place where keys and passwords lie is below a library."""
    for place in (
        "/etc/shadow",
        "/etc/passwd",
        "/home/b/.ssh/id_ed25519",
        "/home/a/.aws/credentials",
        "/proc/1/environ",
    ):
        assert not readable(Path(place))
