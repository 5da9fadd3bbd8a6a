"""A compromise campaign over many tenants of the laboratory, beside the bound that its calls set, with mail flowing.

The laboratory, the signer and the gateway are processes of their own, and so is ``counterfoil rotate apply``, whose
peak memory is asked of the kernel. Times are read from the campaign's own books, calls from the ledger's stubs.
"""

import argparse
import json
import os
import smtplib
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from counterfoil import clock
from counterfoil.app import connecting
from counterfoil.app.drill.stage import Stage, stage
from counterfoil.app.rotation import AT_ONCE
from counterfoil.credential.campaign import Place
from counterfoil.credential.campaigns import Campaigns
from counterfoil.credential.registry import certificate_of
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store.tenants import Domain, Operator
from counterfoil.model.trust import Connection

SIZES, LARGE = (200,), (1_000,)
LIVES = {"token_life_min": 15.0, "token_life_max": 20.0}
PACE = """
[rotation]
reads = 3
successes = 3
refusals = 3
spacing_seconds = 1
propagation_seconds = 1
longest_token_life_seconds = 20
bake_seconds = 1
"""
MAIL_PAUSE = 0.1
BEFORE = 20.0
CAMPAIGN = "bench"


def run(arguments: argparse.Namespace) -> None:
    """Measure each size once and print one table."""
    print(
        "\n| tenants | all cut over, s | all proven dead, s | all out, s | calls ÷ tenant | bound of the calls, s "
        "| cut over ÷ bound | peak memory of apply, MiB | mail p99 before, ms | during, ms | during ÷ before |"
    )
    print("|---" * 11 + "|")
    for size in (*SIZES, *(LARGE if arguments.large else ())):
        with tempfile.TemporaryDirectory(prefix="counterfoil-bench-") as folder:
            print(f"| {size} | {' | '.join(_measure(Path(folder), size))} |", flush=True)


def _measure(folder: Path, size: int) -> list[str]:
    with stage(folder / "stage", 1, LIVES) as here:
        address = _on_board(here, size)
        config = folder / "rotation.toml"
        config.write_text((folder / "stage" / "counterfoil.toml").read_text() + PACE)
        with _mail(here.smtp, address) as mail:
            time.sleep(BEFORE)
            quiet, since = len(mail.seconds), here.state.ledger.size()
            began = clock.now()
            peak = _apply(here, config)
            during = mail.seconds[quiet:]
        places = Campaigns(here.state.ledger).places(CAMPAIGN)
        calls, busy = _calls(here, since)
        bound = busy / AT_ONCE
        cut = _all(places, began, lambda place: place.switched_at)
        before, now = _p99(mail.seconds[:quiet]), _p99(during)
        figures = [cut, _all(places, began, lambda p: p.dead_at), _all(places, began, lambda p: p.out_at)]
        figures += [calls / size, bound, cut / bound, peak, before * 1000, now * 1000, now / before]
        return [f"{figure:,.1f}" for figure in figures]


def _on_board(here: Stage, size: int) -> str:
    """Take so many tenants on board, each with a control and a mail application; return an address that takes mail."""
    with ThreadPoolExecutor(8) as pool:
        first, *_ = pool.map(lambda number: _one(here, f"tenant-{number}"), range(size))
    by = Operator("bench", clock.now())
    here.state.tenants.add("tenant-0", "Tenant 0", by)
    domain = "tenant-0.example"
    here.lab.operate("add_mailbox", tenant=first, address=f"ada@{domain}")
    hop = NextHop("localhost", here.lab.endpoints.smtp, Tls.VERIFY)
    here.state.tenants.set_domain(Domain(domain, "tenant-0", hop), by)
    return f"ada@{domain}"


def _one(here: Stage, name: str) -> str:
    tenant = here.lab.add_tenant(name, domains=[f"{name}.example"])["id"]
    here.lab.operate("add_connector", tenant=tenant, name="Counterfoil", certificate_name="gateway.drill.example")
    owners: list[str] = []
    for app, roles in (("control", ("Application.ReadWrite.OwnedBy",)), ("mail", ("Mail.ReadWrite",))):
        made = here.lab.add_application(tenant, app, roles=list(roles), owners=owners)
        ids = (tenant, made["app_id"], made["object_id"], made["service_principal"])
        connection = Connection(name, *ids, roles)
        credential = connecting.enter(here.books, connection, "bench", 90, None)
        stem = f"{credential.tenant}/{credential.app}/{credential.generation}"
        pem = connecting.as_pem(certificate_of(here.state.ledger.engine, stem))
        here.lab.operate("admin_add_key", app_id=connection.app, certificate_pem=pem)
        connecting.test(here.books, connection, roles, "bench")
        owners = [made["service_principal"]]
    return str(tenant)


def _apply(here: Stage, config: Path) -> float:
    """Run the campaign as an operator would; return the peak memory of the process in MiB."""
    words = ["rotate", "apply", CAMPAIGN, "--compromise", "--yes", "--json"]
    line = [sys.executable, "-m", "counterfoil", *words, "--data", str(here.folder / "data"), "--config", str(config)]
    out = os.open(here.folder / "apply.json", os.O_WRONLY | os.O_CREAT, 0o600)
    err = os.open(here.folder / "apply.log", os.O_WRONLY | os.O_CREAT, 0o600)
    dup = [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, err, 2)]
    _, status, usage = os.wait4(os.posix_spawn(sys.executable, line, dict(os.environ), file_actions=dup), 0)
    os.close(out)
    os.close(err)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit((here.folder / "apply.log").read_text()[-2000:])
    assert json.loads((here.folder / "apply.json").read_text())
    return usage.ru_maxrss / 1024


@dataclass(slots=True)
class _Mail:
    """Sends one message after the other, and keeps how long each took from MAIL FROM to the answer to DATA."""

    port: int
    address: str
    stop: threading.Event = field(default_factory=threading.Event)
    seconds: list[float] = field(default_factory=list)

    def send(self) -> None:
        number = 0
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
            while not self.stop.wait(MAIL_PAUSE):
                number += 1
                began = time.perf_counter()
                body = f"Subject: {number}\r\nMessage-ID: <{number}@bench.example>\r\n\r\nHello.\r\n"
                client.sendmail("a@bench.example", [self.address], body)
                self.seconds.append(time.perf_counter() - began)


@contextmanager
def _mail(port: int, address: str) -> Iterator[_Mail]:
    made = _Mail(port, address)
    thread = threading.Thread(target=made.send)
    thread.start()
    try:
        yield made
    finally:
        made.stop.set()
        thread.join()


def _calls(here: Stage, since: int) -> tuple[int, float]:
    """Count calls and token requests since an index, and sum the seconds that calls took."""
    begun: dict[str, datetime] = {}
    count, busy = 0, 0.0
    for row in here.state.ledger.stubs(kinds=frozenset({"call", "token", "assertion", "death-test"}), start=since):
        assert row.stub is not None
        body, moment = row.stub.body, row.stub.time
        name = str(body.get("client_request_id") or body.get("jti"))
        if name not in begun:
            begun[name] = moment
            continue
        count += 1
        busy += (moment - begun[name]).total_seconds()
    return count, busy


def _all(places: dict[str, Place], began: datetime, moment: Callable[[Place], datetime | None]) -> float:
    times = [moment(place) for place in places.values()]
    return max((time_ - began).total_seconds() for time_ in times if time_ is not None)


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]
