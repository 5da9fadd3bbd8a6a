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
