"""``counterfoil signer``: run the signer until it is ended by SIGTERM or SIGINT."""

import argparse
import logging
import os
import pwd
import signal
import sys
import threading
from pathlib import Path

from counterfoil import clock
from counterfoil.cli.output import answer_json, answer_text
from counterfoil.credential.audience import MICROSOFT, authority
from counterfoil.credential.checkpoints import CheckpointKeeper
from counterfoil.credential.home import Home, begin_new_log, open_home
from counterfoil.credential.journal import Journal
from counterfoil.credential.providers.choose import open_provider
from counterfoil.credential.providers.provider import Guarded
from counterfoil.credential.rate import Rate
from counterfoil.credential.shield import Shield, raise_shield
from counterfoil.credential.signer import Signer
from counterfoil.credential.signer_server import Operations, SignerServer
from counterfoil.ledger import durable
from counterfoil.model.errors import Misconfigured

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Exit codes: 0 stopped when asked to, or done; 2 it could not start, and the message says why."
    parser.add_argument("--home", type=Path, metavar="DIR", help="the signer's own directory (default DATA/signer)")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="its Unix socket (default HOME/signer.sock)")
    parser.add_argument("--keys", default="file:", metavar="URI", help="where keys live: file: or pkcs11:… (RFC 7512)")
    parser.add_argument("--standby-keys", metavar="URI", help="where standby keys live (default: HOME/standby)")
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="seal keys with the passphrase in FILE")
    parser.add_argument("--origin", metavar="NAME", help="name of the ledger, at the first start (host/path)")
    parser.add_argument(
        "--new-log", metavar="NAME", help="sign for a new ledger from now on, then exit: the old is lost"
    )
    parser.add_argument(
        "--authority",
        action="append",
        default=[],
        metavar="HOST",
        help="a further token authority beside Microsoft's: HOST:PORT or its URL, such as that of a laboratory",
    )
    parser.add_argument("--app-user", metavar="USER", help="the user that may ask, if it is not the signer's own")
    parser.add_argument("--rate", type=float, default=120.0, metavar="N", help="signatures a minute and credential")
    parser.add_argument("--journal-segment", type=int, default=50_000, metavar="N", help="stubs a file of the journal")
    parser.add_argument("--keep-network", action="store_true", help="do not leave the network (a token behind one)")


def run(arguments: argparse.Namespace) -> int:
    """Set the signer up, say that it is ready, and serve."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="counterfoil signer: %(message)s")
    authorities = MICROSOFT | {authority(name) for name in arguments.authority}
    shield = raise_shield(leave_network=not arguments.keep_network)
    passphrase = arguments.passphrase_file.read_bytes().strip() if arguments.passphrase_file else None
    directory: Path = arguments.home or arguments.data / "signer"
    try:
        with durable.lock(directory / "running", wait=False):
            return _run(arguments, directory, passphrase, shield, authorities)
    except BlockingIOError as error:
        # Two would write one journal, and the second would take the first one's socket away.
        hint = "stop it first, or give --home another folder"
        raise Misconfigured(f"another signer runs in {directory}", hint) from error


def _run(
    arguments: argparse.Namespace,
    directory: Path,
    passphrase: bytes | None,
    shield: Shield,
    authorities: frozenset[str],
) -> int:
    home = open_home(directory, origin=arguments.origin, passphrase=passphrase)
    place = arguments.socket or home.directory / "signer.sock"
    if arguments.new_log is not None:
        return _begin_new_log(home, arguments.new_log, as_json=arguments.json)
    signer = _signer(home, arguments, authorities)
    users, group = _who_may_ask(arguments.app_user)
    if group is not None and place.parent == home.directory:
        raise Misconfigured("another user cannot reach a socket in the signer's own directory", "give --socket PATH")
    operations = Operations(signer, CheckpointKeeper(home), home.checkpoint_verifier, shield)
    with SignerServer(place, operations, users, group) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            # From another thread, since ``shutdown`` waits for the loop that this handler interrupts.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        _ready(arguments.json, place, home, shield, signer)
        server.serve_forever(poll_interval=0.2)
    place.unlink(missing_ok=True)
    signer.journal.close()
    return 0


def _begin_new_log(home: Home, name: str, *, as_json: bool) -> int:
    new = begin_new_log(home, name)
    if as_json:
        answer_json({"old": str(home.checkpoint_verifier), "new": str(new.checkpoint_verifier)})
    else:
        answer_text(f"the log {home.origin} is closed; the key of the new one, for everybody who verifies:")
        answer_text(str(new.checkpoint_verifier))
        answer_text("Start the signer again, then: counterfoil ledger renew")
    return 0


def _signer(home: Home, arguments: argparse.Namespace, authorities: frozenset[str]) -> Signer:
    apart = arguments.standby_keys or f"file:{home.directory / 'standby'}"
    providers = {
        "main": Guarded(open_provider(arguments.keys, home.directory, home.wrapping)),
        "apart": Guarded(open_provider(apart, home.directory, home.wrapping)),
    }
    journal = Journal(home.directory / "journal", home.stub_name, home.stub_key, max(1, arguments.journal_segment))
    return Signer(journal, providers, clock.now, authorities, Rate(arguments.rate, burst=60))


def _who_may_ask(name: str | None) -> tuple[frozenset[int], int | None]:
    if name is None:
        return frozenset({os.geteuid()}), None
    try:
        user = pwd.getpwnam(name)
    except KeyError as error:
        raise Misconfigured(f"there is no user {name}", "name the user that counterfoil serve runs as") from error
    return frozenset({os.geteuid(), user.pw_uid}), user.pw_gid


def _ready(as_json: bool, place: Path, home: Home, shield: Shield, signer: Signer) -> None:
    for label in signer.cleared:
        _log.info("removed what a crash left of the key %s", label or "without a name")
    if as_json:
        said = {"socket": str(place), "origin": home.origin, "stub_key": str(signer.journal.verifier)}
        answer_json({**said, "checkpoint_key": str(home.checkpoint_verifier), "shield": [*shield.in_force]})
        sys.stdout.flush()
        return
    _log.info("ready at %s, for the ledger %s", place, home.origin)
    for door in shield.missing:
        _log.warning("not in force: %s", door)
