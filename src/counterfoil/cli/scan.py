"""``counterfoil scan``: look into messages and files, and say what is wrong with them.

Exit code: 2 if something could not be read or done; else 1 if something was found (suspicious, malicious
or uninspectable); else 0.
"""

import argparse
import asyncio
import os
import sys
import time
import tomllib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from counterfoil import clock
from counterfoil.bounded.pool import Bounds, Died, Exceeded, Pool
from counterfoil.cli.output import answer_json, fail, stderr
from counterfoil.cli.scan_extract import extract, prepare
from counterfoil.cli.scan_input import Item, files, items
from counterfoil.cli.scan_report import Row, document, print_table, row
from counterfoil.gateway.resolver import Network, NotAsked, Rationed
from counterfoil.model.errors import CounterfoilError, Misconfigured, Unavailable
from counterfoil.model.mail import Decision, Scan, Verdict
from counterfoil.scan import policy_document
from counterfoil.scan.policy import DEFAULT_POLICY, Policy
from counterfoil.scan.scanner import WORK, Scanner
from counterfoil.scan.verdict import REASONS, decide

AHEAD = 2
"""Messages a worker that are read while others are scanned."""

Scanned = tuple[Item, Scan, float]
"""What was scanned, what was found, and the milliseconds it took."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``counterfoil scan``."""
    parser.epilog = (
        "Exit codes: 2 something could not be read or done; else 1 something was found (suspicious, malicious or"
        " uninspectable); else 0. With --json one JSON object a message, on a line of its own."
    )
    parser.add_argument(
        "paths",
        nargs="+",
        type=_named,
        metavar="PATH",
        help="a message, a folder, an mbox, a Maildir, or a bare file (taken as an attachment)",
    )
    parser.add_argument("--jobs", type=_natural, metavar="N", default=None, help="workers (default: one a processor)")
    parser.add_argument("--extract", type=Path, metavar="DIR", help="write every distinct part to DIR/<sha256>")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="a tenant's policy in TOML")
    parser.add_argument("--dns", action="store_true", help="ask the DNS for SPF, DKIM, DMARC and ARC")


def run(arguments: argparse.Namespace) -> int:
    """Scan every path, print what was found, and return the exit code."""
    policy = read_policy(arguments.policy)
    if arguments.extract:
        prepare(arguments.extract)
    return asyncio.run(_Run(arguments, policy).scan())


def read_policy(path: Path | None) -> Policy:
    """Read a policy from a TOML file, or take the default.

    Raises:
        Misconfigured: If the file cannot be read, is no TOML, or says something that no policy may say.
    """
    if path is None:
        return DEFAULT_POLICY
    try:
        text = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(
            f"the policy {path} cannot be read: {error.strerror}", "give --policy a TOML file"
        ) from error
    except ValueError as error:
        raise Misconfigured(f"the policy {path} is no TOML: {error}", "mend the line that is named") from error
    return policy_document.read(text, REASONS)


class _Run:
    """One run of the command: what was asked for, and what came of it so far."""

    def __init__(self, arguments: argparse.Namespace, policy: Policy) -> None:
        self._arguments = arguments
        self._policy = policy
        self._jobs: int = arguments.jobs or len(os.sched_getaffinity(0))
        self._turn = asyncio.Semaphore(self._jobs)
        self._rows: list[Row] = []
        self._failed = False
        self._found = False

    async def scan(self) -> int:
        """Scan, print and return the exit code."""
        network = Network() if self._arguments.dns else NotAsked()
        found = list(self._files())
        async with Pool(WORK, self._jobs, Bounds()) as pool:
            try:
                await pool.ready()
            except (Died, Exceeded) as error:
                raise Unavailable(f"no worker can be started: {error}", "run counterfoil doctor") from error
            scanner = Scanner(pool, lambda: Rationed(network).answer)
            with _progress(len(found)) as advance:
                await self._all(scanner, found, advance)
        if not self._arguments.json:
            print_table(self._rows)
        return 2 if self._failed else 1 if self._found else 0

    async def _all(self, scanner: Scanner, found: list[tuple[Path, bool]], advance: Callable[[], None]) -> None:
        """Keep every worker busy, and answer in the order of what was given."""
        waiting: deque[asyncio.Task[Scanned]] = deque()
        for path, of_maildir in found:
            for item in self._read(path, message=of_maildir):
                waiting.append(asyncio.create_task(self._timed(scanner, item)))
                if len(waiting) >= self._jobs * AHEAD:
                    self._answer(*await waiting.popleft())
            advance()
        while waiting:
            self._answer(*await waiting.popleft())

    def _files(self) -> Iterator[tuple[Path, bool]]:
        for path in self._arguments.paths:
            yield from files(path, self._unreadable)

    def _read(self, path: Path, *, message: bool) -> Iterator[Item]:
        try:
            yield from items(path, message=message)
        except OSError as error:
            self._unreadable(path, error)
        except Unavailable as error:
            self._complain(error)

    def _answer(self, item: Item, scan: Scan, elapsed_ms: float) -> None:
        decision: Decision = decide(scan, None, self._policy, clock.now())
        self._found |= decision.verdict is not Verdict.CLEAN
        if self._arguments.extract:
            extract(scan, self._arguments.extract)
        if self._arguments.json:
            answer_json(document(item, scan, decision, elapsed_ms))
        else:
            self._rows.append(row(item, scan, decision, elapsed_ms))

    async def _timed(self, scanner: Scanner, item: Item) -> Scanned:
        async with self._turn:  # so that waiting for a worker is not taken for work
            began = time.perf_counter()
            if item.file_name is None:
                scan = await scanner.scan(item.raw, None)
            else:
                scan = await scanner.scan_file(item.raw, item.file_name)
            return item, scan, round((time.perf_counter() - began) * 1000, 3)

    def _unreadable(self, path: Path, error: OSError) -> None:
        self._complain(Unavailable(f"{path} cannot be read: {error.strerror}"))

    def _complain(self, error: CounterfoilError) -> None:
        self._failed = True
        fail(error)


def _progress(total: int) -> AbstractContextManager[Callable[[], None]]:
    """Show a bar on stderr where that is a terminal; what is entered advances it by one file."""
    if not sys.stderr.isatty() or total == 1:
        return nullcontext(lambda: None)
    return _Bar(total)


class _Bar(AbstractContextManager[Callable[[], None]]):
    def __init__(self, total: int) -> None:
        columns = (TextColumn("scanning"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        # Rich would draw what goes to stdout on the terminal too, above its bar, and never pass it on.
        self._progress = Progress(*columns, console=stderr, transient=True, redirect_stdout=False)
        self._task = self._progress.add_task("scanning", total=total)

    def __enter__(self) -> Callable[[], None]:
        self._progress.start()
        return lambda: self._progress.advance(self._task)

    def __exit__(self, *_exception: object) -> None:
        self._progress.stop()


def _named(text: str) -> Path:
    """Read a PATH; a shell variable that is not set must not mean the folder we are in."""
    if text in {"", "-"}:
        why = "standard input is not read: save it as a file" if text else "the name of a file or folder is empty"
        raise argparse.ArgumentTypeError(why)
    return Path(text)


def _natural(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of workers, such as 2")
    return int(text)
