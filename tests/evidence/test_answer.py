"""What a listing found in a tenant, in that tenant's answer: who has to look, and what is shown."""

import pytest

from counterfoil.evidence.answer import tenant_answer
from counterfoil.evidence.persistence import CONSENT, FORWARDING, LISTING, RULE
from counterfoil.evidence.radius import Radius


def entry(kind):
    """One thing that a list shows."""
    return {"kind": kind, "what": f"listed: {kind}", "mailbox": None, "keys": [], "time": None, "record": LISTING}


@pytest.mark.parametrize(
    ("kinds", "gaps", "state", "shown"),
    [
        ([], [], "clean", []),
        ([RULE, FORWARDING], [], "clean", []),
        ([RULE], ["an hour is not proven"], "cannot-say", [RULE]),
        ([CONSENT, FORWARDING], [], "cannot-say", [CONSENT, FORWARDING]),
    ],
)
def test_a_listed_rule_may_be_anybodys(kinds, gaps, state, shown):
    """People make rules themselves, and a log says who made one: alone it costs nobody "clean"; else it is shown."""
    answer = tenant_answer(
        "t",
        [],
        unseen=[],
        radius=Radius(),
        coverage=[],
        required=[],
        gaps=gaps,
        notes=[],
        listed=[entry(kind) for kind in kinds],
    )
    assert (answer.state, [one["kind"] for one in answer.radius.persistence]) == (state, shown)
