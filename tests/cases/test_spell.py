"""The spellings, against real values that the reference decodes."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from counterfoil.cases import spell


@pytest.mark.parametrize(
    ("guid", "wanted"),
    [
        ("51f7f038-e699-4b4e-9ddb-8c11c3a01300", "OPD3UZnmTkud24wRw6ATAA"),
        ("506b3eaf-1006-44ab-b557-cc116c6d6f00", "rz5rUAYQq0S1V8wRbG1vAA"),
        ("22608a25-1d9b-44b5-b0f2-cb94f06b2d00", "JYpgIpsdtUSw8suU8GstAA"),
    ],
)
def test_uti_is_base64url_of_the_guid_in_dotnet_order(guid, wanted):
    """Real request ids and the unique token identifiers beside them in public records agree."""
    assert spell.uti(UUID(guid)) == wanted


def test_the_spelling_of_2022_is_base64_of_the_text():
    """The Graph API's 48 characters decode to the very GUID text."""
    wanted = "NTA2YjNlYWYtMTAwNi00NGFiLWI1NTctY2MxMTZjNmQ2ZjAw"
    assert spell.uti_of_2022(UUID("506b3eaf-1006-44ab-b557-cc116c6d6f00")) == wanted


def test_times_are_spelled_as_each_log_has_them():
    """Diagnostic settings have seven digits and Z, audit records whole seconds and no Z."""
    moment = datetime(2026, 10, 5, 9, 14, 7, 120_000, tzinfo=UTC)
    assert spell.ticks(moment) == "2026-10-05T09:14:07.1200000Z"
    assert spell.plain(moment) == "2026-10-05T09:14:07"
    assert spell.portal(datetime(2026, 10, 5, 21, 14, 7, 120_000, tzinfo=UTC)) == "10/5/2026, 09:14:07.120 PM"


REQUEST = UUID("22608a25-1d9b-44b5-b0f2-cb94f06b2d00")


@pytest.mark.parametrize(
    ("name", "sign_in", "audit"),
    [
        ("spelling", "MjI2MDhhMjUtMWQ5Yi00NGI1LWIwZjItY2I5NGYwNmIyZDAw", "22608a25-1d9b-44b5-b0f2-cb94f06b2d00"),
        ("spelling-padded", "JYpgIpsdtUSw8suU8GstAA==", "JYpgIpsdtUSw8suU8GstAA"),
        ("spelling-guid-order", "JYpgIpsdtUSw8suU8GstAA", "258a6022-9b1d-b544-b0f2-cb94f06b2d00"),
    ],
)
def test_each_vintage_spells_a_token_in_its_way(name, sign_in, audit):
    """The bytes of one real pair, written out by hand for every spelling."""
    vintage = spell.VINTAGES[name]
    assert vintage.sign_in_id(REQUEST, late=False) == sign_in
    assert vintage.audit_id(REQUEST, late=True) == audit


@pytest.mark.parametrize(("name", "late"), [("unknown-spelling", "urn:token:"), ("unfilled-key", "none")])
def test_a_broken_vintage_is_broken_in_the_second_half_alone(name, late):
    """The first half proves its hours; the second cannot."""
    vintage = spell.VINTAGES[name]
    assert vintage.graph_id(REQUEST, late=False) == "JYpgIpsdtUSw8suU8GstAA"
    assert vintage.graph_id(REQUEST, late=True).startswith(late)


def test_thumbprints_are_spelled_as_their_year_had_them():
    """Hex, base64url, or whatever that log writes where there is nothing."""
    sha1 = "B45A29F60A83B210302B174E58386EFBB612EAA1"
    said = {name: vintage.print_of(sha1, late=True) for name, vintage in spell.VINTAGES.items()}
    assert said["spelling-padded"] == "tFop9gqDshAwKxdOWDhu-7YS6qE="
    assert (said["spelling"], said["spelling-none"], said["unfilled-key"]) == ("", "none", "")
    assert said["spelling-fields"] == sha1
