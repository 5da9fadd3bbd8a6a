"""What several lines about one tenant come to: none of them takes away what another one founds."""

import json
from datetime import datetime
from itertools import permutations

import pytest

from counterfoil.evidence.stubs import read_stubs

TENANT = "11111111-1111-1111-1111-111111111111"
SINCE = datetime.fromisoformat("2026-10-05T09:00:00Z")
MAIL = {"connected": True, "roles": ["Mail.ReadWrite"]}
CONTROL = {"connected": True, "roles": ["Application.ReadWrite.OwnedBy"]}
OVER = {"connected": False, "roles": []}


def _line(day: int | None = None, **said):
    time = {} if day is None else {"time": f"2026-{9 if day > 6 else 10:02}-{day:02}T09:00:00Z"}
    return {"kind": "tenant", "tenant": TENANT, "name": "acme", **time, **said}


def _standing(*lines, more=()):
    return read_stubs(map(json.dumps, [*lines, *more])).standings(SINCE)[TENANT]


TOKEN = {"kind": "token", "time": "2026-10-05T09:01:00Z", "tenant": TENANT, "app": "a"}
KEY = {"kind": "credential", "time": "2026-09-05T09:01:00Z", "tenant": TENANT, "app": "a", "thumbprint_sha1": "B4" * 20}


@pytest.mark.parametrize(
    "other", [CONTROL, OVER, {"connected": True, "roles": []}, {"connected": False, "roles": None}]
)
@pytest.mark.parametrize("days", [(None, None), (20, 21), (20, None), (None, 20)])
def test_a_line_about_another_application_leaves_the_roles_of_the_first(other, days):
    """Whatever is said of a second application, before or after, the first can still read mail."""
    for order in permutations([_line(days[0], **MAIL), _line(days[1], **other)]):
        found = _standing(*order, more=[TOKEN])
        assert found.connected
        assert "Mail.ReadWrite" in found.roles


def test_unknown_roles_of_one_application_are_unknown_roles():
    """One of them may be able to do anything, so the tenant's credential may."""
    assert _standing(_line(**MAIL), _line(connected=True, roles=None)).roles is None


def test_roles_that_are_no_list_are_not_known():
    """A text where a list belongs is no empty list."""
    assert _standing(_line(connected=True, roles="User.Read.All")).roles is None


@pytest.mark.parametrize(
    ("more", "connected"),
    [
        ([], False),
        ([TOKEN], True),
        ([{**KEY, "state": "current"}], True),
        ([{**KEY, "state": "current"}, {**KEY, "state": "retired"}], False),
    ],
)
@pytest.mark.parametrize("lines", [[_line(**OVER)], [_line(20, **MAIL), _line(21, connected=False, roles=None)]])
def test_who_has_no_connection_has_no_use_and_no_living_credential_either(lines, more, connected):
    """A token, or a key of ours that nobody retired, says more than a line that there is nothing."""
    assert _standing(*lines, more=more).connected is connected


def test_a_disconnected_tenant_that_was_used_may_have_had_any_role():
    """Nobody says what the connection could do while there was one."""
    assert _standing(_line(**OVER), more=[TOKEN]).roles is None


@pytest.mark.parametrize("ended", [6, None, 5])
def test_a_connection_counts_in_the_window_in_which_it_was(ended):
    """It ended in or after the window, or nobody says when: only an end before the window is one."""
    began = _line(20, **MAIL)
    found = _standing(began, _line(ended, **OVER))

    assert found.connected is (ended != 5)


def test_one_end_does_not_end_two_connections():
    """Whether it was said of the tenant or of one application cannot be told."""
    assert _standing(_line(20, **MAIL), _line(21, **CONTROL), _line(22, **OVER)).connected
    mistake = _standing(_line(20, **MAIL), _line(21, **OVER), _line(22, **CONTROL))
    assert mistake.roles == ("Application.ReadWrite.OwnedBy",)
