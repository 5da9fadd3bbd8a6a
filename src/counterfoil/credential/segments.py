"""Closed segments of the signer's journal: ``journal.N`` ends with stub N, and ``journal.N.sum`` sums up all before.

A summary holds what the signer must know at its start (how often each credential signed, and the newest stubs that
say how credentials stand), signed by the stub key, so that a start reads one segment and not the years before it.
Who changes a summary is found by its signature; who removes one is found by the numbers of the stubs after it.
"""

import base64
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from counterfoil.ledger import durable
from counterfoil.ledger.stubs import canonical_json, read
from counterfoil.model.mail import Json
from counterfoil.model.trust import Stub

_CONTEXT = b"counterfoil journal summary v1\n"
"""Keeps a signature on a summary from ever being one on something else."""

Telling = dict[tuple[str, str], bytes]
"""By credential and what it tells: the newest line that says how the credential stands."""


@dataclass(frozen=True, slots=True)
class Summary:
    """All that is known up to stub ``last``: signatures by credential, and lines that tell, in their order."""

    last: int
    counters: Counter[str]
    telling: Telling


def tells(stub: Stub) -> tuple[str, str] | None:
    """Return which line of a summary a stub takes the place of, ``None`` if it says nothing of how a credential is."""
    if stub.kind not in {"certificate", "mark", "death-test"}:
        return None
    what = "destroyed" if stub.kind == "mark" and stub.body.get("destroyed") is True else stub.kind
    return str(stub.body["credential"]), what


def ordered(telling: Mapping[tuple[str, str], bytes]) -> list[bytes]:
    """Return the lines in the order in which they were written."""
    return sorted(telling.values(), key=lambda line: int(json.loads(line)["sequence"]))


def closed(journal: Path) -> list[int]:
    """Return the last numbers of the segments that were summed up, ascending."""
    names = (path.name.split(".") for path in journal.parent.glob(f"{journal.name}.*.sum"))
    return sorted(int(parts[-2]) for parts in names if parts[-2].isdigit())


def segment(journal: Path, last: int) -> Path:
    """Return where a closed segment lies."""
    return journal.with_name(f"{journal.name}.{last}")


def write_summary(journal: Path, summary: Summary, key: Ed25519PrivateKey) -> None:
    """Sum a segment up, durably, before it is closed.

    Raises:
        OSError: If it cannot be written; the segment then stays open.
    """
    telling: list[Json] = [line.decode() for line in ordered(summary.telling)]
    octets = canonical_json({"last": summary.last, "counters": dict(summary.counters), "telling": telling})
    signature = base64.b64encode(key.sign(_CONTEXT + octets))
    durable.write(journal.with_name(f"{journal.name}.{summary.last}.sum"), octets + b"\n" + signature, mode=0o600)


def read_summary(journal: Path, last: int, key: Ed25519PrivateKey) -> Summary:
    """Read a summary back.

    Raises:
        ValueError: If it is not what was signed.
    """
    octets, _, signature = journal.with_name(f"{journal.name}.{last}.sum").read_bytes().partition(b"\n")
    try:
        key.public_key().verify(base64.b64decode(signature, validate=True), _CONTEXT + octets)
    except InvalidSignature as error:
        message = "the summary is not what was signed"
        raise ValueError(message) from error
    found = json.loads(octets)
    telling: Telling = {}
    for line in found["telling"]:
        place = tells(read(line.encode()))
        assert place is not None
        telling[place] = line.encode()
    return Summary(int(found["last"]), Counter(found["counters"]), telling)
