"""The matrix of permissions: complete, and nobody is maker and checker."""

import pytest

from backend.domain.permissions import MATRIX, TWO_ROLES, Permission
from backend.domain.staff import Role

LOOKING = ("read", "export", "make")  # `exports.make` writes out what may be read anyway


def test_every_role_is_declared_and_every_permission_is_somebodys() -> None:
    assert set(MATRIX) == set(Role)
    assert frozenset().union(*MATRIX.values()) == set(Permission)


@pytest.mark.parametrize("role", Role)
def test_no_role_is_maker_and_checker_of_one_flow(role: Role) -> None:
    for maker, checker in TWO_ROLES:
        assert not {maker, checker} <= MATRIX[role], (role, maker, checker)


def test_both_halves_of_a_flow_belong_to_somebody() -> None:
    for maker, checker in TWO_ROLES:
        assert any(maker in held for held in MATRIX.values())
        assert any(checker in held for held in MATRIX.values())


def test_an_administrator_keeps_accounts_sees_the_machines_and_nothing_else() -> None:
    found = MATRIX[Role.ADMINISTRATOR] - {Permission.HEALTH_READ}
    assert {held.partition(".")[0] for held in found} == {"staff"}


def test_staff_are_managed_by_administrators_alone() -> None:
    for held in (Permission.STAFF_MANAGE, Permission.STAFF_CONFIRM):
        assert [role for role in Role if held in MATRIX[role]] == [Role.ADMINISTRATOR]


def test_an_auditor_looks_and_changes_nothing() -> None:
    assert {held.partition(".")[2] for held in MATRIX[Role.AUDITOR]} <= set(LOOKING)


@pytest.mark.parametrize(
    ("permission", "role"),
    [
        (Permission.MERCHANTS_REPORT, Role.BANK),
        (Permission.MERCHANTS_CONFIRM_SUPERIOR, Role.SUPERIOR_BANK),
        (Permission.MERCHANTS_CONFIRM_BUREAU, Role.BUREAU_OPERATOR),
        (Permission.MERCHANTS_SCREEN_TAX, Role.TAX),
        (Permission.MERCHANTS_SCREEN_MARKET, Role.MARKET_REGULATOR),
        (Permission.MERCHANTS_SEND_TO_PARTNER, Role.BUREAU_OPERATOR),
        (Permission.MERCHANTS_PASS_PARTNER, Role.PARTNER),
        (Permission.MERCHANTS_PUBLISH, Role.BUREAU_APPROVER),
        (Permission.SETTLEMENTS_APPROVE_FINANCE, Role.FINANCE),
        (Permission.BUDGETS_CONFIRM, Role.FINANCE),
    ],
)
def test_each_step_of_the_chain_belongs_to_one_role_alone(
    permission: Permission, role: Role
) -> None:
    assert [r for r in Role if permission in MATRIX[r]] == [role]
