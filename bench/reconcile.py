"""The whole way from raw exports to verdict, beside DuckDB alone reading the same files into Parquet.

The first size is what ``counterfoil simulate`` writes: every shape and packing of the field, in many small files.
The others are one shape (bench.exports), because a simulation of millions takes an hour. Each side is a process of
its own, and its peak memory is that of the largest process. Ours does besides: it normalises every id, writes
the rows, folds copies, matches, proves coverage hour by hour, and gives the verdict.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from bench import exports
from bench.measure import Spent, middle, number
from bench.places import descendants, folder, peak_memory

SIMULATED = ["--tenants", "40", "--days", "1", "--calls", "100000", "--seed", "1", "--faults", "none"]
MADE = ((1_000_000, 200),)
LARGE = ((10_000_000, 2_000), (30_000_000, 2_000))
STUBS_ALONE = 10_000_000


def run(arguments: argparse.Namespace) -> None:
    """Measure each size, and the join alone."""
    print(
        "\n| data | ours, s | DuckDB alone, s | ours ÷ DuckDB | processor ours, s | DuckDB, s | ours ÷ DuckDB", end=""
    )
    print(" | peak memory ours, MiB | DuckDB, MiB | answer |")
    print("|---" * 10 + "|")
    with folder() as place:
        _simulated(place)
        _size("100 thousand calls, 40 tenants, mixed shapes", place, min(arguments.repetitions, 3))
    for calls, tenants in MADE + (LARGE if arguments.large else ()):
        with folder() as place:
            exports.write(place, calls, tenants)
            times = min(arguments.repetitions, 3) if calls <= 1_000_000 else 1
            _size(f"{calls // 1_000_000} million calls, {tenants} tenants, NDJSON", place, times)
    _joined(arguments.large)


def _simulated(place: Path) -> None:
    command = [sys.executable, "-m", "counterfoil", "simulate", str(place / "case"), *SIMULATED]
    subprocess.run(command, check=True, capture_output=True)
    for piece in (place / "case").iterdir():
        piece.rename(place / piece.name)


def _size(title: str, place: Path, times: int) -> None:
    octets = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    ours, theirs, memory, answer = [], [], [0, 0], ""
    for turn in range(times):
        spent, peak, said = _process(
            ["-m", "counterfoil", "reconcile", "--json", "--stubs", f"{place}/stubs.jsonl", "--logs", f"{place}/logs"]
        )
        summary = json.loads(said)["summary"]
        answer = ", ".join(f"{summary[name]} {name}" for name in ("clean", "touched", "cannot_say"))
        ours.append(spent)
        memory[0] = max(memory[0], peak)
        out = place / f"out{turn}"
        out.mkdir()
        spent, peak, _ = _process(["-m", "bench.by_duckdb", "read", str(place), str(out)])
        shutil.rmtree(out)
        theirs.append(spent)
        memory[1] = max(memory[1], peak)
    cells = []
    for what in ("seconds", "processor"):
        both = [[getattr(spent, what) for spent in side] for side in (ours, theirs)]
        ratios = [one / other for one, other in zip(*both, strict=True)]
        cells += [middle(both[0]), middle(both[1]), middle(ratios)]
    print(
        f"| {title}, {octets >> 20} MiB | {' | '.join(cells)} | {memory[0] >> 20} | {memory[1] >> 20} | {answer} |",
        flush=True,
    )


def _process(words: list[str]) -> tuple[Spent, int, str]:
    """Run Python with these words; return what it spent, octets of its largest process at its peak, and its words."""
    began, used = time.perf_counter(), _used()
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    peak: Callable[[], int] = _watcher(process.pid)
    out = b""
    largest = 0
    os.set_blocking(process.stdout.fileno(), False)
    while process.poll() is None:
        largest = max(largest, peak())
        out += process.stdout.read() or b""
        time.sleep(0.02)
    spent = Spent(1, time.perf_counter() - began, _used() - used)
    out += process.stdout.read() or b""
    said = process.stderr.read().decode(errors="replace")
    process.stdout.close()
    process.stderr.close()
    if process.returncode not in (0, 1, 3) or not (out or "bench" in words[1]):
        raise RuntimeError(f"{' '.join(words[:3])} ended with {process.returncode}: {said[-600:]}")
    return spent, largest, out.decode()


def _used() -> float:
    """Seconds of the processor that ended processes below this one have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watcher(pid: int) -> Callable[[], int]:
    return lambda: max((peak_memory(each) for each in (pid, *descendants(pid))), default=0)


def _joined(large: bool) -> None:
    """The join alone: stubs and rows lie in Parquet already, shuffled; one row has no stub."""
    count = STUBS_ALONE * 3 if large else STUBS_ALONE
    with folder() as place:
        with duckdb.connect(":memory:", config={"preserve_insertion_order": "false"}) as base:
            base.execute(f"SET temp_directory = '{place}'")
            key = "md5('t' || i % 2000) AS tenant, md5('u' || i % 2000 || ' ' || i // 400000) AS uti"
            key += ", md5('c' || i) AS crid"
            for name, more in (("calls", ""), ("uses", " UNION ALL SELECT md5('t0'), md5('u0 0'), 'replayed'")):
                rows = f"SELECT {key} FROM range({count}) AS r(i){more}"
                base.execute(f"COPY (SELECT * FROM ({rows}) ORDER BY hash(crid, '{name}')) TO '{place}/{name}.parquet'")
        spent, peak, said = _process(
            ["-m", "bench.by_duckdb", "match", f"{place}/calls.parquet", f"{place}/uses.parquet"]
        )
    print(
        f"\nThe join alone, {count:,} calls against {count:,} stubs in Parquet, both ways: {number(spent.seconds)} s "
        f"({number(spent.processor)} of the processor), "
        f"peak {peak >> 20} MiB, {said.strip()}"
    )
