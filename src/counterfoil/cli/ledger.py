"""``counterfoil ledger``: checkpoint, verify, prove, export, trust, renew, gap, witness.

Exit codes: 0 all is well; 1 ``verify`` found something wrong; 2 an error.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from counterfoil import clock
from counterfoil.cli import ledger_witness
from counterfoil.cli.opening import opened_database, opened_ledger
from counterfoil.cli.output import answer_json, answer_text, visible
from counterfoil.cli.parser import add_config
from counterfoil.cli.search import time
from counterfoil.cli.state import operator
from counterfoil.cli.verbs import Verbs, run_verb
from counterfoil.credential.collect import publication_of
from counterfoil.credential.renewal import Wish, renew
from counterfoil.ledger.audit import audit, gap_text
from counterfoil.ledger.exchange import EXPORTED, lines
from counterfoil.ledger.keyfile import UNNAMED
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.note import NoteError, VerifierKey
from counterfoil.ledger.rows import Row
from counterfoil.ledger.stubs import flat, stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.tenant.registry import Connections

run = run_verb
NAMELESS = (
    "Nobody named this ledger, so it made up a name under .invalid, which is nobody's domain. That is sound, and "
    "stays so: every proof bears it. A new installation's is given at its signer's first start: counterfoil signer "
    "--origin HOST/PATH\n"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    parser.epilog = "Exit codes: 0 all is well; 1 verify found something wrong; 2 an error."
    verbs = Verbs(parser)
    checkpoint = verbs.add("checkpoint", _checkpoint, "publish every stub there is, and print the signed checkpoint")
    verify = verbs.add("verify", _verify, "check rows, tree, tiles, checkpoint, signer's numbers and mail equation")
    prove = verbs.add("prove", _prove, "write receipts: each a stub and its inclusion proof, good offline")
    prove.add_argument("which", metavar="INDEX|ID", help="an index, or a message id, jti, request id or thumbprint")
    prove.add_argument("--out", type=Path, metavar="DIR", default=Path(), help="where to write them (default: here)")
    prove.add_argument("--tenant", metavar="TENANT", help="only stubs of this tenant")
    export = verbs.add("export", _export, "print stubs in the exchange form, JSON Lines, for reconcile")
    export.add_argument("--tenant", metavar="TENANT", help="only stubs of this tenant")
    export.add_argument("--all", action="store_true", help="every kind of stub, not just those that reconcile reads")
    trust = verbs.add("trust", _trust, "accept the stubs of another signer")
    trust.add_argument("key", metavar="KEY", help="its stub key, as its start-up message gives it")
    renewing = verbs.add(
        "renew", _renew, "begin a new log behind what a restore left of the old one; the gap is written"
    )
    renewing.add_argument("--name", metavar="NAME", help="name of the new log where no signer signs (host/path)")
    renewing.add_argument("--since", type=time, metavar="TIME", help="when the backup was made, if no signer signs")
    gap = verbs.add("gap", _gap, "write down that stubs may be missing: after a restore that nothing here can see")
    gap.add_argument("--since", type=time, metavar="TIME", required=True, help="when what was restored was saved")
    gap.add_argument("--until", type=time, metavar="TIME", help="when counterfoil ran again (default: now)")
    gap.add_argument("--why", metavar="TEXT", required=True, help="what happened, for whoever reads this later")
    ledger_witness.add_verbs(
        verbs.group("witness", "add, list and remove outsiders who cosign the ledger's checkpoints")
    )
    for verb in (checkpoint, verify, prove, export, trust, renewing, gap):
        add_config(verb)


def _checkpoint(arguments: argparse.Namespace) -> int:
    with opened_ledger(arguments) as ledger:
        checkpoint = ledger.checkpoint()
        publication = ledger.publication
        said_by = ledger.ask_witnesses()
        latest = publication.latest() if publication is not None else None
        assert latest is not None
        assert publication is not None
        if arguments.json:
            said: dict[str, Json] = {
                "origin": checkpoint.origin,
                "size": checkpoint.size,
                "root": checkpoint.root.hex(),
            }
            heard: list[Json] = [
                {"witness": key, "verdict": a.verdict.value, "words": a.words} for key, a in said_by.items()
            ]
            answer_json({**said, "key": str(publication.key), "note": latest[1].decode(), "witnesses": heard})
        else:
            answer_text(latest[1].decode().rstrip("\n"))
            if checkpoint.origin.startswith(UNNAMED):
                sys.stderr.write(NAMELESS)
    for key, asked in said_by.items():
        words = f": {asked.words}" if asked.words else ""
        sys.stderr.write(visible(f"witness {key.partition('+')[0]} {asked.verdict}{words}") + "\n")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    with opened_database(arguments) as engine:
        # The ledger itself is not opened: that would mend a gap, and refuse a tree that was changed.
        publication = publication_of(engine, arguments.data)
        found = audit(engine, publication)
        key = str(publication.key)
    mail = found.mail
    wrong = [*found.wrong, *mail.broken]
    if arguments.json:
        sums: dict[str, Json] = {name: getattr(mail, name) for name in mail.__slots__ if name != "broken"}
        sums |= {"acknowledged": mail.acknowledged, "still_held": mail.still_held, "holds": mail.holds}
        said: dict[str, Json] = {
            "size": found.size,
            "published": found.published,
            "without_stub": found.without_stub,
            "key": key,
        }
        gaps = [flat(gap) for gap in found.gaps]
        answer_json({**said, "gaps": [*gaps], "mail": sums, "wrong": [*wrong], "notes": [*found.notes]})
        return 1 if wrong else 0
    answer_text(f"{found.size} stubs, {found.published} of them under a checkpoint of {key}")
    answer_text(
        f"mail: {mail.intents} taken in = {mail.handed_on} handed on + {mail.held} held + {mail.refused} refused"
        f" + {mail.deferred} deferred + {mail.unknown} unknown + {mail.open} open"
    )
    doubt = f"; {mail.release_unknown} tries to release ended nobody knows how" if mail.release_unknown else ""
    answer_text(
        f"quarantine: {mail.quarantined} held = {mail.still_held} still + {mail.released} released"
        f" + {mail.deleted} deleted + {mail.expired} expired{doubt}"
    )
    for gap in found.gaps:
        answer_text(f"gap: {gap_text(gap)}")
    for note in found.notes:
        answer_text(f"note: {visible(note)}")
    for fault in wrong:
        answer_text(f"WRONG: {visible(fault)}")
    return 1 if wrong else 0


def _prove(arguments: argparse.Namespace) -> int:
    with opened_ledger(arguments) as ledger:
        chosen = [row for one in _spelt(ledger, arguments.tenant) for row in _chosen(ledger, arguments.which, one)]
        if not chosen:
            raise Refused(
                f"there is no stub {arguments.which!r} to give a receipt for",
                "see: counterfoil track, counterfoil ledger export",
            )
        written = [_receipt(ledger, row, arguments.out) for row in chosen]
    for path in written:
        if arguments.json:
            answer_json({"proof": str(path), "stub": str(path.with_suffix(".stub.json"))})
        else:
            answer_text(f"{path} and {path.with_suffix('.stub.json').name}")
    return 0


def _spelt(ledger: Ledger, tenant: str | None) -> list[str | None]:
    """Return how stubs spell a tenant: mail by our name, what its connection did by its id."""
    connected = [] if tenant is None else [one.tenant_id for one in Connections(ledger).all(tenant)]
    return list(dict.fromkeys([tenant, *connected]))


def _chosen(ledger: Ledger, which: str, tenant: str | None) -> Iterator[Row]:
    if which.isdigit():
        found = (row for row in ledger.stubs(tenant=tenant, start=int(which)) if row.index == int(which))
        row = next(found, None)
        found.close()
        rows = iter(()) if row is None else iter((row,))
    else:
        rows = ledger.stubs(tenant=tenant, subject=which)
    return (row for row in rows if row.octets is not None)


def _receipt(ledger: Ledger, row: Row, out: Path) -> Path:
    """Write ``N.tlog-proof`` (its extra line is the salt) and ``N.stub.json`` (the canonical octets)."""
    proof = ledger.prove(row.index, extra=row.salt)
    path = out / f"{row.index}.tlog-proof"
    out.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(proof))
    path.with_suffix(".stub.json").write_bytes(row.octets or b"")
    return path


def _export(arguments: argparse.Namespace) -> int:
    with opened_ledger(arguments) as ledger:
        # What reconciling reads bears the tenant's id, so the name of a connected one stands for that.
        tenant = _spelt(ledger, arguments.tenant)[-1]
        if tenant is not None and next(ledger.stubs(tenant=tenant), None) is None:
            words = f"no stub is of a tenant {tenant}: say its name or its id, as counterfoil connection list has them"
            sys.stderr.write(visible(f"counterfoil: {words}") + "\n")
        for line in lines(ledger.exported(tenant, None if arguments.all else EXPORTED)):
            sys.stdout.write(line)
    return 0


def _trust(arguments: argparse.Namespace) -> int:
    try:
        key = VerifierKey.parse(arguments.key)
    except NoteError as error:
        raise Refused(f"this is no signer's key: {error}", "copy it whole from the signer's messages") from error
    with opened_ledger(arguments) as ledger:
        ledger.trust(key, clock.now(), operator().who)
    return 0


def _gap(arguments: argparse.Namespace) -> int:
    by = operator()
    until = arguments.until or by.now
    if not arguments.since < until <= by.now:
        raise Refused("a gap begins before it ends, and has ended", "say --since TIME, and --until TIME or nothing")
    said = {"since": rfc3339(arguments.since), "until": rfc3339(until), "actor": by.who, "why": arguments.why}
    gap = stub_at("gap", by.now, reason="declared", **said)
    with opened_ledger(arguments) as ledger:
        ledger.append(gap)
    if arguments.json:
        answer_json(flat(gap))
    else:
        answer_text(f"gap: {gap_text(gap)}")
    return 0


def _renew(arguments: argparse.Namespace) -> int:
    with opened_database(arguments) as engine:
        done = renew(engine, arguments.data, clock.now(), Wish(operator().who, arguments.name, arguments.since))
    said: dict[str, Json] = {
        "old": str(done.old),
        "new": str(done.new),
        "kept": None if done.kept is None else str(done.kept),
        "gap": flat(done.gap),
    }
    if arguments.json:
        answer_json(said)
        return 0
    answer_text(f"a new log begins; its key, for everybody who verifies it:\n{done.new}")
    answer_text(f"gap: {gap_text(done.gap)}")
    if done.kept is not None:
        answer_text(f"what the old log published is kept in {done.kept}")
    return 0
