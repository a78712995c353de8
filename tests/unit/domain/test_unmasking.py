"""Who may see whole numbers has a limit a day, and nobody else has one."""

from backend.domain.permissions import MATRIX, Permission
from backend.domain.staff import Role
from backend.domain.unmasking import UNMASKS_A_DAY

P = Permission
# What lets somebody see a whole number of a resident, a shop's contact, or who complains.
SEEING = {P.RESIDENTS_UNMASK, P.MERCHANTS_UNMASK, P.COMPLAINTS_ANSWER}


def test_exactly_the_roles_that_may_unmask_have_a_limit() -> None:
    assert set(UNMASKS_A_DAY) == {r for r in Role if SEEING & MATRIX[r]}
    assert all(limit > 0 for limit in UNMASKS_A_DAY.values())
