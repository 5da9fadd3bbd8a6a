"""How much a message may cost us, and the budget that counts it.

Time and memory are bounded from outside, by the worker's process; what can be counted is counted here,
so that the same message always meets the same limit.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Counted over the whole message, containers within containers included. Sizes in octets."""

    parts: int = 2_000
    depth: int = 16
    output: int = 256 * 1024 * 1024
    links: int = 10_000


DEFAULT_LIMITS = Limits()


class Exhausted(Exception):
    """A limit was met; ``str()`` of it is the reason that ``uninspectable`` carries."""


@dataclass(slots=True)
class Budget:
    """What is left of the limits while one message is taken apart."""

    limits: Limits = DEFAULT_LIMITS
    parts: int = 0
    output: int = 0

    def room(self) -> int:
        """Return how many octets may still be unpacked; a decompressor stops one octet above it."""
        return self.limits.output - self.output

    def spend(self, size: int) -> None:
        """Count one part of ``size`` octets.

        Raises:
            Exhausted: If that is one part or one octet too many.
        """
        self.parts += 1
        self.output += size
        if self.parts > self.limits.parts:
            raise Exhausted(f"more than {self.limits.parts} parts")
        if self.output > self.limits.output:
            raise Exhausted(f"more than {self.limits.output} octets when unpacked")
