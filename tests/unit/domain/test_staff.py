"""Names of staff, and what their refusals say."""

import pytest

from backend.domain.staff import (
    RESERVED_NAMES,
    ROLE_NAMES,
    Role,
    StaffInvalid,
    StaffSignInLocked,
    check_names,
    folded,
)


def test_every_role_has_its_own_chinese_name() -> None:
    assert set(ROLE_NAMES) == set(Role)
    assert len(set(ROLE_NAMES.values())) == len(Role)


@pytest.mark.parametrize("name", ["li", "li.wei", "a" + "0" * 31])
def test_a_login_name_is_2_to_32_small_letters_digits_dots_and_dashes(name: str) -> None:
    check_names(login_name=name, display_name="李伟", office="商务局")


@pytest.mark.parametrize(
    "name", ["l", "a" + "0" * 32, "Li", "1li", "李伟", "li wei", "li\n", *sorted(RESERVED_NAMES)]
)
def test_any_other_login_name_is_refused(name: str) -> None:
    with pytest.raises(StaffInvalid):
        check_names(login_name=name, display_name="李伟", office="商务局")


@pytest.mark.parametrize("shown", ["", " ", "李" * 41, "李\n伟", "李\u202e伟"])
def test_what_is_shown_of_a_person_is_1_to_40_printable_characters(shown: str) -> None:
    check_names(login_name="li", display_name="李" * 40, office="商务局")
    with pytest.raises(StaffInvalid):
        check_names(login_name="li", display_name=shown, office="商务局")
    with pytest.raises(StaffInvalid):
        check_names(login_name="li", display_name="李伟", office=shown)


def test_a_login_name_is_one_name_in_any_case() -> None:
    assert folded(" Li.Wei ") == "li.wei"


@pytest.mark.parametrize(("left_s", "minutes"), [(1, 1), (60, 1), (61, 2), (900, 15)])
def test_a_lock_says_how_many_minutes_are_left(left_s: int, minutes: int) -> None:
    error = StaffSignInLocked(left_s)
    assert f"请 {minutes} 分钟后再试" in error.message
    assert error.retry_after_s == left_s
