"""Who a message says it is from."""

import pytest
from tests.scan.making import message

from counterfoil.scan.checks.sender import check


@pytest.mark.parametrize(
    ("headers", "severity", "summary"),
    [
        ([("Subject", "x")], "low", "There is no From"),
        ([("From", "a@x.example"), ("From", "b@y.example")], "medium", "Several From fields"),
        ([("From", "a@x.example, b@y.example")], "medium", "Several senders of different domains"),
        (
            [("From", "a@x.example, b@y.example"), ("Sender", "a@x.example")],
            "low",
            "Several senders of different domains",
        ),
        ([("From", "nobody")], "low", "From holds no address"),
        ([("From", '"ceo@tenant.example" <x@evil.example>')], "medium", "The sender's name shows another address"),
        ([("From", '"CEO (ceo@tenant.co.uk)" <x@evil.co.uk>')], "medium", "The sender's name shows another address"),
        ([("From", '"Pay\u200bPal" <x@evil.example>')], "medium", "The sender's name holds invisible characters"),
        ([("From", "a@x.example"), ("Reply-To", "b@y.example")], "low", "Answers go to another domain"),
    ],
    ids=[
        "none",
        "two fields",
        "two addresses",
        "two addresses and a sender",
        "no address",
        "address as a name",
        "address in a name",
        "zero-width space",
        "answers elsewhere",
    ],
)
def test_what_is_odd_about_the_sender_is_found(headers, severity, summary):
    """Each oddity has its weight and the techniques of impersonation."""
    (found,) = check(message(headers=headers))
    assert (str(found.severity), found.summary[: len(summary)]) == (severity, summary)
    assert found.techniques == ("T1656", "T1672")


@pytest.mark.parametrize(
    "headers",
    [
        [("From", "Anna <anna@x.example>"), ("Reply-To", "support@mail.x.example")],
        [("From", '"anna@x.example" <anna@x.example>')],
        [("From", '"info@mail.x.example" <anna@x.example>')],
        [("From", "a@x.example, b@x.example")],
        [("From", '"Fitness 🤸\u200d♀️" <a@x.example>')],
        [("From", '"می\u200cخواهم" <a@x.example>')],
    ],
    ids=["subdomain answers", "own address", "own subdomain", "colleagues", "emoji joiner", "Persian joiner"],
)
def test_an_honest_sender_is_left_alone(headers):
    """Own addresses, colleagues and scripts that need joiners are no lie."""
    assert list(check(message(headers=headers))) == []


def test_nested_comments_are_told_and_do_not_end_the_check():
    """A From of twenty thousand brackets is odd, and the address behind it is still read."""
    found = list(check(message(headers=[("From", "(" * 9_000 + ' "ceo@tenant.example" <x@evil.example>')])))
    assert {one.summary for one in found} >= {
        "From is full of comments, which programs read differently",
        "The sender's name shows another address",
    }


def test_a_header_without_end_is_bounded():
    """A hundred thousand characters of name are looked at only as far as a person could."""
    assert len(list(check(message(headers=[("From", "a" * 100_000 + "@x.example")])))) == 1
