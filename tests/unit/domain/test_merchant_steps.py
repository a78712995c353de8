"""The words of the chain."""

from typing import get_args

from backend.domain.merchant_steps import (
    OFFICE_NAMES,
    REASONED,
    STATUS_NAMES,
    STEP_NAMES,
    Office,
    Status,
    Step,
)


def test_every_office_status_and_step_has_one_name_of_its_own() -> None:
    assert list(OFFICE_NAMES) == list(get_args(Office))
    assert list(STATUS_NAMES) == list(get_args(Status))
    assert list(STEP_NAMES) == list(Step)
    for names in (OFFICE_NAMES, STATUS_NAMES, STEP_NAMES):
        assert len(set(names.values())) == len(names)


def test_what_goes_against_a_merchant_or_takes_it_back_wants_a_reason() -> None:
    against = ("vetoed", "lifted", "returned", "suspended", "resumed", "disqualif")
    assert {step for step in Step if any(word in step for word in against)} == REASONED
