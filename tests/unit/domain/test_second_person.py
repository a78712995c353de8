"""Two people: nobody checks his own work."""

import pytest

from backend.domain.second_person import SecondPersonNeeded, refuse_own_work


@pytest.mark.parametrize("checked_by", ["li.na", "LI.NA", " li.na "])
def test_whoever_made_a_thing_cannot_check_it(checked_by: str) -> None:
    with pytest.raises(SecondPersonNeeded):
        refuse_own_work(made_by="li.na", checked_by=checked_by)


def test_another_person_can_check_it() -> None:
    refuse_own_work(made_by="li.na", checked_by="wang.gang")
