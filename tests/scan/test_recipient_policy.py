"""What is different for one recipient: only what is named, for the address itself or else for its domain."""

import pytest

from counterfoil.scan.policy_document import read, write
from counterfoil.scan.recipient_policy import for_recipient
from counterfoil.scan.verdict import REASONS

DOCUMENT = write(
    read(
        {
            "actions": {"suspicious": "tag"},
            "overrides": {"sender": "high"},
            "hold_days": 9,
            "recipients": [
                {"to": "@board.example", "actions": {"suspicious": "reject"}},
                {"to": "Abuse@board.example", "actions": {"malicious": "tag"}, "overrides": {"eicar": "off"}},
                {"to": "ann@acme.example", "tag": {"subject_prefix": "[!] "}},
            ],
        },
        REASONS,
    )
)


@pytest.mark.parametrize(
    ("address", "suspicious", "malicious", "overrides", "prefix"),
    [
        ("bob@acme.example", "tag", "quarantine", {"sender": "high"}, ""),
        ("bob@BOARD.example", "reject", "quarantine", {"sender": "high"}, ""),
        ("bob@sub.board.example", "tag", "quarantine", {"sender": "high"}, ""),
        ("abuse@board.example", "tag", "tag", {"sender": "high", "eicar": "off"}, ""),
        ("ANN@acme.example", "tag", "quarantine", {"sender": "high"}, "[!] "),
    ],
)
def test_only_what_is_named_differs(address, suspicious, malicious, overrides, prefix):
    """An entry for the address wins over one for its domain; what it does not name is as for everybody."""
    found = for_recipient(DOCUMENT, address)
    policy = read(found, REASONS)
    assert (str(policy.actions["suspicious"]), str(policy.actions["malicious"])) == (suspicious, malicious)
    assert ({name: str(word) for name, word in policy.overrides.items()}, policy.tag.subject_prefix) == (
        overrides,
        prefix,
    )
    assert (policy.hold_days, "recipients" in found) == (9, False)


def test_a_policy_without_entries_is_itself():
    """Nothing is copied where nothing differs: equal policies stay one."""
    plain = write(read({}, REASONS))
    assert for_recipient(plain, "ann@acme.example") is plain
    assert for_recipient({}, "ann@acme.example") == {}
