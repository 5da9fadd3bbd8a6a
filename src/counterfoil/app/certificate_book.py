"""Which certificate the gateway uses, in the data folder: whole certificates with their keys, and one record.

A bundle is a key and its certificate with the chain in one file, named by fingerprint; the record names the one in
use. Both are replaced whole, so after a crash it is the old certificate or the new one, never a half.

The files that the configuration names are where a certificate comes from: one that was not there before is taken into
use at the next start. As long as they are unchanged, what the record says holds.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from counterfoil.gateway import certificate
from counterfoil.ledger import durable
from counterfoil.model.errors import Misconfigured

FOLDER = "gateway-certificate"
IN_USE, UNPROVEN, REFUSED, FELL_BACK = "in-use", "in-use-unproven", "refused", "fell-back"


@dataclass(frozen=True, slots=True)
class Offer:
    """A certificate that is to be taken into use: who offers it and when, and how far it got.

    ``given`` is the fingerprint in the configuration's file at that time. ``switched`` says that handshakes show it
    already, and that only the proof is missing.
    """

    certificate: str
    by: str
    at: str
    given: str | None
    switched: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an offer, and what was tried: where, what came of it, the other side's words."""

    certificate: str
    at: str
    state: str
    proof: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """The certificate in use and the one before it, by fingerprint; an offer under way, and what became of the last."""

    in_use: str | None = None
    before: str | None = None
    given: str | None = None
    offer: Offer | None = None
    last: Result | None = None


class Book:
    """The folder of the gateway's certificates."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER
        self._file = self._folder / "record.json"

    def read(self) -> Record:
        """Return the record; an empty one before anything was written.

        Raises:
            Misconfigured: If it is damaged.
        """
        try:
            return _record(json.loads(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Record()
        except (ValueError, KeyError, TypeError) as error:
            raise Misconfigured(
                f"{self._file} is damaged", "move it away: the certificate of the configuration is used then"
            ) from error

    def change(self, how: Callable[[Record], Record]) -> Record:
        """Replace the record by what ``how`` makes of it, alone among processes; return the new one."""
        with durable.lock(self._folder / ".lock"):
            record = how(self.read())
            durable.write(self._file, json.dumps(asdict(record), indent=1).encode(), mode=0o600)
        return record

    def keep(self, bundle: bytes) -> str:
        """Keep a key with its certificate; return the fingerprint."""
        fingerprint = certificate.read(bundle).fingerprint
        durable.write(self.place(fingerprint), bundle, mode=0o600)
        return fingerprint

    def place(self, fingerprint: str) -> Path:
        """Return where a bundle is kept."""
        return self._folder / f"{fingerprint}.pem"

    def forget_others(self, record: Record) -> None:
        """Remove every bundle that the record does not name: an old key is not kept for nothing."""
        offered = record.offer.certificate if record.offer is not None else None
        for place in self._folder.glob("*.pem"):
            if place.stem not in {record.in_use, record.before, offered}:
                place.unlink(missing_ok=True)


def _record(document: dict[str, Any]) -> Record:
    offer, last = document["offer"], document["last"]
    return Record(
        document["in_use"],
        document["before"],
        document["given"],
        None if offer is None else Offer(**offer),
        None if last is None else Result(**{**last, "proof": tuple(last["proof"])}),
    )


def fingerprint_of(chain: Path) -> str | None:
    """Return the fingerprint of the first certificate in a file, or ``None`` where none can be read."""
    try:
        return certificate.read(chain.read_bytes()).fingerprint
    except (OSError, Misconfigured):
        return None
