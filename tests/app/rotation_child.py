"""Drive one campaign, and die by SIGKILL at a numbered side effect: run as ``python -m tests.app.rotation_child``.

A side effect is a commit, a remote call or a question to the signer; each has a number before it and one
after it. With the number 0 nothing dies, and the count is printed.
"""

import os
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from counterfoil.app import campaigning
from counterfoil.app.connecting import opened_books
from counterfoil.app.state import open_state
from counterfoil.config import load
from counterfoil.credential import custodian, signer_client
from counterfoil.credential.campaign import Pace
from counterfoil.credential.rotation import FINAL
from counterfoil.credential.waves import Brakes
from counterfoil.tenant.wire import Wire

PACE = Pace(
    reads=2,
    successes=2,
    refusals=2,
    spacing=timedelta(seconds=0.1),
    propagation=timedelta(seconds=0.1),
    longest_token_life=timedelta(seconds=4.6),
)


class Numbered:
    """Counts the side effects, and dies at one of them."""

    def __init__(self, die_at):
        self.count, self._die_at, self._lock = 0, die_at, threading.Lock()

    def step(self):
        """One more."""
        with self._lock:
            self.count += 1
            if self.count == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function):
        """Number the moments before and after a call."""

        def numbered(*arguments, **named):
            self.step()
            answer = function(*arguments, **named)
            self.step()
            return answer

        return numbered


def main():
    """Drive to the end, or die."""
    data, config, campaign, die_at = Path(sys.argv[1]), load(Path(sys.argv[2])), sys.argv[3], int(sys.argv[4])
    effects = Numbered(die_at)
    with open_state(data, config, create=False) as state, opened_books(data, config, state.ledger) as books:
        sa.Connection._commit_impl = effects.around(sa.Connection._commit_impl)
        Wire.send = effects.around(Wire.send)
        signer_client.ask = effects.around(signer_client.ask)
        custodian.ask = effects.around(custodian.ask)
        driver = campaigning.driver(books, PACE, Brakes(bake=timedelta(0)))
        stop = threading.Event()
        threading.Timer(60, stop.set).start()
        ended = driver.run(campaign, stop, 0.02, lambda _: None)
        places = driver._campaigns.places(campaign).values()
        sys.stdout.write(f"{effects.count} {ended} {all(place.state in FINAL for place in places)}\n")
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
