"""What the tests of incidents share: a ledger of their own, and a part of an answer with every field filled."""

from datetime import UTC, datetime

import pytest

from counterfoil.database import open_database
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident.store import Incidents
from counterfoil.ledger.ledger import open_ledger

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
BY = Operator("ada", NOW)


@pytest.fixture
def store(tmp_path):
    """Incidents over a ledger with an embedded key."""
    engine = open_database(tmp_path / "counterfoil.db")
    ledger = open_ledger(engine, tmp_path, interval=3600)
    yield Incidents(ledger)
    ledger.close()
    engine.dispose()


def entry(tenant, word="own", state="touched"):
    """One tenant's part of an answer, in which every text from outside holds a word."""
    kind = {"touched": "stolen-certificate", "cannot-say": "unexplained"}.get(state)
    row = {
        "source": "sign-ins",
        "record": f"r-{word}",
        "time": "2026-11-24T04:00:00Z",
        "rule": "sign-in-without-stub",
        "subject": "1E8E9FFC270FA9770114BCB88D85F863CE0159F6",
        "success": True,
        "address": "203.0.113.9",
        "operation": f"GET /users/{word}",
        "mailbox": f"{word}@{word}.example",
        "file": "exports/somebody-else/signins.json",
        "place": 7,
    }
    found = {
        "kind": kind,
        "rule": "sign-in-without-stub",
        "first": "2026-11-24T04:00:00Z",
        "last": "2026-11-24T04:10:00Z",
        "count": 1,
        "addresses": ["203.0.113.9"],
        "evidence": [row],
    }
    touched = state == "touched"
    extent = {
        "mailboxes": [f"{word}@{word}.example"] if touched else [],
        "messages": [f"<1@{word}.example>"] if touched else [],
        "items": [f"item-{word}"] if touched else [],
        "widened": [{"mailbox": f"{word}@{word}.example", "folder": "inbox", "reason": f"listing {word}"}]
        if touched
        else [],
    }
    return {
        "tenant": tenant,
        "state": state,
        "reasons": [f"reason {word}"],
        "discrepancies": [found] if kind else [],
        "radius": {
            "read": extent,
            "changed": extent,
            "persistence": [{"kind": "subscription", "what": f"to {word}", "time": None}] if touched else [],
            "techniques": [
                {"id": "T1114.002", "name": "Remote Email Collection", "rows": [f"sign-ins:{tenant}:r-{word}"]}
            ]
            if touched
            else [],
        },
        "coverage": [
            {
                "source": "sign-ins",
                "hours_proven": 3,
                "hours_not": 1,
                "states": {"proven": 3, "unlicensed": 1},
                "bound": 0.1,
            }
        ],
    }
