"""Sessions: how long they last, and what is kept of them."""

from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.console.sessions import IDLE, LIFE, MOST, PER_ACCOUNT, Sessions, same

NOW = datetime(2026, 3, 4, tzinfo=UTC)


def test_a_session_ends_when_nobody_is_there():
    """Each page keeps it going; a live page that only watches does not."""
    sessions = Sessions()
    token = sessions.begin("chief", 1, NOW)
    later = NOW + IDLE - timedelta(seconds=1)
    assert sessions.find(token, later) is not None
    assert sessions.find(token, later + IDLE - timedelta(seconds=1), touch=False) is not None
    assert sessions.find(token, later + IDLE) is None
    assert sessions.find(token, NOW) is None


def test_a_session_ends_in_the_end():
    """However busy somebody is."""
    sessions = Sessions()
    token = sessions.begin("chief", 1, NOW)
    moment = NOW
    while moment < NOW + LIFE - IDLE:
        moment += IDLE / 2
        assert sessions.find(token, moment) is not None
    assert sessions.find(token, NOW + LIFE) is None


def test_tokens_are_not_kept():
    """What stands in our memory opens no session."""
    sessions = Sessions()
    token = sessions.begin("chief", 1, NOW)
    assert token not in repr(sessions._open)
    for key in sessions._open:
        assert sessions.find(key, NOW) is None


def test_an_account_has_so_many_sessions_and_the_console_too():
    """The oldest gives way; another account's does not."""
    sessions = Sessions()
    other = sessions.begin("other", 1, NOW)
    tokens = [sessions.begin("chief", 1, NOW) for _ in range(PER_ACCOUNT + 1)]
    assert [sessions.find(token, NOW) is not None for token in tokens] == [False] + [True] * PER_ACCOUNT
    assert sessions.find(other, NOW) is not None
    for number in range(MOST):
        sessions.begin(f"a{number}", 1, NOW)
    assert len(sessions._open) == MOST


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [("a", "a", True), ("a", "b", False), ("", "", False), ("é", "é", True), ("\ud800", "?", True)],
)
def test_secrets_are_compared_whatever_they_are(one: str, other: str, is_same: bool):
    """Text of any kind is compared; nothing is the same as the empty text."""
    assert same(one, other) is is_same
