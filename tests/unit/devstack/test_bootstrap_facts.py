"""The sample's staff: one account for each role, secrets of this state directory's own."""

import re

from backend.devstack import bootstrap_facts as facts
from backend.domain.staff import LOGIN_NAME, RESERVED_NAMES, Role

HERE, ELSEWHERE = {"PERSONAL_DATA_KEY": "00" * 32}, {"PERSONAL_DATA_KEY": "11" * 32}


def test_each_role_has_an_account_of_a_name_that_accounts_may_have() -> None:
    names = [facts.staff_of(role) for role in Role]
    assert len(set(names)) == len(Role)
    assert all(LOGIN_NAME.fullmatch(name) for name in names)
    assert not set(names) & RESERVED_NAMES


def test_what_signs_them_in_is_of_this_directory_alone() -> None:
    for secret in (facts.staff_password, facts.staff_totp_secret, facts.partner_secret):
        assert secret(HERE) == secret(HERE) != secret(ELSEWHERE)
    assert re.fullmatch("[A-Z2-7]{32}", facts.staff_totp_secret(HERE))
