"""The scan beside Rspamd and SpamAssassin on the same mail, and beside olevba on the same Office files.

One worker each, two messages under way at once. "Per core" counts seconds of the processor: of the worker, or for
ours behind the bounded pool of the worker and of the parent, which packs, unpacks and checks what comes back.
Nobody asks the DNS: our scan asks its questions and is told each time that there is no answer now, Rspamd and
SpamAssassin have what would ask switched off.
"""

import argparse
import asyncio
import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path

from bench import mails
from bench.measure import Side, Spent, in_turns, middle, number, table, timed
from bench.peers.rspamd import rspamd
from bench.peers.spamd import spamd
from bench.places import NotHere, corpus, processor_seconds
from counterfoil.bounded.pool import Pool
from counterfoil.model.dns import Answer, Asking, Status
from counterfoil.model.mail import Envelope, Scan
from counterfoil.scan import wire
from counterfoil.scan.message import examine, examine_file
from counterfoil.scan.scanner import WORK

UNDER_WAY = 2
ENVELOPE = Envelope("anna@example.org", ("bob@example.net",), "192.0.2.1", "mail.example.org")
LOCKED = "locked"
CONTAINERS = (b"PK", b"\xd0\xcf\x11\xe0")
SECONDS = 0.7
"""About how long one repetition of ours and of Rspamd shall take; SpamAssassin sees each message once."""


def run(arguments: argparse.Namespace) -> None:
    """Measure mail, then Office files."""
    groups = {
        "ordinary mail (corpora/clean)": _corpus_mail(),
        "text, 5.7 KB": mails.several(mails.text, 5_700, 20),
        "HTML with links, 57 KB": mails.several(mails.page, 57_000, 10),
        "with an attachment, 1 MB": mails.several(mails.attachment, 1 << 20, 6),
    }
    with contextlib.ExitStack() as stack:
        loop = stack.enter_context(asyncio.Runner())
        pool = stack.enter_context(Pool(WORK, 1))
        loop.run(_ready(pool))
        servers = {}
        for name, start in (("Rspamd, 1 worker", rspamd), ("SpamAssassin -L, 1 child", spamd)):
            try:
                servers[name] = stack.enter_context(start())
            except NotHere as what:
                print(f"\nnot here: {what}")
        for title, raws in groups.items():
            if not raws:
                continue
            times = _times(raws)
            sides = [
                Side("counterfoil, in process", lambda raws=raws, times=times: timed(lambda: _direct(raws, times)))
            ]
            sides.append(Side("counterfoil, bounded worker", lambda r=raws, t=times: _pooled(loop, pool, r * t)))
            for name, server in servers.items():
                repeated = times if name.startswith("Rspamd") else 1
                sides.append(
                    Side(name, lambda r=raws * repeated, s=server: _served(loop, s.scan(r, UNDER_WAY), s.processor))
                )
            in_turns(sides, arguments.repetitions)
            table(f"{title}: {len(raws)} messages", sides, unit="messages")
    _office(arguments.repetitions)


def _corpus_mail() -> list[bytes]:
    try:
        return [path.read_bytes() for path in corpus("clean")]
    except NotHere as what:
        print(f"\nnot here: {what}")
        return []


def _drive(examination: Asking[Scan]) -> Scan:
    try:
        questions = next(examination)
        while True:
            questions = examination.send(tuple(Answer(Status.TEMPORARY) for _ in questions))
    except StopIteration as done:
        return done.value


async def _ready(pool: Pool) -> None:
    await pool.ready()


def _direct(raws: Sequence[bytes], times: int) -> int:
    for _ in range(times):
        for raw in raws:
            _drive(examine(raw, ENVELOPE))
    return len(raws) * times


def _times(raws: Sequence[bytes]) -> int:
    """How often ours must see them all for a repetition to last long enough to be measured."""
    began = time.process_time()
    _direct(raws, 1)
    return max(1, round(SECONDS / max(time.process_time() - began, 1e-4)))


async def _answer(question: bytes) -> bytes:
    return wire.from_answers(tuple(Answer(Status.TEMPORARY) for _ in wire.to_questions(question)))


def _pooled(loop: asyncio.Runner, pool: Pool, raws: Sequence[bytes]) -> Spent:
    """Send all through the pool as the gateway does; its worker and this process are what it costs."""
    pid = pool.pids()[0]

    async def client(waiting: Iterator[bytes]) -> int:
        count = 0
        for raw in waiting:
            wire.to_scan(await pool.run(wire.from_request(raw, ENVELOPE), _answer))
            count += 1
        return count

    async def all_of_them() -> int:
        waiting = iter(raws)
        return sum(await asyncio.gather(*(client(waiting) for _ in range(UNDER_WAY))))

    before = processor_seconds(pid)
    spent = timed(lambda: loop.run(all_of_them()))
    return Spent(spent.count, spent.seconds, spent.processor + processor_seconds(pid) - before)


def _served(loop: asyncio.Runner, work: Coroutine[None, None, int], processor: Callable[[], float]) -> Spent:
    before, began = processor(), time.perf_counter()
    count = loop.run(work)
    return Spent(count, time.perf_counter() - began, processor() - before)


def _office(repetitions: int) -> None:
    """Compare file by file; what olevba cannot open at all is left out on both sides, and said."""
    try:
        from oletools import crypto, olevba  # noqa: PLC0415 - an oracle of the tests, which need not be here
    except ImportError:
        raise NotHere("oletools") from None
    files = {path: path.read_bytes() for path in corpus("office")}
    taken: dict[Path, list[tuple[float, float]]] = {}
    groups: dict[str, list[Path]] = {}
    for path, data in files.items():
        group = _olevba(olevba, crypto, path, data)
        if not group:
            continue
        _ours(path, data)
        turns = min(repetitions, 3) if group == LOCKED else repetitions
        taken[path] = [
            (_seconds(_ours, path, data), _seconds(_olevba, olevba, crypto, path, data)) for _ in range(turns)
        ]
        groups.setdefault(group, []).append(path)
    print(f"\nOffice files (corpora/office): {len(taken)} of {len(files)}, those that olevba can open\n")
    print("| files | ours, ms a file | olevba, ms a file | olevba's time ÷ ours, in all | file by file |")
    print("|---|---|---|---|---|")
    for group, chosen in (*sorted(groups.items()), ("all", list(taken))):
        ours = sum(statistics.median(turn[0] for turn in taken[path]) for path in chosen)
        theirs = sum(statistics.median(turn[1] for turn in taken[path]) for path in chosen)
        ratios = [statistics.median(b / a for a, b in taken[path]) for path in chosen]
        print(
            f"| {len(chosen)} {group} | {number(1000 * ours / len(chosen))} | {number(1000 * theirs / len(chosen))} | "
            f"{number(theirs / ours)} | {middle(ratios)} |"
        )


def _ours(path: Path, data: bytes) -> Scan:
    return _drive(examine_file(path.name, data))


def _seconds(work: Callable[..., object], *arguments: object) -> float:
    began = time.process_time()
    work(*arguments)
    return time.process_time() - began


def _olevba(olevba, crypto, path: Path, data: bytes) -> str:  # noqa: ANN001 - modules without types
    """Do what olevba's own ``process_file`` does, without printing; say which group the file is of, or ``""``."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            parser = olevba.VBA_Parser(str(path), data=data)
        except olevba.FileOpenError:
            return ""
        group = "without macros"
        try:
            if parser.detect_vba_macros() or parser.detect_xlm_macros():
                group = "with macros" if data.startswith(CONTAINERS) else "of text, which olevba takes for VBA source"
                parser.analyze_macros(show_decoded_strings=False, deobfuscate=False)
        except Exception:  # noqa: BLE001 - it gave up; what it took until then is what it took
            pass
        parser.close()
        if crypto.is_encrypted(str(path)):
            group = LOCKED
            with contextlib.suppress(Exception):
                _unlocked(olevba, crypto, path)
    return group


def _unlocked(olevba, crypto, path: Path) -> None:  # noqa: ANN001 - as above
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        opened = crypto.decrypt(str(path), crypto.DEFAULT_PASSWORDS, dir=place)
        if opened:
            parser = olevba.VBA_Parser(opened)
            if parser.detect_vba_macros() or parser.detect_xlm_macros():
                parser.analyze_macros(show_decoded_strings=False, deobfuscate=False)
            parser.close()
