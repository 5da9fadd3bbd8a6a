"""Drive campaigns, each in a fork of its own that dies by SIGKILL at a numbered side effect.

Run as ``python -m tests.app.rotation_child DATA CONFIG``. Each line on standard input names a campaign and a
number; the answer is a line of JSON: how the fork ended and what it said. A side effect is a commit, a sync of a
file, a remote call or a question to the signer; each has a number before it and one after it. With the number 0
nothing dies.

Forks instead of new programs, since loading the program takes longer than the campaign: nothing is open yet when
it forks, so that each one opens the data folder as a new program would.
"""

import json
import os
import signal
import sys
import threading
import traceback
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from counterfoil.app import driving
from counterfoil.app.connecting import opened_books
from counterfoil.app.state import open_state
from counterfoil.config import load
from counterfoil.credential import custodian, signer_client
from counterfoil.credential.campaign import Pace
from counterfoil.credential.campaigns import Campaigns
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


def drive(data, config, campaign, die_at):
    """Drive to the end, or die; return the count, whether the driver says it ended, and whether all places did."""
    effects = Numbered(die_at)
    with open_state(data, config, create=False) as state, opened_books(data, config, state.ledger) as books:
        os.fsync = effects.around(os.fsync)
        sa.Connection._commit_impl = effects.around(sa.Connection._commit_impl)
        Wire.send = effects.around(Wire.send)
        signer_client.ask = effects.around(signer_client.ask)
        custodian.ask = effects.around(custodian.ask)
        driver = driving.driver(books, PACE, Brakes(bake=timedelta(0)))
        stop = threading.Event()
        timer = threading.Timer(90, stop.set)
        timer.daemon = True
        timer.start()
        ended = driver.run(campaign, stop, 0.02, lambda _: None)
        places = Campaigns(books.ledger).places(campaign).values()
        return [effects.count, ended, all(place.state in FINAL for place in places)]


def forked(data, config, campaign, die_at):
    """Drive in a fork; return how it ended (as ``subprocess`` counts) and what it said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            said = drive(data, config, campaign, die_at)
        except BaseException:  # noqa: BLE001 - whatever it is, the test is told
            said = traceback.format_exc()
        os.write(writing, json.dumps(said).encode())
        os._exit(0 if isinstance(said, list) else 1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), json.loads(said) if said else None


def main():
    """Serve until standard input ends."""
    data, config = Path(sys.argv[1]), load(Path(sys.argv[2]))
    for line in sys.stdin:
        campaign, die_at = json.loads(line)
        sys.stdout.write(json.dumps(forked(data, config, campaign, die_at)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
