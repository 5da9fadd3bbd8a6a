"""Who may do what, and for which tenants."""

import pytest

from counterfoil.operators.roles import PERMITS, Grant, Permission, Role, Scope, scope


def test_every_permission_is_somebodys_and_every_role_has_some():
    """The table leaves out no role and no permission."""
    assert set(PERMITS) == set(Role)
    assert frozenset().union(*PERMITS.values()) == set(Permission)


@pytest.mark.parametrize(
    ("role", "permission", "may"),
    [
        (Role.VIEWER, Permission.SEE_MAIL, True),
        (Role.VIEWER, Permission.READ_HELD, False),
        (Role.VIEWER, Permission.RELEASE, False),
        (Role.ANALYST, Permission.READ_HELD, True),
        (Role.ANALYST, Permission.RELEASE, False),
        (Role.OPERATOR, Permission.RELEASE, True),
        (Role.OPERATOR, Permission.RESUME, False),
        (Role.KEY_CUSTODIAN, Permission.SEE_MAIL, False),
        (Role.KEY_CUSTODIAN, Permission.READ_HELD, False),
        (Role.KEY_CUSTODIAN, Permission.RESUME, True),
    ],
)
def test_mail_and_keys_are_kept_apart(role: Role, permission: Permission, may: bool):
    """A viewer reads no held mail, who releases mail resumes no rotation, who keeps keys reads no mail."""
    assert bool(scope([Grant(role, None)], permission)) is may


def test_a_role_for_one_tenant_reaches_no_other():
    """Each grant counts for its own tenant only; without any there is nothing."""
    given = [Grant(Role.VIEWER, "acme"), Grant(Role.OPERATOR, "beta")]
    assert scope(given, Permission.SEE_MAIL) == Scope(frozenset({"acme", "beta"}))
    assert scope(given, Permission.RELEASE) == Scope(frozenset({"beta"}))
    assert not scope([], Permission.SEE_MAIL)


def test_what_is_no_tenants_is_seen_by_those_who_see_all():
    """A message that was refused before its tenant was known is in the scope of all, and in no other."""
    assert Scope(None).has(None)
    assert not Scope(frozenset({"acme"})).has(None)


def test_narrowing_never_widens():
    """A filter for somebody else's tenant leaves nothing, not everything."""
    mine = Scope(frozenset({"acme"}))
    assert mine.narrowed("beta") == Scope(frozenset())
    assert mine.narrowed("acme") == mine
    assert mine.narrowed("") == mine
    assert Scope(None).narrowed("beta") == Scope(frozenset({"beta"}))
