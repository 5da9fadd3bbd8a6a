"""One laboratory, one signer and one connected tenant for the tests of the door."""

import itertools
from dataclasses import dataclass, field

import pytest
from tests.app.laboratory import Place, place

from counterfoil.model.trust import Connection
from counterfoil.tenant.door import Door
from counterfoil.tenant.mail import Mail
from counterfoil.tenant.token import Means, Tokens

ALICE = "alice@door.example"
ROLES = ("Mail.ReadWrite", "AuditLog.Read.All", "Application.Read.All", "ActivityFeed.Read")
CALM = {"throttle_share": 0.0, "storm_seconds": 0.0, "timeout_share": 0.0, "cut_share": 0.0, "error_share": 0.0}


@dataclass
class Connected:
    """A connected tenant; ``pauses`` are the seconds that the door would wait, after so many of which all is calm."""

    place: Place
    connection: Connection
    pauses: list[float] = field(default_factory=list)
    numbers: itertools.count = field(default_factory=itertools.count)
    calm_after: int = 0

    def pause(self, seconds):
        """Note a pause; wait only as long as a storm in these tests lasts."""
        self.pauses.append(seconds)
        if len(self.pauses) == self.calm_after:
            self.dial(**CALM)
        self.place.books.means.pause(min(seconds, 0.05))

    @property
    def door(self):
        """A new door, with tokens of its own."""
        means = self.place.books.means
        patient = Means(means.writes, means.wire, means.endpoints, means.clock, self.pause, means.lanes)
        books = self.place.books
        return Door(Tokens(self.connection, books.connections.current(self.connection), books.through.for_use, patient))

    @property
    def mail(self):
        """The mailboxes through a new door."""
        return Mail(self.door)

    def job(self, reason="remediate"):
        """A new job."""
        return self.place.books.new_job(reason, "a test")

    def put(self, count=1):
        """Deliver messages; return their Message-IDs."""
        made = [f"door-{next(self.numbers)}" for _ in range(count)]
        for subject in made:
            self.place.put_mail(self.connection.tenant_id, ALICE, subject)
        return [f"<{subject}@b.example>" for subject in made]

    def dial(self, **dials):
        """Turn dials of this tenant."""
        self.place.lab.set(self.connection.tenant_id, **dials)

    def stubs(self, job, kind="call"):
        """The stubs of one kind that a job left, in order."""
        rows = self.place.books.ledger.stubs(kinds={kind})
        return [row.stub.body for row in rows if row.stub.body.get("job") == job.id]


@pytest.fixture(scope="session")
def _connected(tmp_path_factory):
    with place(tmp_path_factory.mktemp("door")) as started:
        connection = started.register("door", "Mail guard", ROLES)
        started.lab.add_mailbox(connection.tenant_id, ALICE)
        assert started.connect(connection).works
        yield Connected(started, connection)


@pytest.fixture
def connected(_connected):
    """A connected tenant in which nothing goes wrong until a test says so."""
    _connected.dial(**CALM)
    _connected.pauses.clear()
    _connected.calm_after = 0
    yield _connected
    _connected.dial(**CALM)
