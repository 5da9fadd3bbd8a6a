"""Locks that open by themselves are a finding, once for each lock."""

from tests.scan.making import message

from counterfoil.scan.checks.default_password import check
from counterfoil.scan.features import Ambiguity


def test_a_lock_is_reported_once_although_its_stream_is_a_part_as_well():
    """The workbook stream inside a locked file carries the same lock."""
    how = "'VelvetSweatshop' opens it; RC4"
    places = [Ambiguity("ole:default-password", part, how) for part in ("2", "2/1", "3")]
    found = list(check(message(ambiguities=tuple(places))))
    assert [(one.part, str(one.severity), one.evidence["how"]) for one in found] == [
        ("2", "high", how),
        ("3", "high", how),
    ]
    assert "T1027.013" in found[0].techniques


def test_other_oddities_are_not_locks():
    """Nothing else is taken for a lock."""
    assert list(check(message(ambiguities=(Ambiguity("ole:embedded-file", "1", "x"),)))) == []
