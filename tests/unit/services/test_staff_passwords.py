"""Which passwords of staff are good enough, and how they are kept."""

import itertools
import time

import pytest
from argon2 import PasswordHasher

from backend.domain.staff import PasswordRefused
from backend.services import staff_passwords

NAMES = ("li.wei", "李伟", "商务局")


@pytest.mark.parametrize(
    "password",
    [
        "mo-Li7hua_kai4le",
        "a lorry full of plums",
        "春江潮水连海平海上明月共潮生",
        "T9;kd-02.qWz",
    ],
)
def test_a_long_password_that_nobody_guesses_is_good(password: str) -> None:
    staff_passwords.check(password, names=NAMES)


@pytest.mark.parametrize(
    "password",
    [
        "T9;kd-02.qW",  # eleven
        "T9;kd-02.qWz" * 6 + "x",  # seventy-three
        "password1234",
        "qwertyuiop123",
        "aaaaaaaaaaaaaaa",
        "abcdefgh12345",
        "1314520131452013145",
        "T9;kd-02.qWz李伟",
        "T9;kd-02.qWzLI.WEI",
        "商务局T9;kd-02.qWz",
        "T9;kd-02\nqWzz",
    ],
)
def test_a_short_common_patterned_or_own_name_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused):
        staff_passwords.check(password, names=NAMES)


def test_twelve_characters_are_enough_and_72_not_too_many() -> None:
    staff_passwords.check("T9;kd-02.qWz", names=NAMES)
    staff_passwords.check("T9;kd-02.qWz" * 6, names=NAMES)


def test_what_is_kept_tells_nothing_and_differs_each_time() -> None:
    kept = staff_passwords.hashed("T9;kd-02.qWz")
    assert kept.startswith("$argon2id$")
    assert kept != staff_passwords.hashed("T9;kd-02.qWz")
    assert staff_passwords.matches("T9;kd-02.qWz", kept)
    assert not staff_passwords.matches("T9;kd-02.qWy", kept)
    assert not staff_passwords.matches("T9;kd-02.qWz", None)


def test_a_name_that_nobody_has_takes_as_long_as_a_wrong_password() -> None:
    kept = staff_passwords.hashed("T9;kd-02.qWz")
    staff_passwords._nobodys.cache_clear()  # other tests hash with less
    staff_passwords.matches("warm up", None)
    fastest_s = []
    for one in (kept, None):
        begun_s = [time.perf_counter()]
        for _ in range(3):
            staff_passwords.matches("T9;kd-02.qWy", one)
            begun_s.append(time.perf_counter())
        fastest_s.append(min(b - a for a, b in itertools.pairwise(begun_s)))
    assert 0.5 < fastest_s[0] / fastest_s[1] < 2


def test_a_hash_of_other_parameters_is_outdated() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x")
    assert staff_passwords.is_outdated(weak)
    assert not staff_passwords.is_outdated(staff_passwords.hashed("x"))


def test_one_time_passwords_are_random_and_good_enough_to_sign_in_with() -> None:
    made = [staff_passwords.one_time() for _ in range(50)]
    assert len({half for each in made for half in (each.first, each.second)}) == 100
    for password in (each.whole for each in made):
        staff_passwords.check(password, names=NAMES)
