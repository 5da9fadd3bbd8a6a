"""The work by hand: what was seen by real use decides, and the gap is shown."""

from datetime import timedelta

import pytest
from tests.incident.conftest import NOW

from counterfoil.incident.notice import steps_notice
from counterfoil.incident.steps import Handover, Met, Observed, met, standing

DEADLINE = NOW + timedelta(days=3)
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
A, R, G, U, OFF = Met.ACCEPTED, Met.REFUSED, Met.GONE, Met.UNKNOWN, Met.OFF


def stand(*looks, said=None, days=1):
    """Where a customer stands after looks an hour apart."""
    seen = [Observed(NOW + timedelta(hours=n), old, new) for n, (old, new) in enumerate(looks)]
    return standing(seen, said, DEADLINE, NOW + timedelta(days=days))


@pytest.mark.parametrize(
    ("looks", "state"),
    [
        ((), "open"),
        (((A, R),), "open"),
        (((A, A),), "added"),
        (((R, R),), "deleted-first"),
        (((G, G),), "deleted-first"),
        (((OFF, OFF),), "deleted-first"),
        (((OFF, A),), "added"),
        (((R, A),), "done"),
        (((R, A), (A, A)), "added"),
        (((G, A),), "added"),
        (((U, A),), "added"),
        (((U, U),), "open"),
    ],
)
def test_real_use_decides(looks, state):
    """Done is only a refusal of the old key as unknown, together with the new one accepted, in the last look."""
    assert stand(*looks).state == state


def test_their_word_is_said_to_be_their_word():
    """Without real use the state is by-word; real use that contradicts it wins."""
    assert stand(said=NOW).state == "by-word"
    assert "no real use has shown it" in stand(said=NOW).words
    contradicted = stand((A, R), said=NOW)
    assert contradicted.state == "open"
    assert "they said" in contradicted.words


def test_who_deleted_first_has_a_gap_until_the_new_key_works():
    """The time in which no key worked is shown from the first look to the one that won."""
    shut = stand((A, R), (R, R), (R, R), (R, A))
    assert (shut.gap_since, shut.gap_until) == (NOW + timedelta(hours=1), NOW + timedelta(hours=3))
    assert stand((R, R)).gap_until is None
    assert stand((A, A), (R, A)).gap_since is None


def test_overdue_is_who_is_not_done_after_the_deadline():
    """Done is never overdue."""
    assert stand((A, R), days=4).overdue
    assert not stand((A, R)).overdue
    assert not stand((R, A), days=4).overdue


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (None, A),
        ("AADSTS700027", R),
        ("AADSTS700016", G),
        ("AADSTS7000112", OFF),
        ("AADSTS7000229", OFF),
        ("AADSTS53003", U),
        ("busy", U),
    ],
)
def test_only_an_unknown_key_proves_something_about_the_key(error, word):
    """A disabled application or a policy refuses every key."""
    assert met(error) is word


def test_the_page_has_its_own_ids_and_the_order_that_leaves_nothing_old():
    """Portal wording, PowerShell and certificate carry this customer's ids; the list is replaced in one write."""
    handover = Handover("Contoso", "t1", "a1", ("OLD1",), "NEW1NEW1", PEM, DEADLINE)
    subject, html, text = steps_notice([handover], "CF-1", "Example", NOW)
    assert "27 November 2026, 05:00 UTC" in subject
    for paper in (html, text):
        for word in ("Contoso", "t1", "a1", "OLD1", "NEW1NEW1", "BEGIN CERTIFICATE", "App registrations"):
            assert word in paper
    lines = handover.powershell()
    assert sum(line.startswith("Update-MgApplication") for line in lines) == 1
    assert next(n for n, line in enumerate(lines) if "throw" in line) < lines.index(
        "Update-MgApplication -ApplicationId $app.Id -KeyCredentials @($key)"
    )


def test_two_connections_of_one_customer_stand_on_one_page():
    """Each has its own application, certificate and command; nothing of the first is lost."""
    work = [Handover("Contoso", "t1", f"app{n}", (f"OLD{n}",), f"NEW{n}", f"PEM{n}", DEADLINE) for n in (1, 2)]
    _, html, text = steps_notice(work, "CF-1", "Example", NOW)
    for paper in (html, text):
        for word in ("app1", "app2", "OLD1", "OLD2", "NEW1", "NEW2", "PEM1", "PEM2"):
            assert word in paper
    assert "Connection 2 of 2" in html
    assert "CONNECTION 2 OF 2" in text


@pytest.mark.parametrize(("old", "state"), [(G, "done"), (R, "done"), (OFF, "added"), (A, "added"), (U, "added")])
def test_a_connection_made_anew_is_done_once_the_old_application_is_gone(old, state):
    """A new application that works is half of it; one that is only switched off may be switched on again."""
    seen = [Observed(NOW, old, A, anew=True)]
    assert standing(seen, None, DEADLINE, NOW).state == state


def test_their_word_is_overdue_too():
    """What only they say does not stop the clock."""
    assert stand(said=NOW, days=4).overdue


def test_the_page_says_how_to_make_the_connection_anew():
    """Deleted twice, since a deleted application can be restored; with its own roles, and no others."""
    work = [Handover("one", "tid", "app-id", ("AA",), "BB", PEM, DEADLINE, ("Mail.Read",))]
    _, html, text = steps_notice(work, "CF-1", "Example", NOW)
    for page in (html, text):
        assert "Remove-MgDirectoryDeletedItem" in page
        assert "Delete permanently" in page
        assert "810c84a8-4a9e-49e6-bf7d-12d183f40d01" in page
        assert "e2a3a72e-5f79-4c64-b1b1-878b674786c9" not in page
