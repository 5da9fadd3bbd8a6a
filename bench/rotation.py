"""A compromise campaign over many tenants of the laboratory, beside the bound that its calls set, with mail flowing.

The laboratory runs in this process, which does nothing else meanwhile. The signer, the gateway, the sender of mail, the
next hop (smtp-sink: in real life that is not Microsoft's token service either) and ``counterfoil rotate apply`` are
processes of their own. Times are read from the campaign's own books, calls from the ledger's stubs, and who used the
processors is asked of the kernel.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.peers.mail import sink
from bench.places import descendants, processor_seconds
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
BEFORE = 30.0
CAMPAIGN = "bench"
ADDRESS = "ada@tenant-0.example"


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of ``rotate apply``: when it ran (monotonic), peak memory in MiB, processor seconds by process."""

    began: float
    ended: float
    peak: float
    spent: dict[str, float]


def run(arguments: argparse.Namespace) -> None:
    """Measure each size once and print two tables."""
    processors: list[str] = []
    print(
        "\n| tenants | all cut over, s | all proven dead, s | all out, s | calls ÷ tenant | bound of the calls, s "
        "| cut over ÷ bound | peak memory of apply, MiB | mail p50, p99 before, ms | during, ms | p99 during ÷ before |"
    )
    print("|---" * 11 + "|")
    for size in (*SIZES, *(LARGE if arguments.large else ())):
        with tempfile.TemporaryDirectory(prefix="counterfoil-bench-") as folder:
            figures, spent = _measure(Path(folder), size)
            print(f"| {size} | {' | '.join(figures)} |", flush=True)
            processors.append(f"| {size} | {' | '.join(spent)} |")
    print("\n| tenants | processor seconds: laboratory | rotate apply | signer | gateway | all ÷ (processors × time) |")
    print("|---" * 6 + "|")
    print("\n".join(processors), flush=True)


def _measure(folder: Path, size: int) -> tuple[list[str], list[str]]:
    with stage(folder / "stage", 1, LIVES) as here, sink() as end:
        _on_board(here, size, end.port)
        config = folder / "rotation.toml"
        config.write_text((folder / "stage" / "counterfoil.toml").read_text() + PACE)
        with _mail(here.smtp, folder / "mail") as sent:
            time.sleep(BEFORE)
            since, opened = here.state.ledger.size(), clock.now()
            applied = _apply(here, config)
        places = Campaigns(here.state.ledger).places(CAMPAIGN)
        calls, busy = _calls(here, since)
        bound = busy / AT_ONCE
        cut = _all(places, opened, lambda place: place.switched_at)
        figures = [cut, _all(places, opened, lambda p: p.dead_at), _all(places, opened, lambda p: p.out_at)]
        figures += [calls / size, bound, cut / bound, applied.peak]
        before = [seconds for began, seconds in sent if began < applied.began]
        during = [seconds for began, seconds in sent if applied.began <= began < applied.ended]
        mail = [f"{_ms(before, 50)}, {_ms(before, 99)}", f"{_ms(during, 50)}, {_ms(during, 99)}"]
        worse = f"{_ms(during, 99) / _ms(before, 99):,.1f}"
        ours = os.cpu_count() or 1
        share = sum(applied.spent.values()) / ((applied.ended - applied.began) * ours)
        spent = [f"{seconds:,.0f}" for seconds in applied.spent.values()]
        return [*(f"{figure:,.1f}" for figure in figures), *mail, worse], [*spent, f"{share:.0%}"]


def _on_board(here: Stage, size: int, next_hop: int) -> None:
    """Take so many tenants on board, each with a control and a mail application; mail is for the first."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: _one(here, f"tenant-{number}"), range(size)))
    by = Operator("bench", clock.now())
    here.state.tenants.add("tenant-0", "Tenant 0", by)
    here.state.tenants.set_domain(
        Domain(ADDRESS.partition("@")[2], "tenant-0", NextHop("127.0.0.1", next_hop, Tls.NONE)), by
    )


def _one(here: Stage, name: str) -> None:
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


def _apply(here: Stage, config: Path) -> Applied:
    """Run the campaign as an operator would."""
    words = ["rotate", "apply", CAMPAIGN, "--compromise", "--yes", "--json"]
    line = [sys.executable, "-m", "counterfoil", *words, "--data", str(here.folder / "data"), "--config", str(config)]
    out = os.open(here.folder / "apply.json", os.O_WRONLY | os.O_CREAT, 0o600)
    err = os.open(here.folder / "apply.log", os.O_WRONLY | os.O_CREAT, 0o600)
    dup = [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, err, 2)]
    before, began = _spent(), time.monotonic()
    _, status, usage = os.wait4(os.posix_spawn(sys.executable, line, dict(os.environ), file_actions=dup), 0)
    ended, after = time.monotonic(), _spent()
    os.close(out)
    os.close(err)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit((here.folder / "apply.log").read_text()[-2000:])
    assert json.loads((here.folder / "apply.json").read_text())
    used = {name: after[name] - before[name] for name in after}
    spent = {"laboratory": used["laboratory"], "apply": usage.ru_utime + usage.ru_stime}
    spent |= {"signer": used["signer"], "gateway": used["gateway"]}
    return Applied(began, ended, usage.ru_maxrss / 1024, spent)


def _spent() -> dict[str, float]:
    """Processor seconds so far: of this process, which is the laboratory, and of the signer and the gateway."""
    spent = {"laboratory": time.process_time()}
    for pid in descendants(os.getpid()):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        for verb, name in ((b"signer", "signer"), (b"serve", "gateway")):
            if words[1:4] == [b"-m", b"counterfoil", verb]:
                spent[name] = processor_seconds(pid)
    return spent


@contextmanager
def _mail(port: int, log: Path) -> Iterator[list[tuple[float, float]]]:
    """Send mail while the block runs; afterwards the list says when each message was begun and what it took."""
    sent: list[tuple[float, float]] = []
    with log.open("wb") as out:
        line = [sys.executable, "-m", "bench.post", str(port), ADDRESS]
        sender = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=out)
    assert sender.stdin is not None
    try:
        yield sent
    finally:
        sender.stdin.close()
        if sender.wait(90) != 0:
            raise SystemExit("mail was not taken")
        sent += [(began, seconds) for began, seconds in map(json.loads, log.read_text().splitlines())]


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


def _ms(seconds: list[float], percent: int) -> int:
    """Return a percentile in milliseconds."""
    return round(statistics.quantiles(seconds, n=100)[percent - 1] * 1000)
