"""What a person reads in a terminal: the sum first, nothing cut off, what it did beside what it could have done."""

from datetime import UTC, datetime

import pytest

from counterfoil.evidence.phrases import counted, percent, span_words
from counterfoil.evidence.words import summary_lines

GUIDS = [f"{n:08x}-0000-4000-8000-000000000000" for n in range(40)]
NOTHING = {"mailboxes": [], "messages": [], "items": [], "widened": []}


def tenant(guid, state, reasons=(), **more):
    """One tenant's part of an answer."""
    radius = {"read": NOTHING, "changed": NOTHING, "persistence": [], "techniques": []}
    covered = {"source": "sign-ins", "hours_proven": 1, "hours_not": 0, "states": {"proven": 1}, "bound": 0.02}
    whole = {"tenant": guid, "name": None, "state": state, "reasons": [*reasons], "discrepancies": [], "could": []}
    return whole | {"radius": radius, "coverage": [covered]} | more


def document(*tenants, using=4):
    """An answer about tenants."""
    states = [one["state"] for one in tenants]
    counts = {name.replace("-", "_"): states.count(name) for name in ("touched", "cannot-say", "clean")}
    return {"summary": {"tenants": len(tenants), "using": using, **counts}, "tenants": list(tenants)}


THEFT = tenant(
    GUIDS[0], "touched", ["stolen-certificate: 2 rows by B45A (sign-in-without-stub)"], name="Contoso",
    discrepancies=[{
        "kind": "stolen-certificate", "rule": "sign-in-without-stub", "first": "2026-10-05T09:30:00Z",
        "last": "2026-10-05T09:31:10Z", "count": 2, "addresses": ["198.51.100.9"],
        "evidence": [{"source": "sign-ins", "subject": "B45A29F60A83B210302B174E58386EFBB612EAA1"}]}],
    could=[{"role": "Mail.ReadWrite", "allows": "read, change, move and delete every message in every mailbox"}],
    radius={"read": {"mailboxes": ["alice@contoso.example"], "messages": [f"<m{n}@contoso.example>" for n in range(12)],
                     "items": [], "widened": []}, "changed": NOTHING,
            "persistence": [{"kind": "forwarding", "what": "New-InboxRule: ForwardTo x@evil.example"}],
            "techniques": [{"id": "T1199", "name": "Trusted Relationship", "rows": ["r1"]}]},
)  # fmt: skip


def lines(whole, moment, width=None):
    """The lines' texts."""
    return [line.text for line in summary_lines(whole, [], moment, moment, width)]


@pytest.fixture
def moment():
    """Some time."""
    return datetime(2026, 10, 5, tzinfo=UTC)


def test_what_there_is_to_know_of_clean_tenants_is_said(moment):
    """A theft beside the window of a clean tenant is named; what concerns all is one line with their number."""
    note = "no job lines in the stubs: the rule for inside use is off"
    clean = [tenant(guid, "clean", [note]) for guid in GUIDS[1:30]]
    text = lines(
        document(tenant(GUIDS[0], "clean", ["outside the window: 1 row", note], name="Contoso"), *clean), moment
    )

    place = text.index("Clean, with something to know")
    assert text[place + 1].split(maxsplit=2) == ["1", "tenant", "outside the window: 1 row"]
    assert text[place + 2].strip() == f"Contoso ({GUIDS[0]})"
    assert text[place + 3].split(maxsplit=2) == ["30", "tenants", note]
    assert text[place + 4].endswith("and 20 more")


def test_the_sum_comes_first(moment):
    """About ten percent use it, three touched, one cannot be judged: the second and third line say so."""
    touched = [tenant(guid, "touched") for guid in GUIDS[:3]]
    whole = document(*touched, tenant(GUIDS[3], "cannot-say"), *(tenant(guid, "clean") for guid in GUIDS[4:40]))

    assert lines(whole, moment)[1:3] == [
        "40 tenants, of which 4 use the connection (10 %)",
        "3 touched by somebody else, 1 cannot be judged, 36 clean",
    ]


def test_tenants_stand_by_name_and_a_long_answer_ends_with_the_sum(moment):
    """A person looks for a name, and reads the end of what has scrolled away."""
    some = [tenant(guid, "touched", name=f"n{40 - n:02}") for n, guid in enumerate(GUIDS)]
    text = lines(document(*some), moment)
    names = [line.partition(" (")[0] for line in text if line.startswith("n") and " (" in line]

    assert names == sorted(names)
    assert text[-1] == text[2] == "40 touched by somebody else, 0 cannot be judged, 0 clean"
    assert lines(document(some[0]), moment)[-1] != text[2]


def test_a_touched_tenant_is_told_whole(moment):
    """Name and id, what was found and when, what it did beside what it could have done, what is left."""
    text = "\n".join(lines(document(THEFT), moment))

    for words in (
        f"Contoso ({GUIDS[0]})",
        "2 rows, 2026-10-05 09:30:00 to 09:31:10, from 198.51.100.9",
        "did                 read 12 messages in 1 mailbox: alice@contoso.example",
        "<m9@contoso.example> and 2 more",
        "could               Mail.ReadWrite: read, change, move and delete every message",
        "left behind         forwarding: New-InboxRule: ForwardTo x@evil.example",
        "ATT&CK 18.1         T1199 Trusted Relationship: 1 row",
        "sign-ins            1 of 1 hour proven; under 2.0 % can be lost unnoticed",
    ):
        assert words in text
    assert text.count("stolen-certificate") == 1, "its reason is not told twice"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fold_into_the_terminal_and_lose_nothing(moment, width):
    """No line is wider than the terminal, and every word of the unfolded answer is there."""
    folded = lines(document(THEFT), moment, width)

    assert max(map(len, folded)) <= width
    assert "".join("".join(folded).split()) == "".join("".join(lines(document(THEFT), moment)).split())


def test_tenants_with_the_same_reasons_are_told_together(moment):
    """Forty tenants without one log are one paragraph; the names beyond twenty are counted."""
    whole = document(
        *(tenant(guid, "cannot-say", ["sign-ins: 1 of 1 hours not-exported: export it"]) for guid in GUIDS)
    )
    text = lines(whole, moment)

    assert sum("not-exported" in line for line in text) == 1
    assert sum(line in GUIDS for line in text) == 20
    assert "and 20 more for the same reasons; --json names them" in text


def test_stubs_without_a_row_are_one_line(moment):
    """A log that lost rows says so once, however many tokens it concerns."""
    unseen = [
        {"kind": "unseen", "rule": "no-row-in-mailbox-audit", "count": 3, "first": None, "last": None, "evidence": []}
    ] * 30
    text = lines(document(tenant(GUIDS[0], "touched", discrepancies=unseen)), moment)

    assert [line for line in text if "unseen" in line] == [
        "  unseen              90 stubs of ours without a row in mailbox-audit"
    ]


@pytest.mark.parametrize(
    ("share", "words"), [(1.0, "100 %"), (0.9, "90 %"), (0.039, "3.9 %"), (0.0003, "0.03 %"), (0.0000001, "0.01 %")]
)
def test_shares_are_never_powers_of_ten(share, words):
    """A person reads two figures; below a hundredth of a percent the bound is rounded up."""
    assert percent(share) == words


def test_numbers_agree_with_their_nouns():
    """One row, two rows, one mailbox, two mailboxes, thousands with a comma."""
    assert [counted(1, "row"), counted(2_000, "row"), counted(1, "mailbox"), counted(2, "mailbox")] == [
        "1 row",
        "2,000 rows",
        "1 mailbox",
        "2 mailboxes",
    ]


def test_a_span_names_its_day_once():
    """Within one day the second time is a time of day; a row without a time says so."""
    other = {"first": "2026-10-05T23:00:00Z", "last": "2026-10-06T01:00:00Z"}

    assert span_words(other) == "2026-10-05 23:00:00 to 2026-10-06 01:00:00"
    assert span_words({"first": None, "last": None}) == "at a time the rows do not tell"
