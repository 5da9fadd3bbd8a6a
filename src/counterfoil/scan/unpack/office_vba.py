"""VBA in compound files: one text member a module, and what an honest Visual Basic does not leave behind.

``ODDITIES``: ``vba:stomped`` (compiled code that its source does not account for, MITRE ATT&CK T1564.007),
``vba:no-source`` (a module has compiled code and no source), ``vba:unlisted-module`` (a module that the
project does not list), ``vba:purged`` (source only, the compiled code was removed).

Excel and Word run the compiled code when it was made by their own version, and the source else.
"""

import re
from collections.abc import Iterator

from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.office_ole import Compound
from counterfoil.scan.unpack.office_vba_compression import BadCompression
from counterfoil.scan.unpack.office_vba_project import Module, modules

STEP = "vba"
COMPILED_HEADER = 512
"""Compiled code of an empty module is a few hundred octets; less than this proves nothing."""

LITERAL = re.compile(rb"[\xb6\xb9]\x00(.)\x00", re.DOTALL)
"""The p-code of a string literal: opcode 0x00B9 (0x00B6 before VBA 7), its length in two octets, its characters."""

SHORTEST = 6
PROJECT_CACHE_EMPTY = 7
"""A ``_VBA_PROJECT`` stream of this size holds a header and no cache (section 2.3.4.1)."""


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the sources of every VBA project in a compound file, wherever its storage is.

    Raises:
        OSError: If the compound file's structure is broken.
    """
    compound = Compound(data)
    for root in sorted({path[:-1] for path in compound.paths() if path[-1].lower() == "dir" and len(path) > 1}):
        cache = compound.stream(*root, "_VBA_PROJECT")
        if cache is None and root[-1].lower() != "vba":
            continue
        try:
            for module in modules(compound, root, budget.room()):
                yield from _members(module, purged=len(cache or b"") <= PROJECT_CACHE_EMPTY)
        except BadCompression as error:
            yield Refusal(f"VBA project, {error}")


def _members(module: Module, *, purged: bool) -> Iterator[Member | Refusal | Oddity]:
    yield Member(STEP, module.source.encode(), (f"{module.name}.bas",), "text/x-vba")
    if module.fault:
        yield Refusal(f"VBA module {module.name!r}: {module.fault}")
    if not module.listed:
        yield Oddity("vba:unlisted-module", module.name)
    has_code = has_statements(module.source)
    unaccounted = unaccounted_literals(module)
    if unaccounted:
        yield Oddity("vba:stomped", f"{module.name}: compiled, not in the source: {', '.join(unaccounted[:8])}")
    if not module.source.strip() and len(module.compiled) >= COMPILED_HEADER:
        yield Oddity("vba:no-source", f"{module.name}: {len(module.compiled)} octets of compiled code")
    if purged and has_code and not module.compiled:
        yield Oddity("vba:purged", module.name)


def has_statements(source: str) -> bool:
    """Tell whether a source has more than its attributes, options, comments and blank lines."""
    idle = ("attribute ", "option ", "'", "rem ")
    lines = (line.strip().lower() for line in source.splitlines())
    return any(line and not line.startswith(idle) for line in lines)


def unaccounted_literals(module: Module) -> list[str]:
    """Return the string literals of the compiled code that the source does not hold, case and quotes aside."""
    source = module.source.replace('""', '"')
    found = []
    for match in LITERAL.finditer(module.compiled):
        length = match.group(1)[0]
        literal = module.compiled[match.end() : match.end() + length]
        if SHORTEST <= length == len(literal) and literal.isascii():
            decoded = literal.decode()
            if decoded.isprintable() and decoded not in source:
                found.append(decoded)
    return list(dict.fromkeys(found))
