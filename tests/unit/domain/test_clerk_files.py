"""What is wrong with a line of a shop's clerks."""

from backend.domain.clerk_files import MAX_NAME_LENGTH, faults_of

PHONE = "13900001111"


def faults(*people: tuple[str, str]) -> list[tuple[int, str]]:
    numbered = [(line, *person) for line, person in enumerate(people, start=2)]
    return [(fault.line, fault.where) for fault in faults_of(numbered)]


def test_a_name_has_up_to_forty_characters_and_a_phone_eleven_digits() -> None:
    assert faults(("王" * MAX_NAME_LENGTH, PHONE)) == []
    assert faults(("王" * (MAX_NAME_LENGTH + 1), PHONE)) == [(2, "姓名")]
    assert faults(("", PHONE), ("王\n", "13900002222")) == [(2, "姓名"), (3, "姓名")]
    assert faults(("王", "1390000111")) == [(2, "手机号")]


def test_of_two_lines_with_one_phone_the_second_is_wrong() -> None:
    assert faults(("王", PHONE), ("李", PHONE)) == [(3, "手机号")]
