"""What the service does with its connections while all is well: heartbeats, each reading a fresh message."""

import threading
from concurrent.futures import ThreadPoolExecutor

from counterfoil import clock
from counterfoil.app.drill.customers import Customer
from counterfoil.app.drill.stage import Stage
from counterfoil.model.errors import CounterfoilError
from counterfoil.model.instant import hour_of
from counterfoil.tenant.door import Door
from counterfoil.tenant.endpoints import GRAPH
from counterfoil.tenant.mail import Mail
from counterfoil.tenant.token import Token


class Heartbeats:
    """Heartbeats of all connected customers; jobs that cannot run wait and are tried again."""

    def __init__(self, stage: Stage, customers: list[Customer]) -> None:
        self._stage = stage
        self._customers = [customer for customer in customers if customer.connections]
        self._read: dict[str, set[str]] = {customer.name: set() for customer in self._customers}
        self.tokens: dict[str, Token] = {}
        self.waiting: dict[str, str] = {}
        self.hour = hour_of(clock.now())
        self._lock = threading.Lock()

    def beat(self) -> None:
        """Make one heartbeat for every customer, several at once; all within one hour of the clock, which it proves."""
        while True:
            self.hour = hour_of(clock.now())
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(self._one, self._customers))
            if self.hour == hour_of(clock.now()):
                return

    def keep_up(self) -> None:
        """Make another one if an hour has begun since: of an hour without one nothing can be said."""
        if self.hour != hour_of(clock.now()):
            self.beat()

    def _one(self, customer: Customer) -> None:
        books = self._stage.books
        try:
            with books.at_work(customer.mail, "heartbeat", clock.now()) as (tokens, job):
                Mail(Door(tokens)).heartbeat(customer.mailboxes[0], job, self._read[customer.name])
                with self._lock:
                    self.tokens[customer.name] = tokens.token(GRAPH, job)
                    self.waiting.pop(customer.name, None)
        except CounterfoilError as error:
            with self._lock:
                self.waiting[customer.name] = error.message
