"""Every check in the order in which it is made; adding one is one function and one line here."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from counterfoil import clock
from counterfoil.app.connecting import opened_books
from counterfoil.app.doctor import books, machine, mail, trust
from counterfoil.app.doctor.finding import Finding, Patient, Weight
from counterfoil.app.house import Books
from counterfoil.app.state import State, open_state, see_begun
from counterfoil.config.settings import Config
from counterfoil.model.errors import CounterfoilError, Misconfigured

log = logging.getLogger(__name__)

Check = Callable[[Patient], Iterator[Finding]]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("data folder", machine.folder),
    ("disk", machine.disk),
    ("clock", machine.time),
    ("isolation", machine.isolation),
    ("certificate", mail.certificate),
    ("next hops", mail.next_hops),
    ("back door", mail.back_door),
    ("signer", trust.signer),
    ("connections", trust.connections),
    ("tenants", trust.tenants),
    ("ledger", books.ledger),
)


@dataclass(frozen=True, slots=True)
class Looked:
    """One check and what it found."""

    check: str
    findings: tuple[Finding, ...]

    @property
    def well(self) -> bool:
        """Say whether nothing is wrong."""
        return not any(finding.weight is Weight.PROBLEM for finding in self.findings)

    @property
    def tried(self) -> bool:
        """Say whether all of it could be looked at."""
        return not any(finding.weight is Weight.UNTRIED for finding in self.findings)


def examine(data: Path, config: Config, *, offline: bool = False) -> Iterator[Looked]:
    """Make every check; what breaks one is a finding of its own and stops no other.

    Raises:
        Misconfigured: If there is no data folder to look at.
    """
    see_begun(data, config)
    with ExitStack() as down:
        try:
            state = down.enter_context(open_state(data, config, create=False, examine=True))
        except CounterfoilError as error:
            yield Looked("database", (_of("database", error),))
            return
        yield Looked("database", ())
        opened, trouble = _books(down, data, config, state)
        if trouble:
            yield Looked("signer", trouble)
        patient = Patient(data, config, state, opened, clock.now(), offline)
        for name, check in CHECKS:
            yield Looked(name, tuple(_made(name, check, patient)))


def _books(down: ExitStack, data: Path, config: Config, state: State) -> tuple[Books | None, tuple[Finding, ...]]:
    """Open what needs the signer; that none answers is looked at later, that it is another one is said at once."""
    try:
        return down.enter_context(opened_books(data, config, state.ledger)), ()
    except Misconfigured as error:
        return None, (_of("signer", error),)
    except CounterfoilError:
        return None, ()


def _made(name: str, check: Check, patient: Patient) -> Iterator[Finding]:
    try:
        yield from check(patient)
    except CounterfoilError as error:
        yield _of(name, error)
    except Exception as error:  # the others still have something to say
        log.exception("a check broke")
        yield Finding(name, f"it could not be looked at: {type(error).__name__}: {error}", "please report this")


def _of(about: str, error: CounterfoilError) -> Finding:
    return Finding(about, error.message, error.hint or "try again later")
