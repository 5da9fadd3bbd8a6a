"""``python -m bench [NAME …] [--large] [--repetitions N]``: measure side by side and print; nothing is asserted."""

import argparse
import importlib
import sys
import time
from collections.abc import Sequence

from bench.measure import machine
from bench.places import NotHere

BENCHES = ("scan", "gateway", "ledger", "signer", "reconcile", "rotation")
"""In this order; each is a module here with one function ``run(arguments)``."""


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHES)}; all if left out")
    parser.add_argument("--large", action="store_true", help="the sizes that take minutes as well")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N", help="turns of each side (5)")
    arguments = parser.parse_args(words)
    unknown = set(arguments.names) - set(BENCHES)
    if unknown:
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    print(f"Measured on {machine()}.")
    print("Cells are smallest / middle / largest of the repetitions.")
    for name in arguments.names or BENCHES:
        print(f"\n## {name}", flush=True)
        began = time.monotonic()
        try:
            importlib.import_module(f"bench.{name}").run(arguments)
        except NotHere as what:
            print(f"\nnot here: {what}")
        print(f"\n({time.monotonic() - began:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
