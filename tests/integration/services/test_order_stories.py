"""One order's story holds what names it, and nothing of another order."""

import pytest

from backend.domain.errors import NotFound
from backend.services import order_stories, payout_returns, reversals, settlements
from backend.storage.models.orders import Order
from backend.storage.sql import transaction
from tests.bank_details import BANK, detail, line, take_detail
from tests.factories import SUPERMARKET, City, MovableClock
from tests.integration.services.reconciling import at_the_banks_till, name_the_shop, redeemed
from tests.integration.services.refunding import refund
from tests.settling import answer, drafted, redeem, sent


def test_it_follows_the_money_from_the_claim_to_the_bank(city: City, moment: MovableClock) -> None:
    made = sent(city, moment)
    payout_returns.take(number="B1", content=answer("paid", "paid"), actor="孙会计")
    sheet = next(s for s in settlements.sheets() if s.merchant_id == SUPERMARKET)
    [line] = settlements.lines(sheet.id, page=1, page_size=9)
    story = order_stories.story_of(line.order_id)
    kinds = sorted(moved.kind for moved in story.transfers)
    assert kinds == ["claim", "redemption"]
    assert [(of.source_kind, of.amount_fen) for of, _ in story.lines] == [("redemption", 1_000)]
    assert [(paid.file_number, paid.state) for paid in story.payouts] == [
        (made.file.number, "paid")
    ]
    assert story.redemption is not None


def test_a_refund_is_told_with_its_movement_and_its_line(city: City, moment: MovableClock) -> None:
    order_id = redeem(city)
    other_id = redeem(city)
    made = refund(order_id, city.clerk(), 32_000).refund
    moment.move(days=1)
    settlements.draft(actor="张经办")
    story = order_stories.story_of(order_id)
    assert [part.id for part in story.back.refunds] == [made.id]
    assert f"refund:{made.id}" in {moved.id for moved in story.transfers}
    assert sum(line.amount_fen for line, _ in story.lines) == 0
    other = order_stories.story_of(other_id)
    assert other.back.refunds == []
    assert len(other.lines) == 1


def test_a_rejected_sheet_stays_in_the_story_as_freed(city: City, moment: MovableClock) -> None:
    sheet = drafted(city, moment, count=1)
    [line] = settlements.lines(sheet.id, page=1, page_size=9)
    settlements.reject(sheet_id=sheet.id, role="bureau", actor="李科长", reason="重做")
    settlements.draft(actor="张经办")
    freed = [of.freed_at is not None for of, _ in order_stories.story_of(line.order_id).lines]
    assert freed == [True, False]


def test_a_reversal_is_told_with_its_movement(city: City) -> None:
    order_id = redeem(city)
    clerk = city.clerk()
    reversals.reverse_at_merchant(
        redemption_id=order_id, merchant_id=SUPERMARKET, clerk_id=clerk.id, reason="录错金额"
    )
    story = order_stories.story_of(order_id)
    assert story.reversal is not None
    assert f"reversal:{order_id}" in {moved.id for moved in story.transfers}


def test_a_banks_number_is_its_own_and_not_another_banks(city: City, moment: MovableClock) -> None:
    ours, same_number_elsewhere = redeemed(city), redeemed(city)
    number = at_the_banks_till(ours)
    at_the_banks_till(same_number_elsewhere, bank="BANK02")
    with transaction() as session:
        session.get_one(Order, same_number_elsewhere.id).request_id = number
    name_the_shop()
    moment.move(days=1)
    take_detail(detail([line(number)]))
    [(said, file)] = order_stories.story_of(ours.id).outside
    assert (said.our_number, file.party) == (number, BANK)
    assert order_stories.story_of(same_number_elsewhere.id).outside == []


def test_an_unknown_order_has_none(city: City) -> None:
    with pytest.raises(NotFound):
        order_stories.story_of("0" * 32)
