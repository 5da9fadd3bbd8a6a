"""RTF destinations, with the escapes that hide a reference undone."""

import pytest

from counterfoil.scan.formats.rtf import destinations, has


@pytest.mark.parametrize(
    "data",
    [
        rb"{\rtf1{\*\template http://x.example/a.dotm}}",
        rb"{\rtf1{\*\template \'68\'74\'74p://x.example/a.dotm}}",
        rb"{\rtf1{\*\template \u104?\u116?tp://x.example/a.dotm}}",
        rb"{\rtf1{\*\template {\*\junk }htt{p://x.e}xample/a.dotm}}",
        b"{\\rtf1{\\*\\template\r\nhttp://x.\r\nexample/a.dotm}}",
        rb"{\rtf1{\*\TEMPLATE http://x.example/a.dotm}",
    ],
    ids=["plain", "hex", "unicode", "groups", "line ends", "capitals and no end"],
)
def test_a_reference_is_read_through_its_disguise(data):
    """Hex, Unicode escapes, groups, line ends and capitals change nothing."""
    assert list(destinations(data, "template")) == ["http://x.example/a.dotm"]


def test_other_words_are_not_taken_for_it():
    """A longer control word is another one."""
    assert list(destinations(rb"{\templatex a}", "template")) == []
    assert has(rb"{\objupdate }", "objupdate")
    assert not has(rb"{\objupdated }", "objupdate")
