from dataclasses import replace

import pytest

from counterfoil.gateway import admission
from counterfoil.gateway.routing import Account, Client
from counterfoil.model.mail import Direction

ONE = Account(
    "t1", frozenset({"tenant.example", "xn--bcher-kva.example"}), {}, (admission.digest(b"a"), admission.digest(b"b"))
)
TWO = Account("t2", frozenset({"other.example"}), {}, (admission.digest(b"c"),))


@pytest.mark.parametrize("value", [b"a", b"b"])
def test_any_current_secret_proves(value):
    """While a secret is being changed both values prove the tenant."""
    assert admission.proves(ONE, admission.digest(value))


@pytest.mark.parametrize("account", [None, TWO, replace(ONE, secrets=())])
def test_anything_else_proves_nothing(account):
    """Another tenant's account, none, or one without secrets is no proof."""
    assert not admission.proves(account, admission.digest(b"a"))


@pytest.mark.parametrize(
    ("by_header", "by_host", "sender", "outcome"),
    [
        (ONE, None, "ann@tenant.example", ONE),
        (ONE, None, "ann@TENANT.example", ONE),
        (ONE, None, "ann@bücher.example", ONE),
        (None, ONE, "ann@tenant.example", ONE),
        (ONE, ONE, "", ONE),
        (ONE, TWO, "ann@tenant.example", "different tenants"),
        (None, None, "ann@tenant.example", "no proof"),
        (ONE, None, "ann@other.example", "no domain of the tenant"),
        (ONE, None, "ann@sub.tenant.example", "no domain of the tenant"),
        (ONE, None, "tenant.example", "no domain of the tenant"),
        (None, ONE, "ann@other.example", "no domain of the tenant"),
    ],
)
def test_sender_of(by_header, by_host, sender, outcome):
    """A tenant sends as itself with one proof, and with two that agree."""
    decided = admission.sender_of(by_header, by_host, sender)
    assert decided is outcome or outcome in str(decided)


@pytest.mark.parametrize(
    ("values", "expected"), [([], None), ([b"a"], b"a"), ([b"a", b"a"], None), ([b"a", b"b"], None)]
)
def test_one_value(values, expected):
    """The secret header counts only where it stands once."""
    assert admission.one_value(values) == expected


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("mail.protection.outlook.com", False),
        ("outlook.com", False),
        ("eur.prod.outlook.de", False),
        ("relay.office365.us", False),
        ("notoutlook.com", True),
        ("outlook.com.tenant.example", True),
        ("mx.tenant.example", True),
    ],
)
def test_microsofts_names_prove_no_tenant(name, kept):
    """A certificate of Microsoft 365 itself is every tenant's, so its names count for none."""
    client = Client("192.0.2.1", Direction.OUTBOUND, certificates=(name,))
    assert bool(admission.own_names(client).certificates) is kept


@pytest.mark.parametrize(
    ("address", "routed"),
    [
        ("ann@tenant.example", False),
        ("ann+x=y@tenant.example", False),
        ("ann%far.example@tenant.example", True),
        ("far.example!ann@tenant.example", True),
        ('"ann@far.example"@tenant.example', True),
    ],
)
def test_routed(address, routed):
    """A local part that names another host is known as such."""
    assert admission.routed(address) is routed
