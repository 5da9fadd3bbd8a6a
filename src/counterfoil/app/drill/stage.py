"""The stage: a laboratory, a signer and a gateway as processes of their own, and the data folder they share."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from counterfoil.app.connecting import opened_books
from counterfoil.app.house import Books
from counterfoil.app.state import State, open_state
from counterfoil.config import load
from counterfoil.lab.laboratory import Laboratory
from counterfoil.model.errors import Unavailable

GATEWAY = "gateway.drill.example"
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What the drill plays on. ``smtp`` is the gateway's port."""

    folder: Path
    lab: Laboratory
    state: State
    books: Books
    smtp: int


@contextmanager
def stage(folder: Path, seed: int, dials: dict[str, float]) -> Iterator[Stage]:
    """Set everything up below an empty folder, and take it down at the end.

    Raises:
        Unavailable: If a part does not start.
    """
    data = folder / "data"
    data.mkdir(parents=True)
    with ExitStack() as down:
        lab = down.enter_context(Laboratory(folder / "lab", seed=seed))
        lab.operate("set_settings", **dials)
        config_file = _configure(folder, lab)
        authority = lab.endpoints.login.removeprefix("https://")
        signer = ["signer", "--json", "--data", str(data), "--authority", authority, "--rate", "100000"]
        down.enter_context(_running(signer, folder / "signer.log"))
        _wait_for(data / "signer" / "signer.sock")
        config = load(config_file)
        state = down.enter_context(open_state(data, config, create=True))
        books = down.enter_context(opened_books(data, config, state.ledger))
        log = folder / "gateway.log"
        down.enter_context(_running(["serve", "--config", str(config_file), "--data", str(data)], log))
        yield Stage(folder, lab, state, books, _listening(log))


def _configure(folder: Path, lab: Laboratory) -> Path:
    """Write the configuration. The service makes no heartbeat by itself, for the story makes them at moments it knows.

    One that was under way while the logs are exported would have its stub in the ledger and its row in no export.
    """
    ours = lab.certificate(folder / "certificates", GATEWAY)
    where = lab.endpoints
    text = f"""
[gateway]
listen = "127.0.0.1:0"
hostname = "{GATEWAY}"
tls_certificate = "{ours.certificate}"
tls_key = "{ours.key}"
next_hop_ca = "{where.ca}"
messages_per_minute = 100000

[dns]
enabled = false

[microsoft365]
login = "{where.login}"
graph = "{where.graph}"
management = "{where.manage}"
ca = "{where.ca}"

[evidence]
heartbeat_minutes = 0
pull_minutes = 0
"""
    path = folder / "counterfoil.toml"
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def _running(words: list[str], log: Path) -> Iterator[None]:
    """Run a counterfoil command until the end of the block."""
    with log.open("wb") as out:
        line = [sys.executable, "-m", "counterfoil", *words]
        process = subprocess.Popen(line, stdout=out, stderr=out, start_new_session=True)  # noqa: S603 - our own command
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(path: Path) -> None:
    end = time.monotonic() + SECONDS
    while not path.exists():
        if time.monotonic() > end:
            raise Unavailable("the signer did not start", f"see the log in {path.parents[2]}")
        time.sleep(0.02)


def _listening(log: Path) -> int:
    """Read the port from the gateway's own log."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        lines = [line for line in log.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("}\n")]
        events = [json.loads(line) for line in lines]
        if any(event.get("message") == "ready" for event in events):
            return next(int(event["port"]) for event in events if event.get("message") == "listening")
        time.sleep(0.05)
    raise Unavailable("the gateway did not start", f"see {log}")
