"""A merchant disqualified while orders are open and redemptions unpaid."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.domain import refusals
from backend.domain.errors import HuiquanError
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.settlements import SettlementLineHeld
from backend.gateways.payments.protocol import PaymentState
from backend.services import (
    bank_tills,
    disqualifications,
    ledger,
    merchants,
    orders,
    placards,
    redemptions,
    settlement_holds,
    settlements,
    standings,
)
from backend.services.orders import Amounts
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order, Redemption
from backend.storage.models.payments import PaymentCase
from backend.storage.models.settlements import SettlementHold
from backend.storage.sql import transaction
from tests.factories import SUPERMARKET, City, MovableClock, Person, new_request, rows
from tests.integration.services.instant_city import run_instant
from tests.integration.services.paying import (
    PAYABLE_FEN,
    at_placard,
    buyer,
    now_is,
    provided,
    voucher_of,
)
from tests.providers import ScriptedProvider
from tests.settling import MALL, drafted, redeem, sent

CLOSED = PaymentState(status="closed")


def disqualify() -> None:
    standings.propose_disqualification(SUPERMARKET, actor="孙经办", reason="套现")
    standings.confirm_disqualification(SUPERMARKET, actor="郑审批", reason="属实")


@pytest.fixture
def provider(city: City) -> Iterator[ScriptedProvider]:
    with provided(city) as scripted:
        yield scripted


def test_an_order_at_the_till_ends_and_its_voucher_is_back_and_confirms_no_more(
    city: City,
) -> None:
    person, clerk = buyer(city), city.clerk()
    order = at_placard(city, person)
    disqualify()
    assert now_is(order.id) == ("released", "closed")
    assert rows(Order)[0].release_reason == "merchant_disqualified"
    assert voucher_of(person) == ["unused"]
    with pytest.raises(refusals.MerchantNotPublished):
        redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    with pytest.raises(refusals.MerchantNotPublished):
        at_placard(city, person)
    assert ledger.check().differences == ()


def test_a_suspended_merchant_finishes_what_it_began_and_begins_nothing(city: City) -> None:
    person, clerk = buyer(city), city.clerk()
    order = at_placard(city, person)
    standings.suspend(SUPERMARKET, actor="孙经办", reason="核查")
    assert disqualifications.release_due() == 0
    with pytest.raises(refusals.MerchantNotPublished):
        at_placard(city, person)
    done = redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    assert done.status == "redeemed"


def test_a_provider_is_asked_before_an_order_in_mid_payment_ends(
    city: City, provider: ScriptedProvider
) -> None:
    person = buyer(city)
    order = at_placard(city, person)
    provider.tell("close", PaymentState(status="unknown"), CLOSED)
    disqualify()
    assert now_is(order.id)[0] == "locked"  # nobody knows yet whether it was paid
    assert voucher_of(person) == ["locked"]
    assert disqualifications.release_due() == 1
    assert now_is(order.id) == ("released", "closed")
    assert voucher_of(person) == ["unused"]
    assert disqualifications.release_due() == 0


def test_what_was_paid_after_all_goes_back_to_the_payer_and_the_voucher_too(
    city: City, provider: ScriptedProvider
) -> None:
    person = buyer(city)
    order = at_placard(city, person)
    provider.tell("close", PaymentState(status="paid", reference="4200", amount_fen=PAYABLE_FEN))
    disqualify()
    assert now_is(order.id) == ("released", "paid")
    assert voucher_of(person) == ["unused"]
    (case,) = rows(PaymentCase)
    assert (case.kind, case.refund_fen) == ("merchant_disqualified", PAYABLE_FEN)
    assert rows(Redemption) == []
    assert ledger.check().differences == ()


def test_a_partner_that_confirms_too_late_is_refused(city: City) -> None:
    run_instant()
    card_token = city.bind_card(city.resident())
    number = new_request()
    order = orders.create_at_bank_till(
        partner_id="bank",
        request_id=number,
        card_token=card_token,
        merchant_id=SUPERMARKET,
        amounts=Amounts(order_amount_fen=20_000),
    )
    with transaction() as session:
        session.get_one(Merchant, SUPERMARKET).status = "disqualified"
    with pytest.raises(refusals.MerchantNotPublished):
        redemptions.confirm_by_partner(order_id=order.id, partner_id="bank")
    assert disqualifications.release_due() == 1
    with pytest.raises(refusals.OrderReleased):
        redemptions.confirm_by_partner(order_id=order.id, partner_id="bank")
    assert bank_tills.reverse(partner_id="bank", request_number=number, reason="x").status == (
        "released"
    )


def test_a_confirmation_that_races_a_disqualification_is_held_or_refused(city: City) -> None:
    """Never a redemption that nobody holds: settlement would pay it."""
    city.placard[MALL] = placards.issue(MALL, actor="test").url
    for merchant_id in (SUPERMARKET, MALL):
        person, clerk = buyer(city), city.clerk(merchant_id)
        order = orders.create_at_placard(
            resident_id=person.id,
            request_id=new_request(),
            placard_code=city.placard[merchant_id],
            amounts=Amounts(order_amount_fen=32_000),
        )
        standings.propose_disqualification(merchant_id, actor="孙经办", reason="套现")

        def confirm(order: Order = order, clerk: Person = clerk) -> str:
            with city.app.app_context():
                try:
                    redemptions.confirm_paid(
                        order_id=order.id, merchant_id=order.merchant_id, clerk_id=clerk.id
                    )
                except HuiquanError as error:
                    return error.code
                return "redeemed"

        def end(merchant_id: str = merchant_id) -> str:
            with city.app.app_context():
                standings.confirm_disqualification(merchant_id, actor="郑审批", reason="属实")
                return "done"

        with ThreadPoolExecutor(2) as pool:
            confirmed, ended = [one.result() for one in (pool.submit(confirm), pool.submit(end))]
        assert ended == "done"
        held = [row.redemption_id for row in rows(SettlementHold)]
        if confirmed == "redeemed":
            assert order.id in held
        else:
            assert confirmed in ("merchant_not_published", "order_released")
            assert voucher_of(person) == ["unused"]
            assert order.id not in held
    assert ledger.check().differences == ()


def test_what_is_not_with_the_bank_is_held_and_released_one_by_one_by_another_person(
    city: City, moment: MovableClock
) -> None:
    sheet = drafted(city, moment)
    late = redeem(city)
    disqualify()
    holds = {row.redemption_id: row for row in rows(SettlementHold)}
    assert len(holds) == 3
    assert late in holds
    with pytest.raises(SettlementLineHeld):
        settlements.approve(sheet_id=sheet.id, role="bureau", actor="李科长")
    moment.move(days=1)
    assert settlements.draft(actor="张经办").sheet_ids == ()
    hold_id = holds[late].id
    with pytest.raises(SecondPersonNeeded):
        settlement_holds.release(hold_id=hold_id, reason="真实", actor="郑审批")
    settlement_holds.release(hold_id=hold_id, reason="真实", actor="吴主任")
    assert len(settlements.draft(actor="张经办").sheet_ids) == 1


def test_what_the_bank_has_is_not_held(city: City, moment: MovableClock) -> None:
    sent(city, moment)
    disqualify()
    assert rows(SettlementHold) == []


def test_nothing_of_another_merchant_is_touched(city: City) -> None:
    person = buyer(city)
    order = at_placard(city, person)
    standings.propose_disqualification("TJ0006", actor="孙经办", reason="套现")
    standings.confirm_disqualification("TJ0006", actor="郑审批", reason="属实")
    assert now_is(order.id)[0] == "locked"
    assert merchants.get(SUPERMARKET).status == "published"
