"""The services do what the pure machine says, in any order of steps, on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from apiflask import APIFlask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.domain import onboarding as rules
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.merchant_steps import NOTES, Step
from backend.domain.onboarding import MerchantStatusRefused, MerchantStepOutOfOrder
from backend.domain.second_person import SecondPersonNeeded
from backend.extensions import db
from backend.services import (
    approvals,
    merchant_lists,
    merchant_reports,
    merchant_steps,
    merchants,
    partner_lists,
    pledges,
    standings,
)
from backend.services.partner_lists import NothingToSend, PartnerListAnswered
from backend.storage.models.audit import AuditEntry
from backend.storage.models.onboarding import MerchantStep
from tests import joining
from tests.factories import SUPERMARKET, City, rows

CONFIRM, SCREEN = approvals.confirm, approvals.screen
ACTS: dict[Step, Callable[[str], object]] = {
    Step.APPLIED: lambda m: pledges.apply(m, "pos", actor=joining.BANK),
    Step.REPORTED: lambda m: merchant_reports.report(m, joining.tills(), actor=joining.BANK),
    Step.SUPERIOR_BANK_CONFIRMED: lambda m: CONFIRM(
        m, office="superior_bank", actor=joining.SUPERIOR
    ),
    Step.BUREAU_CONFIRMED: lambda m: CONFIRM(m, office="bureau", actor=joining.BUREAU),
    Step.TAX_PASSED: lambda m: SCREEN(m, "passed", office="tax", actor=joining.TAX),
    Step.TAX_VETOED: lambda m: SCREEN(m, "vetoed", office="tax", actor=joining.TAX, reason="欠税"),
    Step.TAX_LIFTED: lambda m: SCREEN(m, "lifted", office="tax", actor=joining.TAX, reason="已缴"),
    Step.MARKET_REGULATOR_PASSED: lambda m: SCREEN(
        m, "passed", office="market_regulator", actor=joining.MARKET
    ),
    Step.LISTED: lambda m: approvals.put_on_list(m, actor=joining.BUREAU),
    Step.SENT: lambda m: partner_lists.send(actor=joining.BUREAU),
    Step.PARTNER_PASSED: lambda m: answer(m, {}),
    Step.PARTNER_RETURNED: lambda m: answer(m, {m: "商户号有误"}),
    Step.PUBLISHED: lambda m: merchant_lists.publish(actor=joining.APPROVER),
    Step.SUSPENDED: lambda m: standings.suspend(m, actor=joining.APPROVER, reason="核查"),
    Step.RESUMED: lambda m: standings.resume(m, actor=joining.BUREAU, reason="查清"),
    Step.DISQUALIFICATION_PROPOSED: lambda m: standings.propose_disqualification(
        m, actor=joining.BUREAU, reason="套现"
    ),
    Step.DISQUALIFIED: lambda m: standings.confirm_disqualification(
        m, actor=joining.APPROVER, reason="属实"
    ),
}
FOR_ALL = (Step.SENT, Step.PARTNER_PASSED, Step.PARTNER_RETURNED, Step.PUBLISHED)
WAY = (*ACTS,)


def answer(merchant_id: str, returned: dict[str, str]) -> object:
    """Answer the list the merchant was sent with last; there may be none."""
    sent = [row for row in merchant_steps.history(merchant_id) if row.step == "sent"]
    number = sent[-1].partner_list if sent else 99
    assert number is not None
    return partner_lists.answer(number, returned=returned, actor=joining.PARTNER)


def statuses(merchant_id: str) -> tuple[str, int]:
    db.session.rollback()
    steps = merchant_steps.history(merchant_id)
    assert [row.position for row in steps] == list(range(1, len(steps) + 1))
    return steps[-1].outcome, len([row for row in steps if row.step not in NOTES])


@pytest.mark.timeout(120)
def test_services_and_machine_agree_on_every_order_of_steps(
    apps: dict[str, APIFlask], app: APIFlask, city: City
) -> None:
    shops = iter(range(1, 1000))

    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.integers(0, 3), min_size=25, max_size=25))
    def walk(skips: list[int]) -> None:
        number = next(shops)
        merchant_id = joining.pledged(number)
        acts = ACTS | {
            Step.REPORTED: lambda m: merchant_reports.report(
                m, joining.tills(number), actor=joining.BANK
            )
        }
        at, place = 0, merchant_steps.standing(merchants.get(merchant_id))
        for skip in skips:  # mostly the next step, now and then another one
            step = WAY[(at + skip * skip) % len(WAY)]
            try:
                now, refused = rules.after(place, step), None
            except HuiquanError as error:
                now, refused = place, type(error)
            before = statuses(merchant_id)
            if refused is None:
                acts[step](merchant_id)
                assert statuses(merchant_id) == (now.status, before[1] + 1), step
                at += 1
            else:
                expected = (
                    (NothingToSend, PartnerListAnswered, NotFound, merchant_lists.NothingToPublish)
                    if step in FOR_ALL
                    else (refused,)
                )
                with pytest.raises(expected):
                    acts[step](merchant_id)
                assert statuses(merchant_id) == before, step
            assert merchant_steps.standing(merchants.get(merchant_id)) == now
            place = now
        if place.status in ("listed", "sent", "passed"):  # none is left for the next shop's list
            acts[Step.TAX_VETOED](merchant_id)

    walk()


def test_each_step_is_written_down_with_its_actor_office_and_audit_entry(city: City) -> None:
    merchant_id = joining.reported()
    SCREEN(merchant_id, "vetoed", office="tax", actor=joining.TAX, reason=" 欠税 ")
    row = rows(MerchantStep)[-1]
    assert (row.step, row.outcome, row.actor, row.office, row.reason) == (
        *("tax_vetoed", "vetoed", joining.TAX, "tax"),
        "欠税",
    )
    entry = rows(AuditEntry)[-1]
    assert (entry.action, entry.subject, entry.actor) == (
        "merchant.tax_vetoed",
        merchant_id,
        joining.TAX,
    )
    assert "税务筛选通过" in merchant_steps.missing(merchants.get(merchant_id))


def test_a_merchant_of_the_programmes_file_begins_with_an_imported_step(city: City) -> None:
    first, published = merchant_steps.history(SUPERMARKET)
    assert (first.step, first.outcome, first.office) == ("imported", "passed", None)
    assert (published.step, published.list_version) == ("published", 1)
    assert merchant_steps.history("TJ0014")[0].outcome == "vetoed"
    with pytest.raises(NotFound):
        merchant_steps.history("TJ9999")


def test_one_person_never_acts_for_two_offices_on_a_merchant(city: City) -> None:
    merchant_id = joining.reported()
    CONFIRM(merchant_id, office="bureau", actor=joining.BUREAU)
    with pytest.raises(SecondPersonNeeded):
        SCREEN(merchant_id, "passed", office="tax", actor=f" {joining.BUREAU} ")
    with pytest.raises(MerchantStepOutOfOrder) as refused:
        approvals.put_on_list(merchant_id, actor=joining.BUREAU)
    assert refused.value.details["missing"] == ["上级银行确认", "税务筛选通过", "市场监管筛选通过"]


def test_who_listed_a_merchant_does_not_publish_it(city: City) -> None:
    joining.passed(joining.reported())
    with pytest.raises(SecondPersonNeeded):
        merchant_lists.publish(actor=joining.BUREAU)
    assert merchant_lists.publication().number == 1
    assert merchant_lists.publish(actor=joining.APPROVER).number == 2


def test_a_step_taken_by_8_at_once_is_taken_once(city: City) -> None:
    merchant_id = joining.reported()

    def one(_: int) -> bool:
        with city.app.app_context():
            try:
                CONFIRM(merchant_id, office="bureau", actor=joining.BUREAU)
            except MerchantStatusRefused:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(8))) == 1
    assert [row.step for row in merchant_steps.history(merchant_id)].count("bureau_confirmed") == 1


def test_two_confirmations_at_once_both_stand(city: City) -> None:
    for number in range(1, 5):
        merchant_id = joining.reported(number)

        def one(act: Step, merchant_id: str = merchant_id) -> None:
            with city.app.app_context():
                ACTS[act](merchant_id)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, (Step.SUPERIOR_BANK_CONFIRMED, Step.BUREAU_CONFIRMED)))
        db.session.rollback()
        place = merchant_steps.standing(merchants.get(merchant_id))
        assert place.superior_bank_confirmed
        assert place.bureau_confirmed
        assert len(merchant_steps.history(merchant_id)) == 5


def test_a_veto_that_races_a_publication_is_before_it_or_too_late(city: City) -> None:
    for number in range(1, 7):
        merchant_id = joining.reported(number)
        joining.passed(merchant_id)

        def one(act: Step, merchant_id: str = merchant_id) -> str:
            with city.app.app_context():
                try:
                    ACTS[act](merchant_id)
                except HuiquanError as error:
                    return error.code
                return "done"

        with ThreadPoolExecutor(2) as pool:
            vetoed, published = pool.map(one, (Step.TAX_VETOED, Step.PUBLISHED))
        db.session.rollback()
        on_list = merchant_id in [m.merchant_id for m in merchant_lists.publication().merchants]
        place = merchants.get(merchant_id).status
        if vetoed == "done":
            assert (published, place, on_list) == ("nothing_to_publish", "vetoed", False)
        else:
            assert (vetoed, published) == ("merchant_status_refused", "done")
            assert (place, on_list) == ("published", True)
