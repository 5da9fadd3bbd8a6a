"""What are these bytes really? All types that match, because a polyglot is several things at once."""

from counterfoil.scan.kinds.kind import Kind
from counterfoil.scan.kinds.sniff import kinds_of, second_natures

__all__ = ["Kind", "kinds_of", "second_natures"]
