"""``counterfoil ledger witness``: outsiders who cosign the ledger's checkpoints (C2SP tlog-witness)."""

import argparse

from counterfoil import clock
from counterfoil.cli.opening import opened_ledger
from counterfoil.cli.output import answer_json, answer_table, answer_text
from counterfoil.cli.parser import add_config
from counterfoil.cli.state import operator
from counterfoil.cli.verbs import Verbs
from counterfoil.ledger import witnesses
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Misconfigured
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json


def add_verbs(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs below ``witness``."""
    verbs = Verbs(parser)
    add = verbs.add("add", _add, "have a witness cosign the ledger's checkpoints from now on")
    add.add_argument("key", metavar="KEY", help="the witness's own key, name+id+base64, of type 0x04")
    add.add_argument("url", metavar="URL", help="its submission prefix, https (http on this machine)")
    listing = verbs.add("list", _list, "list the witnesses, and what each has cosigned last")
    remove = verbs.add("remove", _remove, "ask a witness no longer; what it cosigned stays published")
    remove.add_argument("name", metavar="NAME|KEY", help="its name or its whole key")
    for verb in (add, listing, remove):
        add_config(verb)


def _add(arguments: argparse.Namespace) -> int:
    witness = witnesses.parse_witness(arguments.key, arguments.url)
    with opened_ledger(arguments, create=True) as ledger:
        witnesses.enlist(lambda stub, also: ledger.append(stub, also=also), witness, clock.now(), operator().who)
        assert ledger.publication is not None
        key = str(ledger.publication.key)
    if arguments.json:
        answer_json({"witness": str(witness.key), "url": witness.url, "log": key})
    else:
        answer_text(f"{witness.key.name} is asked from now on. Its operator needs the key of this log:\n{key}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with opened_ledger(arguments) as ledger:
        with ledger.engine.connect() as connection:
            found = witnesses.listed(connection)
        said = [_document(ledger, witness) for witness in found]
    if arguments.json:
        answer_json([*said])
        return 0
    columns = ("witness", "url", "cosigned", "at", "")
    rows = [tuple(str(one[name] or "") for name in ("name", "url", "size", "time", "trouble")) for one in said]
    answer_table(columns, [(a, b, c, d, e) for a, b, c, d, e in rows], "No witnesses: not independently witnessed.")
    return 0


def _document(ledger: Ledger, witness: witnesses.Witness) -> dict[str, Json]:
    assert ledger.publication is not None
    blank: dict[str, Json] = {"size": None, "time": None, "trouble": None}
    blank |= {"witness": str(witness.key), "name": witness.key.name, "url": witness.url}
    try:
        last = witnesses.last_cosigned(ledger.publication, witness.key)
    except Misconfigured as error:
        return blank | {"trouble": error.message}
    return blank if last is None else blank | {"size": last.checkpoint.size, "time": rfc3339(last.time)}


def _remove(arguments: argparse.Namespace) -> int:
    with opened_ledger(arguments) as ledger:
        gone = witnesses.dismiss(
            lambda stub, also: ledger.append(stub, also=also),
            ledger.engine,
            arguments.name,
            clock.now(),
            operator().who,
        )
    if arguments.json:
        answer_json({"removed": str(gone.key)})
    else:
        answer_text(f"{gone.key.name} is asked no longer")
    return 0
