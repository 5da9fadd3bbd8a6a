"""The plan as a page: everything is on it, and nothing in it runs."""

import re

import pytest

from counterfoil.tenant import plan
from counterfoil.tenant.permissions import PRODUCTS, needed
from counterfoil.tenant.plan_page import as_html


def page(*products, tenant="contoso"):
    """The page of a plan."""
    return as_html(plan.make(tenant, products, "gw.example.org", "X-Counterfoil-Tenant"))


@pytest.mark.parametrize("product", [name for name in PRODUCTS if name != "control"])
def test_each_product_has_a_page_with_its_permissions_and_no_others(product):
    """A page for one product names every permission that it needs, with its reason, and asks for no more."""
    text = page(product)
    asked = set(re.findall(r"<code>([A-Za-z]+\.[A-Za-z.]+)</code>", text))
    assert asked == set(needed((product,)))
    assert all(reason.split(" (")[0] in text for reasons in needed((product,)).values() for reason in reasons)


def test_a_name_from_outside_is_text():
    """A tenant whose name is markup is shown as it is written."""
    text = page("watch", tenant="<script>alert(1)</script>")
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_nothing_is_loaded_from_anywhere():
    """The page can be read offline: no script, no picture, no link to another host."""
    text = page("remediate", "control")
    assert not re.search(r"<(script|img|link|iframe)|src=|href=|url\(", text)


def test_the_control_application_is_told_apart():
    """The second application is explained where it is asked for, and only there."""
    assert "second application" in page("remediate", "control")
    assert "second application" not in page("remediate")


def test_the_page_for_control_alone_has_no_empty_table():
    """What a connected tenant is asked in addition is the second application alone, and which ids to send."""
    app = "7b24f8a4-42bd-4f0c-b7ad-0c4a4bd9b5a1"
    text = as_html(plan.make("contoso", ("control",), "gw.example.org", "X-Counterfoil-Tenant", app=app))
    assert "<h2>Permissions</h2>" not in text
    assert "<tbody></tbody>" not in text
    assert set(re.findall(r"<code>([A-Za-z]+\.[A-Za-z.]+)</code>", text)) == {"Application.ReadWrite.OwnedBy"}
    assert "Send us the ids" in text


def test_no_line_to_run_is_cut():
    """Lines longer than the page are folded on screen and on paper, and still copied as one line."""
    text = page("remediate", "control")
    assert re.search(r"pre \{[^}]*white-space: pre-wrap; overflow-wrap: anywhere", text)
    assert "overflow-x" not in text


def test_a_page_for_some_mailboxes_says_how_they_are_opened():
    """The role, its scope and the warning are on the page; the pattern of an address holds no markup."""
    made = plan.make("contoso", ("remediate",), "gw.example.org", "X-C", mailboxes="a&b@contoso.example")
    text = as_html(made)
    assert "<code>Mail.ReadWrite</code> (as a role in Exchange, for some mailboxes; not in Entra)" in text
    assert "a&amp;b@contoso.example" in text
    assert "rights add up" in text
    assert "New-ManagementRoleAssignment" in text
