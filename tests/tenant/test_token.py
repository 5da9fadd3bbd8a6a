"""Tokens: kept until shortly before their end, asked for anew by a client of their own, each with its stubs."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.model.errors import Unavailable
from counterfoil.tenant.endpoints import GRAPH
from counterfoil.tenant.entra_words import HINTS
from counterfoil.tenant.token import Token, TokenRefused, Tokens, read_token

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("life", "margin"),
    [(3600, 60), (5400, 60), (100_800, 60), (240, 60), (239, 59.75), (20, 5), (4, 1)],
)
def test_a_token_is_kept_until_a_minute_or_a_quarter_of_its_life_before_its_end(life, margin):
    """The smaller of the two: MSAL would serve none with less than five minutes left, and a drill's live seconds."""
    token = Token("t", "u", (), NOON, NOON + timedelta(seconds=life))
    last = token.expires - timedelta(seconds=margin)
    assert token.good_at(last - timedelta(microseconds=1))
    assert not token.good_at(last)


def test_a_kept_token_serves_until_then_and_a_fresh_one_is_always_new(connected):
    """One sign-in for two questions; verification asks anew although the kept one is good."""
    tokens, job = connected.door.tokens, connected.job("verify")
    first = tokens.token(GRAPH, job)
    assert tokens.token(GRAPH, job) is first
    fresh = tokens.fresh(GRAPH, job)
    assert fresh.uti != first.uti
    assert tokens.token(GRAPH, job) is first
    tokens.drop(first)
    assert tokens.token(GRAPH, job).uti not in {first.uti, fresh.uti}
    stubs = connected.stubs(job, "token")
    assert [stub["outcome"] for stub in stubs] == ["unknown", "issued"] * 3
    assert len({stub["correlation_id"] for stub in stubs}) == len({stub["jti"] for stub in stubs}) == 3
    rows = connected.place.lab.operate("rows", tenant=connected.connection.tenant_id, log="signin")
    logged = {row["body"]["correlationId"] for row in rows}
    assert {stub["correlation_id"] for stub in stubs} <= logged, "the tenant's log has the ids that we chose"


def test_a_short_life_is_used_up_and_then_renewed(connected):
    """With tokens of four seconds the kept one is given up a second before its end; the clock is the test's."""
    connected.dial(token_life_min=4, token_life_max=4)
    try:
        door, job = connected.door, connected.job("verify")
        means, late = door.means, []
        now = means.clock
        clocked = type(means)(
            means.writes, means.wire, means.endpoints, lambda: now() + sum(late, timedelta()), means.pause
        )
        tokens = Tokens(connected.connection, door.tokens.credential, connected.place.books.through.for_use, clocked)
        first = tokens.token(GRAPH, job)
        assert tokens.token(GRAPH, job) is first
        late.append(timedelta(seconds=4))
        assert tokens.token(GRAPH, job).uti != first.uti
    finally:
        connected.dial(token_life_min=3600, token_life_max=5400)


def test_an_unknown_tenant_is_told_by_its_code(connected):
    """MSAL only says that it got no description; the words of the token service are what is told."""
    door = connected.door
    lost = type(connected.connection)(
        **{name: getattr(connected.connection, name) for name in connected.connection.__slots__}
        | {"tenant_id": "00000000-aaaa-4000-8000-000000000000"}
    )
    tokens = Tokens(lost, door.tokens.credential, connected.place.books.through.for_use, door.means)
    with pytest.raises(TokenRefused) as caught:
        tokens.fresh(GRAPH, connected.job("verify"))
    assert (caught.value.code, caught.value.hint) == ("AADSTS90002", HINTS["AADSTS90002"])


def part(claims):
    """A part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "opaque",
        "a.b.c",
        f"a.{part([])}.c",
        f"a.{part({'uti': 'u', 'iat': 1})}.c",
        f"a.{part({'iat': 1, 'exp': 'x'})}.c",
    ],
)
def test_a_token_that_cannot_be_read_is_no_token(value):
    """Without id and times it could be in no book: it is not used."""
    with pytest.raises(Unavailable, match="cannot be read"):
        read_token(value)
