"""How a campaign is shown on terminals of 80 and 120 columns: three facts apart, and what the watch saw."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from counterfoil.cli import output
from counterfoil.cli.rotate_status import REHEARSED, as_document, say_status
from counterfoil.credential.campaign import Pace, Place, label_of
from counterfoil.credential.campaigns import Campaign, Campaigns
from counterfoil.credential.rotation import Kind, Move, State, Step
from counterfoil.database import open_database
from counterfoil.ledger.ledger import Ledger
from counterfoil.tenant.registry import Connections

NOW = datetime(2026, 10, 5, 9, 31, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Shelf:
    """A ledger and the register on it."""

    def __init__(self, ledger):
        self.ledger, self.connections = ledger, Connections(ledger)


@pytest.fixture
def shelf(tmp_path):
    """One campaign with a tenant in each of four states."""
    engine = open_database(tmp_path / "counterfoil.db")
    ledger = Ledger(engine)
    blank = Place("c1", "t", Kind.COMPROMISE, ("OLD",), label_of("c1", "t"))
    removed = replace(blank, removed_at=NOW)
    places = [
        replace(blank, tenant="a-tenant-of-20-chars", here=Move(State.VERIFIED, Step.SWITCH), words="its wave waits"),
        replace(removed, tenant="retired", here=Move(State.RETIRED, Step.RELIST), dead_at=NOW + HOUR),
        replace(
            removed,
            tenant="done",
            here=Move(State.DONE, Step.NOTHING),
            dead_at=NOW + HOUR,
            out_at=NOW + 28 * HOUR,
            looked_at=NOW + 30 * HOUR,
            proven_until=NOW + 29 * HOUR,
            unproven=1,
            used_since=2,
            tried_since=3,
        ),
        replace(blank, tenant="held", here=Move(State.HELD, Step.ASK), came_from=Move(State.RETIRING, Step.RETIRE)),
    ]
    Campaigns(ledger).open(
        Campaign("c1", Kind.COMPROMISE, NOW, "ada", (tuple(p.tenant for p in places),), None), places
    )
    yield Shelf(ledger)
    ledger.close()
    engine.dispose()


@pytest.mark.parametrize("width", [80, 120])
def test_the_facts_fit_and_are_three(shelf, monkeypatch, capsys, width):
    """Removed, out and dead stand beside each other; one that is not a fact yet is a dash, and says until when."""
    monkeypatch.setattr(output, "stdout", Console(force_terminal=True, width=width, highlight=False, no_color=True))
    say_status(shelf, "c1", Pace(), as_json=False)
    lines = capsys.readouterr().out.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    facts = [line for line in lines if line and not line.startswith(("c1:", "  "))]
    assert max(map(len, facts)) <= 80
    assert facts[0].split("  ")[0] == "tenant"
    assert [facts[0].find(head) for head in ("key removed", "attacker out", "proven dead")] == sorted(
        facts[0].find(head) for head in ("key removed", "attacker out", "proven dead")
    )
    by_name = {line.split()[0]: line for line in facts}
    assert by_name["done"].split()[2:] == ["10-05", "09:31Z", "10-06", "13:31Z", "10-05", "10:31Z"]
    assert by_name["retired"].split()[2:] == ["10-05", "09:31Z", "-", "10-05", "10:31Z"]
    text = "\n".join(lines)
    assert "a token of the old key may still live until 2026-10-06T13:41:02Z" in text
    assert "USED 2 times since: counterfoil incident show c1-used-again" in text
    assert "refused 3 times since: counterfoil incident show c1-tried-again" in text
    assert "proven up to 2026-10-06T14:31:02Z; 1 hour not proven" in text
    assert "c1: compromise, not held; 1 verified, 1 done, 1 held, 1 retired" in text


def test_a_pipe_gets_each_tenant_on_one_line(shelf, capsys):
    """Without a terminal nothing is folded and times are whole."""
    say_status(shelf, "c1", Pace(), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert "2026-10-06T13:31:02Z" in next(line for line in lines if line.startswith("done"))


def test_a_good_rehearsal_reads_like_one(shelf, capsys):
    """Who was turned back once verified is rehearsed; who went back before that, by an operator's word, is not."""
    blank = Place("dry", "t", Kind.ROUTINE, ("OLD",), label_of("dry", "t"), here=Move(State.ROLLED_BACK, Step.NOTHING))
    places = [replace(blank, tenant="good", words=REHEARSED), replace(blank, tenant="cut-short", words="operator")]
    Campaigns(shelf.ledger).open(Campaign("dry", Kind.ROUTINE, NOW, "ada", (), None), places)
    say_status(shelf, "dry", Pace(), as_json=False)
    head, _, *lines = capsys.readouterr().out.splitlines()
    assert head == "dry: rehearsal, not held; 1 rolled-back, 1 rehearsed"
    assert [line.split()[:2] for line in sorted(lines)] == [["cut-short", "rolled-back"], ["good", "rehearsed"]]
    assert max(lines).endswith("rehearsed: published, accepted, taken away again")


def test_what_is_no_fact_is_null(shelf):
    """The document says nothing that was not seen."""
    (waiting,) = [p for p in Campaigns(shelf.ledger).places("c1").values() if p.state is State.VERIFIED]
    said = as_document("x", waiting, Pace())
    assert [said[name] for name in ("removed", "attacker_out", "proven_dead", "watched_until")] == [None] * 4
