"""What waits is counted for whoever may decide it, and not for whoever made it."""

from collections.abc import Callable

import pytest

from backend.gateways.payments.protocol import RefundState
from backend.services import (
    awaiting,
    entry_statements,
    partners,
    payment_cases,
    payment_states,
    payout_accounts,
    reconciliation,
    reconciliation_items,
    refund_proposals,
    settlements,
    spending_imports,
    subsidy_accounts,
    subsidy_payouts,
    subsidy_reviews,
)
from backend.services.subsidies import Account
from backend.storage.models.payments import PaymentCase
from backend.storage.models.reconciliation import ReconciliationItem
from tests.bank_details import detail, line, take_detail
from tests.entering import stated
from tests.factories import SUPERMARKET, City, MovableClock, new_request, rows
from tests.integration.services import budget_parts
from tests.integration.services.paying import at_placard, buyer, provided
from tests.integration.services.reconciling import name_the_shop
from tests.integration.services.refunding import goods
from tests.providers import paid
from tests.settling import drafted, redeem
from tests.subsidising import car, granted, sent_back, submitted

Count = Callable[[str], int]
MAKER, OTHER = "张经办", "李科长"


def sheet(city: City, moment: MovableClock) -> None:
    drafted(city, moment)


def half_approved(city: City, moment: MovableClock) -> None:
    made = drafted(city, moment)
    settlements.approve(sheet_id=made.id, role="bureau", actor=OTHER)


def account(city: City, moment: MovableClock) -> None:
    payout_accounts.propose(
        merchant_id=SUPERMARKET, holder="商贸", bank="示例银行", number="6222020000001", actor=MAKER
    )


def refund(city: City, moment: MovableClock) -> None:
    refund_proposals.propose(order_id=redeem(city), goods=goods(100, "T20230428-1"), actor=MAKER)


def explained(city: City, moment: MovableClock) -> None:
    difference(city, moment)
    [item] = rows(ReconciliationItem)
    reconciliation_items.explain(item.id, reason="对方补单", actor=MAKER)


def difference(city: City, moment: MovableClock) -> None:
    moment.move(days=1)
    name_the_shop()
    reconciliation.run(take_detail(detail([line("nobody-1")])).file.id)


def budget(city: City, moment: MovableClock) -> None:
    budget_parts.propose_quarter("B20230428-1", "Q3", 1_000)


def spending(city: City, moment: MovableClock) -> None:
    spending_imports.propose(
        "S20230428-1",
        "凭证号,日期,金额,收款方,备注\nA-1,2023-01-15,1000,家乐购,\n".encode(),
        file_name="x.csv",
        target=spending_imports.Target(fund_id="FUND93", quarter="Q1"),
        reason="启用前支出",
        actor=MAKER,
    )


def reviewed_once(city: City, moment: MovableClock) -> None:
    car(city)
    made = submitted(city.resident())
    subsidy_reviews.first(subsidy_id=made.id, actor=MAKER)


def listed(city: City, moment: MovableClock) -> None:
    car(city)
    granted(city.resident())
    subsidy_payouts.create(number="P1", actor=MAKER)


def corrected(city: City, moment: MovableClock) -> None:
    car(city)
    person = city.resident()
    made = sent_back(person)
    subsidy_accounts.correct(
        subsidy_id=made.id,
        resident_id=person.id,
        request_id=new_request(),
        account=Account(holder="张三", bank="示例银行", number="6222020099990001"),
    )


def new_key(city: City, moment: MovableClock) -> None:
    partners.add("BANK01", name="示例银行", actor=MAKER)
    partners.new_key("BANK01", "BANK01-1", actor=MAKER)


MADE: tuple[tuple[Callable[[City, MovableClock], None], Count, str], ...] = (
    (sheet, awaiting.sheets_for_bureau, MAKER),
    (half_approved, awaiting.sheets_for_finance, OTHER),
    (account, awaiting.payout_accounts, MAKER),
    (refund, awaiting.refund_proposals, MAKER),
    (explained, awaiting.differences_to_resolve, MAKER),
    (budget, awaiting.budget_changes, budget_parts.ASKS),
    (spending, awaiting.spending_imports, MAKER),
    (new_key, awaiting.partner_keys, MAKER),
    (reviewed_once, awaiting.second_reviews, MAKER),
    (listed, awaiting.subsidies_to_answer, MAKER),
    (corrected, awaiting.account_corrections, "财政乙"),
)


@pytest.mark.parametrize(("make", "count", "maker"), MADE, ids=[c.__name__ for _, c, _ in MADE])
def test_what_a_person_made_waits_for_all_others(
    city: City,
    moment: MovableClock,
    make: Callable[[City, MovableClock], None],
    count: Count,
    maker: str,
) -> None:
    assert count("钱另一人") == 0
    make(city, moment)
    assert (count("钱另一人"), count(maker)) == (1, 0)


def test_what_is_decided_waits_no_more(city: City, moment: MovableClock) -> None:
    made = stated(city, moment)
    assert awaiting.entry_statements(made.made_by) == 0
    assert awaiting.entry_statements("钱另一人") == 1
    entry_statements.confirm(statement_id=made.id, actor="钱另一人")
    assert awaiting.entry_statements("赵第三人") == 0


def test_a_difference_waits_for_an_explanation_then_for_a_second_person(
    city: City, moment: MovableClock
) -> None:
    difference(city, moment)
    assert (awaiting.differences_to_explain(MAKER), awaiting.differences_to_resolve(OTHER)) == (
        1,
        0,
    )
    [item] = rows(ReconciliationItem)
    reconciliation_items.explain(item.id, reason="对方补单", actor=MAKER)
    assert (awaiting.differences_to_explain(MAKER), awaiting.differences_to_resolve(OTHER)) == (
        0,
        1,
    )


def test_a_sheet_waits_for_the_bureau_then_for_finance(city: City, moment: MovableClock) -> None:
    made = drafted(city, moment)
    assert (awaiting.sheets_for_bureau(OTHER), awaiting.sheets_for_finance("王财政")) == (1, 0)
    settlements.approve(sheet_id=made.id, role="bureau", actor=OTHER)
    assert (awaiting.sheets_for_bureau(OTHER), awaiting.sheets_for_finance("王财政")) == (0, 1)


def test_a_case_waits_once_its_money_is_at_its_end(city: City) -> None:
    with provided(city) as provider:
        order = at_placard(city, buyer(city))
        payment_states.record(order.id, "wechat_pay", paid(20_000))
        assert awaiting.payment_cases(OTHER) == 0
        provider.tell("refund", RefundState(status="done", amount_fen=20_000, reference="1"))
        payment_cases.refund_due()
    assert awaiting.payment_cases(OTHER) == 1
    [case] = rows(PaymentCase)
    payment_cases.close(case.id, actor=OTHER, reason="已核对")
    assert awaiting.payment_cases(OTHER) == 0


def test_an_application_waits_for_a_first_review_and_a_grant_for_its_payout(city: City) -> None:
    car(city)
    submitted(city.resident())
    granted(city.resident(), 2)
    assert (awaiting.first_reviews(MAKER), awaiting.subsidies_to_pay(MAKER)) == (1, 1)
    subsidy_payouts.create(number="P1", actor=MAKER)
    assert awaiting.subsidies_to_pay(MAKER) == 0
