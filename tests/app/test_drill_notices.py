"""The drill holds what customers were told against the thief's journal, and a false notice fails it."""

from types import SimpleNamespace

import pytest

from counterfoil.app.drill import claims, notices
from counterfoil.app.drill.claims import Verdict
from counterfoil.app.drill.theft import Truth
from counterfoil.incident.wording import HEADLINES

TRUTH = Truth(frozenset({"id-a"}), frozenset(), {"id-a": frozenset({"<1@x>"})})


def customer(name):
    """A customer, as far as notices look at one."""
    return SimpleNamespace(name=name, tenant_id=f"id-{name}", domains=(f"{name}.example",), mailboxes=())


CUSTOMERS = [customer(name) for name in ("a", "b", "c")]


def notice(state, *read):
    """A text as it is drafted."""
    return "\n".join([HEADLINES[state].upper(), "", *(f"  message {message}" for message in read)])


TEXTS = {"a": [notice("touched", "<1@x>")], "b": [notice("cannot-say")], "c": [notice("clean")]}


def differences(told, texts):
    """What the drill says of these notices."""
    verdict = Verdict()
    claims.notices(verdict, told, notices.said(texts), notices.expected(CUSTOMERS, TRUTH, ["id-b"]))
    return verdict.differences


def test_true_notices_differ_in_nothing():
    """The comparison accepts the truth."""
    assert differences(["a", "b", "c"], TEXTS) == []


@pytest.mark.parametrize(
    ("told", "change"),
    [
        (["a", "b"], {}),
        (["a", "b", "c"], {"a": [notice("clean")]}),
        (["a", "b", "c"], {"a": [notice("touched")]}),
        (["a", "b", "c"], {"c": [notice("touched", "<2@x>")]}),
        (["a", "b", "c"], {"b": [notice("clean")]}),
        (["a", "b", "c"], {"b": ["something else"]}),
    ],
)
def test_each_false_notice_is_told(told, change):
    """Who was not told, a theft called clean, a message left out, a false theft, a false clean, another text."""
    assert differences(told, TEXTS | change)


def test_a_notice_that_never_arrived_is_missed():
    """Our own record is no proof: the mailbox decides."""
    assert differences(["a", "b", "c"], {name: text for name, text in TEXTS.items() if name != "b"})


@pytest.mark.parametrize("mark", ["b", "b.example", "id-b"])
def test_a_notice_that_names_another_customer_is_found(mark):
    """By name, domain or tenant id."""
    named = {"a": [f"words {mark}"], "c": ["nothing"]}
    assert "a" in notices.naming_others(named, CUSTOMERS)
