"""``counterfoil lab``: run the laboratory Microsoft 365 on loopback until it is ended by SIGTERM or SIGINT.

Exit codes: 0 stopped when asked to; 2 it could not start, and the message says why.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from counterfoil.cli.output import answer_json, answer_text
from counterfoil.lab.laboratory import Laboratory

_PORTS = ("login", "graph", "manage", "admin", "smtp", "blob")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "State lives in DATA/lab and survives a restart, ports included. With --json one document with the endpoints "
        "is printed when every port answers. Exit codes: 0 stopped when asked to; 2 it could not start."
    )
    parser.add_argument("--seed", type=int, metavar="N", help="make chance repeatable")
    parser.add_argument("--port", type=int, metavar="N", help=f"use N to N+{len(_PORTS) - 1} instead of free ports")
    parser.add_argument("--export", type=Path, metavar="DIR", help="write all logs to DIR when it is stopped")


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    wished = {name: arguments.port + at for at, name in enumerate(_PORTS)} if arguments.port else None
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Laboratory(arguments.data / "lab", seed=arguments.seed, ports=wished) as laboratory:
        _tell(laboratory, as_json=arguments.json)
        sys.stdout.flush()  # who waits for it in a file or a pipe is not to wait until we stop
        stop.wait()
        if arguments.export:
            laboratory.export(arguments.export)
    return 0


def _tell(laboratory: Laboratory, *, as_json: bool) -> None:
    places = laboratory.endpoints
    document: dict[str, Any] = {name: getattr(places, name) for name in _PORTS} | {"ca": str(places.ca)}
    if as_json:
        answer_json(document)
        return
    lines = [
        f"login.microsoftonline.com  {places.login}",
        f"graph.microsoft.com        {places.graph}",
        f"manage.office.com          {places.manage}",
        f"blob.core.windows.net      {places.blob}",
        f"mail for tenants (SMTP)    127.0.0.1:{places.smtp}",
        f"seed and steer             {places.admin}/lab/",
        f"trust this authority       {places.ca}",
    ]
    answer_text("\n".join(lines))
