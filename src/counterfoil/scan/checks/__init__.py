"""What is looked for, in the order of the report. A check is one file here and one line in ``MODULES``.

A check is a pure function from a message to findings; it knows no other check, and what it cannot decide
it leaves out. Whatever it raises makes the message ``uninspectable`` (law 3); the caller sees to that.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from counterfoil.model.mail import Finding
from counterfoil.scan.checks import (
    authentication,
    carrier,
    dde,
    default_password,
    eicar,
    encrypted,
    excel4_macros,
    executable,
    external_reference,
    file_name,
    link_target,
    long_lines,
    macros,
    packager_command,
    sender,
    smuggling,
    structure,
)
from counterfoil.scan.features import Message

Check = Callable[[Message], Iterable[Finding]]


class CheckModule(Protocol):
    """What a file in this package offers: its name, as policies and reasons spell it, and the check."""

    NAME: str

    def check(self, message: Message) -> Iterable[Finding]:
        """Yield what was seen."""


MODULES: tuple[CheckModule, ...] = (
    eicar,
    executable,
    file_name,
    carrier,
    default_password,
    macros,
    excel4_macros,
    dde,
    packager_command,
    external_reference,
    smuggling,
    link_target,
    sender,
    authentication,
    structure,
    encrypted,
    long_lines,
)

CHECKS: tuple[Check, ...] = tuple(module.check for module in MODULES)
"""Every check, in order."""

NAMES: frozenset[str] = frozenset(module.NAME for module in MODULES)
"""The closed set of check names: what a finding's ``check``, a policy override and a reason may say."""
