"""The chain as a machine: any order of steps, and what each refusal names."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain import onboarding as rules
from backend.domain.merchant_steps import STEP_NAMES, Step
from backend.domain.onboarding import (
    ALL_SAID,
    ALL_SAID_AT,
    MerchantStatusRefused,
    MerchantStepOutOfOrder,
    Standing,
    Taken,
)
from backend.domain.reconciliation import ReasonNeeded
from backend.domain.second_person import SecondPersonNeeded

START = Standing(status="pledged")
REPORTED = Standing(status="reported")
AGREED = replace(REPORTED, **ALL_SAID)
WALKED = tuple(step for step in Step if step not in (Step.IMPORTED, Step.PLEDGED))
GOOD_WAY = (
    Step.APPLIED,
    Step.REPORTED,
    Step.SUPERIOR_BANK_CONFIRMED,
    Step.BUREAU_CONFIRMED,
    Step.TAX_PASSED,
    Step.MARKET_REGULATOR_PASSED,
    Step.LISTED,
    Step.SENT,
    Step.PARTNER_PASSED,
    Step.PUBLISHED,
)


def walk(*steps: Step, start: Standing = START) -> Standing:
    for step in steps:
        start = rules.after(start, step)
    return start


def test_the_good_way_ends_published() -> None:
    assert walk(*GOOD_WAY).status == "published"
    assert walk(*GOOD_WAY, Step.SUSPENDED, Step.RESUMED).status == "published"


@given(st.permutations(GOOD_WAY[2:6]))
def test_confirmations_and_screenings_come_in_any_order(order: list[Step]) -> None:
    assert walk(*order, start=REPORTED) == AGREED


@pytest.mark.parametrize("left_out", GOOD_WAY[2:6])
def test_nobody_is_listed_while_one_office_has_not_spoken_and_it_is_named(left_out: Step) -> None:
    reached = walk(*(step for step in GOOD_WAY[:6] if step != left_out))
    with pytest.raises(MerchantStepOutOfOrder) as refused:
        rules.after(reached, Step.LISTED)
    assert refused.value.details["missing"] == [STEP_NAMES[left_out]]


@pytest.mark.parametrize("done", range(10))
def test_a_step_that_comes_too_early_names_every_step_before_it(done: int) -> None:
    with pytest.raises(MerchantStepOutOfOrder) as refused:
        rules.after(walk(*GOOD_WAY[:done]), Step.SUSPENDED)
    assert refused.value.details["missing"] == [STEP_NAMES[step] for step in GOOD_WAY[done:]]


def test_all_that_is_missing_is_named_in_the_chains_order() -> None:
    with pytest.raises(MerchantStepOutOfOrder) as refused:
        rules.after(START, Step.PUBLISHED)
    assert refused.value.details["missing"] == [STEP_NAMES[step] for step in GOOD_WAY[:-1]]


@given(st.lists(st.sampled_from(WALKED), max_size=60))
def test_whatever_the_order_nobody_is_listed_before_all_agree_and_the_end_is_final(
    steps: list[Step],
) -> None:
    at = START
    for step in steps:
        try:
            now = rules.after(at, step)
        except (MerchantStepOutOfOrder, MerchantStatusRefused):
            continue
        assert at.status != "disqualified"
        assert now != at
        if now.status in ALL_SAID_AT:
            assert now == replace(now, **ALL_SAID), (
                "every office has said yes, and none has taken it back"
            )
        vetoed = "vetoed" in (now.tax_screening, now.market_regulator_screening)
        assert vetoed == (now.status == "vetoed") or now.status == "disqualified"
        if now.status == "disqualified":
            assert at.disqualification_proposed
        at = now


@pytest.mark.parametrize("steps", [(), (Step.LISTED,), GOOD_WAY[6:8], GOOD_WAY[6:9]])
def test_a_veto_stops_a_merchant_until_it_is_published_and_not_after(
    steps: tuple[Step, ...],
) -> None:
    vetoed = walk(*steps, Step.TAX_VETOED, start=AGREED)
    assert vetoed.status == "vetoed"
    for step in (Step.LISTED, Step.SENT, Step.PARTNER_PASSED, Step.PUBLISHED):
        with pytest.raises(MerchantStepOutOfOrder) as refused:
            rules.after(vetoed, step)
        assert "税务筛选通过" in refused.value.details["missing"]  # type: ignore[operator]
    with pytest.raises(MerchantStatusRefused):
        rules.after(vetoed, Step.MARKET_REGULATOR_LIFTED)  # not that office's to lift
    assert walk(Step.TAX_LIFTED, Step.TAX_PASSED, start=vetoed) == AGREED
    with pytest.raises(MerchantStatusRefused):
        rules.after(walk(*GOOD_WAY), Step.TAX_VETOED)


def test_two_vetoes_want_two_lifts() -> None:
    both = walk(Step.TAX_VETOED, Step.MARKET_REGULATOR_VETOED, start=AGREED)
    assert rules.after(both, Step.TAX_LIFTED).status == "vetoed"
    assert walk(Step.TAX_LIFTED, Step.MARKET_REGULATOR_LIFTED, start=both).status == "reported"


def test_returned_by_the_partner_a_merchant_is_listed_again() -> None:
    returned = walk(*GOOD_WAY[6:8], Step.PARTNER_RETURNED, start=AGREED)
    assert returned == AGREED
    assert walk(*GOOD_WAY[6:], start=returned).status == "published"


def test_disqualified_is_the_end() -> None:
    proposed = walk(*GOOD_WAY, Step.DISQUALIFICATION_PROPOSED)
    withdrawn = rules.after(proposed, Step.DISQUALIFICATION_WITHDRAWN)
    with pytest.raises(MerchantStatusRefused):
        rules.after(withdrawn, Step.DISQUALIFIED)
    end = rules.after(proposed, Step.DISQUALIFIED)
    for step in WALKED:
        with pytest.raises(MerchantStatusRefused):
            rules.after(end, step)


def taken(step: Step, actor: str, office: rules.Office | None) -> Taken:
    return Taken(step=step, actor=actor, office=office)


def test_one_person_acts_for_one_office_on_one_merchant() -> None:
    history = [taken(Step.REPORTED, "赵", "bank")]
    with pytest.raises(SecondPersonNeeded):
        rules.refuse_same_person(history, Step.BUREAU_CONFIRMED, actor=" 赵 ", office="bureau")
    rules.refuse_same_person(history, Step.BUREAU_CONFIRMED, actor="钱", office="bureau")
    imported = [taken(Step.IMPORTED, "赵", None)]
    rules.refuse_same_person(imported, Step.BUREAU_CONFIRMED, actor="赵", office="bureau")


@pytest.mark.parametrize(("second", "first"), list(rules.SECOND_PERSON.items()))
def test_the_second_step_is_another_persons_than_the_last_first_step(
    second: Step, first: Step
) -> None:
    history = [taken(first, "赵", "bureau"), taken(first, "钱", "bureau")]
    with pytest.raises(SecondPersonNeeded):
        rules.refuse_same_person(history, second, actor="钱", office="bureau")
    rules.refuse_same_person(history, second, actor="赵", office="bureau")


def test_whoever_sees_fraud_may_stop_it() -> None:
    history = [taken(Step.REPORTED, "赵", "bank"), taken(Step.SUSPENDED, "赵", "bureau")]
    rules.refuse_same_person(history, Step.SUSPENDED, actor="赵", office="bureau")
    rules.refuse_same_person(history, Step.REPORTED, actor="赵", office="bank")


def test_a_reason_is_wanted_where_it_goes_against_a_merchant_and_is_never_longer_than_500() -> None:
    with pytest.raises(ReasonNeeded):
        rules.checked_reason(Step.TAX_VETOED, "  ")
    assert rules.checked_reason(Step.TAX_PASSED, "  ") is None
    assert rules.checked_reason(Step.TAX_VETOED, f" {'欠' * 500} ") == "欠" * 500
    with pytest.raises(rules.ReasonTooLong):
        rules.checked_reason(Step.TAX_PASSED, "欠" * 501)
