"""docs/console.md says what the code does."""

from pathlib import Path

from counterfoil.console.throttle import PER_ACCOUNT, PER_ADDRESS
from counterfoil.operators.passwords import LEAST
from counterfoil.operators.roles import PERMITS, Permission, Role

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "console.md").read_text(encoding="utf-8")
P = Permission
LINES = {
    "see mail, its findings and what became of it": {P.SEE_MAIL},
    "see tenants, connections, campaigns, incidents, ledger": {
        P.SEE_TENANTS,
        P.SEE_CONNECTIONS,
        P.SEE_CAMPAIGNS,
        P.SEE_INCIDENTS,
        P.SEE_LEDGER,
    },
    "read held mail as text": {P.READ_HELD},
    "release and delete held mail": {P.RELEASE, P.DELETE},
    "verify the ledger (all tenants)": {P.VERIFY_LEDGER},
    "hold a campaign (all tenants)": {P.HOLD},
    "let a campaign go on (all tenants)": {P.RESUME},
}


def test_the_table_of_roles_is_the_codes():
    """Every line, every tick, and no permission is left out."""
    assert set().union(*LINES.values()) == set(P)
    for words, permissions in LINES.items():
        (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| {words} |"))
        ticks = [cell.strip() == "✓" for cell in line.split("|")[2:-1]]
        for role, tick in zip(Role, ticks, strict=True):
            assert {permission in PERMITS[role] for permission in permissions} == {tick}, (words, role)


def test_the_figures_are_the_codes():
    """Tries, and the least length of a password."""
    assert f"{PER_ADDRESS} tries in 15 minutes from one address" in PAGE
    assert f"{PER_ACCOUNT} on one account" in PAGE
    assert f"at least {LEAST} characters" in PAGE
