"""What an operator asks of the laboratory is looked at before it is done, in words and not in Python's."""

import pytest

from counterfoil.lab.operations import OPERATIONS, see_arguments
from counterfoil.model.errors import Refused


@pytest.mark.parametrize(
    ("name", "given", "words", "hint"),
    [
        ("add_tenant", {"nme"}, "add_tenant takes no nme and lacks name", "it takes: name, [domains]"),
        ("add_tenant", {"name", "nme"}, "add_tenant takes no nme$", "it takes: name, "),
        ("add_mailbox", set(), "add_mailbox lacks tenant, address", "it takes: tenant, address"),
        ("openapi", {"x"}, "openapi takes no x", "it takes: nothing"),
        ("ad_tenant", set(), "the laboratory has no operation ad_tenant", "it has: add_tenant, "),
    ],
)
def test_a_wrong_key_is_told_with_those_that_there_are(name: str, given: set[str], words: str, hint: str):
    """The message names what is too much and what lacks; the hint lists what is taken, optional ones in brackets."""
    with pytest.raises(Refused, match=words) as refusal:
        see_arguments(name, given)
    assert hint in str(refusal.value.hint)


def test_what_takes_any_key_is_let_through():
    """Dials are known to the settings, which tell a wrong one themselves."""
    see_arguments("set_settings", {"token_life_min", "no such dial"})


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"set_settings"}))
def test_no_operation_takes_a_key_that_it_does_not_know(name: str):
    """Each that there is refuses one that no operation has."""
    with pytest.raises(Refused, match="takes no such-key"):
        see_arguments(name, {"such-key"})
