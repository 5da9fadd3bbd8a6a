"""Reads a message and sorts what was found."""

from counterfoil.scan.features import Ambiguity
from counterfoil.scan.limits import DEFAULT_LIMITS
from counterfoil.scan.mime.readings import Leaf, Reader


def read(raw: bytes) -> tuple[list[Leaf], set[str]]:
    """The leaves of a message and the names of its ambiguities."""
    found = list(Reader(raw, "", DEFAULT_LIMITS).read())
    return [one for one in found if isinstance(one, Leaf)], {one.name for one in found if isinstance(one, Ambiguity)}


def contents(raw: bytes) -> set[bytes]:
    """What all readings together hold, without the line ends around it."""
    return {leaf.data.strip(b"\r\n") for leaf in read(raw)[0]}
