"""``counterfoil reconcile``: set our stubs against tenants' logs, offline too.

Exit: 2 no answer could be made; else 1 somebody was touched; else 3 of somebody nobody can say; else 0.
"""

import argparse
import contextlib
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from counterfoil.app.left_behind import listed
from counterfoil.app.standing import Standings
from counterfoil.cli.opening import opened_ledger
from counterfoil.cli.output import answer_json, answer_lines, columns, visible
from counterfoil.cli.parser import add_config
from counterfoil.cli.pulled import pulled_logs
from counterfoil.cli.reconcile_export import export
from counterfoil.cli.reconcile_news import News, news_of
from counterfoil.cli.search import time
from counterfoil.evidence.answer import exit_code
from counterfoil.evidence.changes import change_lines
from counterfoil.evidence.collect import readers
from counterfoil.evidence.report import report
from counterfoil.evidence.stubs import Books, read_objects, read_stubs
from counterfoil.evidence.typed.books import WORTHWHILE, read_large
from counterfoil.evidence.words import summary_lines
from counterfoil.flows.reconcile import Answer, reconcile, window_of
from counterfoil.ledger.exchange import document
from counterfoil.model.errors import CounterfoilError, Misconfigured, Refused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``counterfoil reconcile``."""
    add_inputs(parser)
    parser.add_argument(
        "--export", type=Path, metavar="DIR", help="also write a folder for each tenant, for that tenant"
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="ANSWER",
        help="also say what changed since this --json answer (else since the last)",
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="also write a report with a timeline, as HTML")


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Declare where stubs and logs are, and which window is asked about."""
    parser.epilog = (
        "Exit codes: 2 no answer could be made; else 1 somebody was touched; else 3 somebody cannot be judged; else 0."
    )
    books = parser.add_mutually_exclusive_group()
    books.add_argument("--stubs", type=Path, metavar="FILE", help="stubs in the exchange form, one JSON object a line")
    books.add_argument("--ledger", type=Path, metavar="DIR", help="state of a Counterfoil installation (else --data)")
    parser.add_argument(
        "--logs", type=Path, nargs="+", metavar="PATH", help="exports, or folders of them (else what was pulled)"
    )
    add_config(parser)
    parser.add_argument("--since", type=time, metavar="T", help="start of the window (else the hour of the first stub)")
    parser.add_argument(
        "--until", type=time, metavar="T", help="end of the window (else after the hour of the last stub)"
    )
    parser.add_argument("--as-of", type=time, metavar="T", help="when the logs were taken (else the end of the window)")
    parser.add_argument(
        "--shelf", type=Path, metavar="DIR", help="keep rows here as Parquet, and use those kept before"
    )


def run(arguments: argparse.Namespace) -> int:
    """Reconcile, print the answer, and say it in the exit code."""
    if arguments.report is not None and not arguments.report.parent.is_dir():
        raise Misconfigured(f"there is no folder for the report: {arguments.report.parent}", "make it first")
    with made(arguments) as answer:
        return 2 if answer is None else _tell(answer, arguments)


def _tell(answer: Answer, arguments: argparse.Namespace) -> int:
    news = news_of(answer, arguments)
    if arguments.export is not None:
        export(answer, arguments)
    if arguments.json:
        answer_json(answer.document if news is None else {**answer.document, **news.document()})
        faults(answer)
    else:
        window = answer.window
        answer_lines(summary_lines(answer.document, answer.files, window.since, window.until, columns()))
        if news is not None:
            answer_lines(change_lines(news.changes, news.words, columns()))
    if arguments.report is not None:
        write_report(answer, arguments.report, news)
    return exit_code(answer.document)


@contextlib.contextmanager
def made(arguments: argparse.Namespace) -> Iterator[Answer | None]:
    """Read the stubs and the logs, and reconcile them; yields ``None`` after a fault of our own, which is printed.

    Python would end with 1 then, and 1 means that somebody was touched.

    Raises:
        Misconfigured: If a path is not there.
    """
    logs = arguments.logs or pulled_logs(arguments)
    for path in logs:
        if not path.exists():
            raise Misconfigured(f"there is no such file or folder: {path}", "give --logs what was exported")
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as folder, readers() as pool:
        books = _books(arguments, Path(folder))
        for words in books.misread.told():
            sys.stderr.write(f"counterfoil: {visible(words)}\n")
        window = window_of(books, arguments.since, arguments.until, arguments.as_of)
        if not books.tenants:
            raise Refused("the stubs name no tenant: nothing can be told from that", "give the stubs of who uses it")
        try:
            answer: Answer | None = reconcile(
                books,
                logs,
                window,
                Path(folder),
                pool=pool,
                shelf=arguments.shelf,
                progress=_progress,
                listed=listed(Standings(arguments.ledger or arguments.data)) if arguments.stubs is None else {},
            )
        except CounterfoilError:
            raise
        except Exception:  # noqa: BLE001 - printed whole; the exit code has to say "no answer"
            traceback.print_exc()
            answer = None
        _progress_ends()
        yield answer


def _books(arguments: argparse.Namespace, folder: Path) -> Books:
    if arguments.stubs is None:
        return _ledger(arguments)
    try:
        if arguments.stubs.stat().st_size >= WORTHWHILE and (books := read_large(arguments.stubs, folder)) is not None:
            return books
        with arguments.stubs.open(encoding="utf-8-sig") as lines:
            return read_stubs(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the stubs cannot be read: {error}", "give --stubs a file of UTF-8 JSON lines") from error


def _ledger(arguments: argparse.Namespace) -> Books:
    """Read the stubs of an installation; its credentials say of which tenants they are."""
    named = argparse.Namespace(data=arguments.ledger or arguments.data, config=arguments.config)
    with opened_ledger(named) as ledger:
        return read_objects(enumerate(map(document, ledger.exported()), 1))


def write_report(answer: Answer, path: Path, news: News | None) -> None:
    """Write the HTML report."""
    since, until = answer.window.since, answer.window.until
    changed = [] if news is None else news.changes
    words = "" if news is None else news.words
    page = report(answer.tenants, answer.document, answer.files, since, until, changes=changed, compared=words)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Misconfigured(
            f"the report cannot be written: {error}", "give --report a file in a folder of yours"
        ) from error


def faults(answer: Answer) -> None:
    """Say on stderr which files lost something, so that a script's reader sees it too."""
    for reading in answer.files:
        for fault in reading.faults[:3]:
            sys.stderr.write(f"counterfoil: {visible(reading.name)}: {visible(fault)}\n")


def _progress_ends() -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{'':<68}\r")
        sys.stderr.flush()


def _progress(name: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rreading {visible(name)[-60:]:<60}")
        sys.stderr.flush()
