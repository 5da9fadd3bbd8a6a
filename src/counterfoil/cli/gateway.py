"""``counterfoil gateway``: the gateway's own certificate, and a new one in its place without a dropped connection.

Exit codes: 0 done; 1 the new certificate failed at the other side, and the one before is in use; 2 refused or wrong,
and nothing was changed; 3 the new one is in use, and not proven everywhere, or it is still being tried.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

from counterfoil import clock
from counterfoil.app import sending
from counterfoil.app.certificate_book import FELL_BACK, IN_USE, REFUSED, UNPROVEN, Book, Result
from counterfoil.app.certificate_change import Change, Shown
from counterfoil.app.certificate_offer import Wanted, configured, offer
from counterfoil.app.lock import alone
from counterfoil.app.state import State, see_begun
from counterfoil.cli.output import answer_json, answer_text, visible
from counterfoil.cli.parser import add_config
from counterfoil.cli.state import opened, operator
from counterfoil.cli.verbs import Verbs, run_verb
from counterfoil.config import load
from counterfoil.config.settings import Config
from counterfoil.gateway import certificate
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.number import counted

run = run_verb

_CODES = {IN_USE: 0, REFUSED: 1, FELL_BACK: 1, UNPROVEN: 3}
_SAID = {
    IN_USE: "is in use; connections that were open go on with the one before",
    UNPROVEN: "is in use, but could not be proven everywhere: see below",
    REFUSED: "was not taken into use: it failed where the one in use does not; nothing was changed",
    FELL_BACK: "was taken back: it failed, and the one before is in use again",
}
LOOK = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    parser.epilog = (
        "Exit codes: 0 done; 1 the new certificate failed and the one before is in use; 2 refused or wrong, and"
        " nothing was changed; 3 it is in use and not proven everywhere, or still being tried."
    )
    verbs = Verbs(parser)
    show = verbs.add("certificate", _certificate, "show the certificate in use, and what became of the last new one")
    add_config(show)
    rotate = verbs.add("rotate", _rotate, "take a new certificate into use, proven by real handshakes and messages")
    add_config(rotate)
    rotate.add_argument(
        "--certificate", type=Path, metavar="FILE", help="PEM, ours with its chain; the configuration's if left out"
    )
    rotate.add_argument("--key", type=Path, metavar="FILE", help="PEM, its private key; may be the same file")
    rotate.add_argument(
        "--authorities", type=Path, metavar="FILE", help="PEM, whom the other sides trust beside the system's"
    )
    rotate.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="WHAT",
        help="a name of the old one, client-auth, or life, that the new one may lack; may be repeated",
    )
    rotate.add_argument("--back", action="store_true", help="back to the certificate before the one in use")
    rotate.add_argument("--wait", type=float, default=300.0, metavar="SECONDS", help="how long to wait (default 300)")


def _certificate(arguments: argparse.Namespace) -> int:
    config = load(arguments.config)
    see_begun(arguments.data, config)
    record = Book(arguments.data).read()
    chain, _ = sending.certificate(config, arguments.data)
    found = certificate.read(chain.read_bytes())
    days = (found.not_after - clock.now()).days
    if arguments.json:
        answer_json(
            {
                "certificate": found.fingerprint,
                "names": list(found.names),
                "issuer": found.issuer,
                "purposes": list(found.purposes),
                "not_before": rfc3339(found.not_before),
                "not_after": rfc3339(found.not_after),
                "days_left": days,
                "before": record.before,
                "offered": None if record.offer is None else record.offer.certificate,
                "last": None if record.last is None else _document(record.last),
            }
        )
        return 0
    answer_text(f"in use: {found.fingerprint}")
    answer_text(visible(f"names: {', '.join(found.names) or 'none'}; issuer: {found.issuer}"))
    answer_text(f"valid until {rfc3339(found.not_after)}: {counted(days, 'day')} left")
    if record.before is not None:
        answer_text(f"before: {record.before}")
    if record.offer is not None:
        answer_text(f"being tried: {record.offer.certificate}, offered by {record.offer.by} at {record.offer.at}")
    if record.last is not None:
        _tell(record.last)
    return 0


def _rotate(arguments: argparse.Namespace) -> int:
    config = load(arguments.config)
    with opened(arguments) as state:
        try:
            with alone(arguments.data):
                result = _here(arguments, config, state)
        except Misconfigured as error:
            if "another counterfoil serve" not in error.message:
                raise
            result = _there(arguments, config, state)
    if result is None:
        sys.stderr.write("It is still being tried; what becomes of it: counterfoil gateway certificate\n")
        return 3
    if arguments.json:
        answer_json(_document(result))
    else:
        _tell(result)
    return _CODES[result.state]


def _here(arguments: argparse.Namespace, config: Config, state: State) -> Result | None:
    """Carry it out here, where no ``serve`` runs: its next start shows the certificate."""
    change = Change(arguments.data, config, state, Shown(config, arguments.data))
    asyncio.run(change.once())  # an earlier one whose process died comes to its end first
    offer(arguments.data, config, state.ledger, _wanted(arguments, config), operator())
    return asyncio.run(change.once())


def _there(arguments: argparse.Namespace, config: Config, state: State) -> Result | None:
    """Have the running ``serve`` carry it out; return what became of it, or ``None`` if that takes too long."""
    offered = offer(arguments.data, config, state.ledger, _wanted(arguments, config), operator()).offer
    assert offered is not None
    end = time.monotonic() + arguments.wait
    while time.monotonic() < end:
        record = Book(arguments.data).read()
        if record.offer is None and record.last is not None and record.last.certificate == offered.certificate:
            return record.last
        time.sleep(LOOK)
    return None


def _wanted(arguments: argparse.Namespace, config: Config) -> Wanted:
    if arguments.back:
        book = Book(arguments.data)
        before = book.read().before
        if before is None:
            raise Refused("there is no certificate before the one in use", None)
        return Wanted(book.place(before), book.place(before), arguments.authorities, (*arguments.without, "life"))
    if (arguments.certificate is None) != (arguments.key is None):
        raise Misconfigured("--certificate and --key come together", "both may be the same PEM file")
    if arguments.certificate is None:
        wanted = configured(config)
        return Wanted(wanted.chain, wanted.key, arguments.authorities, tuple(arguments.without))
    return Wanted(arguments.certificate, arguments.key, arguments.authorities, tuple(arguments.without))


def _document(result: Result) -> dict[str, Json]:
    proof: list[Json] = [dict(one) for one in result.proof]
    return {"certificate": result.certificate, "at": result.at, "state": result.state, "proof": proof}


def _tell(result: Result) -> None:
    answer_text(f"{result.certificate} {_SAID[result.state]} ({result.at})")
    for one in result.proof:
        answer_text(visible(f"  {one['where']}: {one['state']}: {one['words']}"))
