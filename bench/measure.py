"""Sides measured in turns, so that a busy moment falls on all of them; what is printed are their ratios.

A benchmark asserts nothing: it prints the smallest, the middle and the largest of its repetitions.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Spent:
    """What one repetition did: how many items, in how many seconds, with how many of the processor's."""

    count: float
    seconds: float
    processor: float

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.count / self.seconds

    @property
    def per_core(self) -> float:
        """Items a second of the processor: the rate of one core that does nothing else."""
        return self.count / max(self.processor, 1e-9)


@dataclass(slots=True)
class Side:
    """One of those compared: its name, and one repetition."""

    name: str
    once: Callable[[], Spent]
    spent: list[Spent] = field(default_factory=list)


def in_turns(sides: Sequence[Side], repetitions: int) -> None:
    """Let every side have its turn, again and again; the first round only warms up where there are several."""
    for side in sides:
        side.once()
    for _ in range(repetitions):
        for side in sides:
            side.spent.append(side.once())


def timed(work: Callable[[], float]) -> Spent:
    """Run something in this process that returns how many items it did."""
    processor, began = time.process_time(), time.perf_counter()
    count = work()
    return Spent(count, time.perf_counter() - began, time.process_time() - processor)


def middle(values: Sequence[float]) -> str:
    """Spell the smallest, the middle and the largest."""
    return f"{number(min(values))} / {number(statistics.median(values))} / {number(max(values))}"


def number(value: float) -> str:
    """Spell a number with three figures."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(title: str, sides: Sequence[Side], *, unit: str, per_core: bool = True) -> None:
    """Print one table; the last column is the first side's rate divided by that of each, turn by turn."""
    print(f"\n{title}\n")
    value = (lambda spent: spent.per_core) if per_core else (lambda spent: spent.rate)
    core = f"{unit}/s per core"
    columns = [core, f"{unit}/s by the clock"] if per_core else [f"{unit}/s"]
    print(f"| side | {' | '.join(columns)} | first ÷ this |")
    print("|---" * (len(columns) + 2) + "|")
    for side in sides:
        cells = [middle([value(spent) for spent in side.spent])]
        if per_core:
            cells.append(middle([spent.rate for spent in side.spent]))
        ratios = [value(ours) / value(theirs) for ours, theirs in zip(sides[0].spent, side.spent, strict=True)]
        print(f"| {side.name} | {' | '.join(cells)} | {middle(ratios) if side is not sides[0] else '1'} |")


def machine() -> str:
    """Say on what this was measured, and how busy it was."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?"
    )
    memory = next((int(line.split()[1]) >> 20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{os.cpu_count()} cores ({model}), {memory} GiB, {platform.system()} {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}; load {load}"
    )


def _lines(path: str) -> list[str]:
    place = Path(path)
    return place.read_text().splitlines() if place.exists() else []
