"""Lists of money for staff find by what was asked, and no wish finds all."""

from datetime import timedelta

from backend import clock
from backend.services import money_lists, settlement_holds, settlements
from tests.factories import SUPERMARKET, City, MovableClock
from tests.integration.services.refunding import refund
from tests.settling import MALL, drafted, redeem, with_account


def test_sheets_are_found_by_merchant_state_and_last_day(city: City, moment: MovableClock) -> None:
    redeem(city, MALL)
    sheet = drafted(city, moment, count=1)
    settlements.reject(sheet_id=sheet.id, role="bureau", actor="李科长", reason="重做")
    day = clock.today() - timedelta(days=1)
    assert money_lists.sheets().count(at_most=9) == 2
    assert [s.id for s in money_lists.sheets(state="rejected").each()] == [sheet.id]
    assert [s.id for s in money_lists.sheets(merchant=SUPERMARKET).each()] == [sheet.id]
    assert money_lists.sheets(since=day, through=day).count(at_most=9) == 2
    assert money_lists.sheets(since=clock.today()).count(at_most=9) == 0
    assert money_lists.sheets(merchant="没有这家店").count(at_most=9) == 0


def test_a_released_hold_is_no_open_one(city: City) -> None:
    settlement_holds.hold(hold_id="H1", redemption_id=redeem(city), reason="存疑", actor="a")
    settlement_holds.hold(hold_id="H2", redemption_id=redeem(city), reason="存疑", actor="a")
    settlement_holds.release(hold_id="H1", reason="查清", actor="b")
    assert [hold.id for hold in money_lists.holds("open").each()] == ["H2"]
    assert [hold.id for hold in money_lists.holds("released").each()] == ["H1"]
    assert money_lists.holds().count(at_most=9) == 2


def test_refunds_are_found_by_merchant_and_business_day(city: City) -> None:
    made = refund(redeem(city), city.clerk(), 100).refund
    today = clock.today()
    assert [r.id for r in money_lists.refunds(since=today, through=today).each()] == [made.id]
    assert money_lists.refunds(through=today - timedelta(days=1)).count(at_most=9) == 0
    assert money_lists.refunds(merchant=MALL).count(at_most=9) == 0


def test_an_account_is_listed_with_its_merchant(city: City) -> None:
    with_account(MALL)
    [row] = money_lists.payout_accounts(merchant=MALL, state="active").page(1, 9)
    assert (row.account.merchant_id, row.merchant.id) == (MALL, MALL)
    assert money_lists.payout_accounts(state="proposed").count(at_most=9) == 0
