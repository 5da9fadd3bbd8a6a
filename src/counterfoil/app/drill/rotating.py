"""The rotation of the drill, with heartbeats going on meanwhile; and the thief, who tries his copy again."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from counterfoil import clock
from counterfoil.app import campaigning
from counterfoil.app.campaigning import Wanted
from counterfoil.app.drill.customers import Customer, Shared
from counterfoil.app.drill.life import Heartbeats
from counterfoil.app.drill.stage import Stage
from counterfoil.app.driving import driver
from counterfoil.credential.campaign import Pace, Place
from counterfoil.credential.campaigns import Campaigns
from counterfoil.credential.rotation import Kind
from counterfoil.credential.waves import Brakes
from counterfoil.lab.thief import Thief

LIVES: dict[str, float] = {"token_life_min": 15.0, "token_life_max": 20.0, "bind_window_seconds": 2.0}
"""Lives in the laboratory, in seconds; the pace below rests on them."""

LAGS: dict[str, float] = {
    "replication_seconds": 1.0,
    "read_lag_seconds": 0.5,
    "signin_delay_max": 1.0,
    "activity_delay_max": 1.0,
    "audit_delay_max": 1.0,
    "directory_delay_max": 1.0,
}
"""Lags in the laboratory once everybody is on board: of keys among token servers, of reads, of rows in the logs."""

PACE = Pace(
    reads=2,
    successes=2,
    refusals=3,
    spacing=timedelta(seconds=1),
    propagation=timedelta(seconds=2),
    longest_token_life=timedelta(seconds=LIVES["token_life_max"]),
    import_session_life=timedelta(seconds=LIVES["token_life_max"]),
)
BRAKES = Brakes(bake=timedelta(seconds=1))
CAMPAIGN = "drill"
LONGEST = 600.0


def rotate(here: Stage, beats: Heartbeats, thumbprint: str, tick: Callable[[str], None]) -> dict[str, Place]:
    """Run the campaign; jobs of the service go on meanwhile, and wait where they have no credential."""
    plan = campaigning.make_plan(
        here.books, CAMPAIGN, Kind.COMPROMISE, Wanted((thumbprint,)), now=clock.now(), actor="drill"
    )
    campaigning.open_campaign(here.books, plan)
    stop = threading.Event()
    timer = threading.Timer(LONGEST, stop.set)
    timer.start()
    counts: dict[str, int] = {}

    def told(places: dict[str, Place]) -> None:
        now = dict(Counter(place.state.value for place in places.values()))
        if now != counts:
            counts.clear()
            counts.update(now)
            tick(", ".join(f"{count} {state}" for state, count in sorted(now.items())))
            beats.beat()

    try:
        driver(here.books, PACE, BRAKES).run(CAMPAIGN, stop, 0.2, told)
    finally:
        timer.cancel()
    return Campaigns(here.state.ledger).places(CAMPAIGN)


def thief_is_refused(here: Stage, customers: list[Customer], shared: Shared) -> dict[str, bool]:
    """Let the thief try his copy on every application again."""
    where = here.lab.endpoints
    refused: dict[str, bool] = {}
    with Thief(where.login, where.graph, where.ca, here.folder / "thief-again.jsonl") as thief:
        for customer in customers:
            holds = [
                thief.sign_in(customer.tenant_id, connection.app, shared.key_pem, shared.certificate_pem)
                for connection in customer.stolen
            ]
            refused[customer.name] = all(hold is None for hold in holds)
    return refused


def keys(here: Stage, customers: list[Customer]) -> dict[str, tuple[int, int]]:
    """Count the credentials that the laboratory lists where the stolen one was, and the applications, by customer."""
    counts: dict[str, tuple[int, int]] = {}
    for customer in customers:
        listed = [here.lab.operate("credentials", app_id=connection.app) for connection in customer.stolen]
        found = sum(len(one["keys"]) + len(one["secrets"]) + len(one["federations"]) for one in listed)
        counts[customer.name] = (found, len(listed))
    return counts
