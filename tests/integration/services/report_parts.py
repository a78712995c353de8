"""A city whose books hold something of everything the fund report tells."""

from datetime import date

from backend.services import orders, redemptions, spending_imports, vouchers
from backend.services.orders import Amounts
from backend.services.spending_imports import Target
from tests.factories import SUPERMARKET, City, MovableClock, approve, drain, new_request
from tests.integration.services.budget_parts import confirm, propose_tiers

FIRST_DAY = date(2023, 4, 28)


def busy(city: City, moment: MovableClock) -> None:
    """28 April: claims, a use, an import, a raised tier. 5 May: one voucher has run out."""
    buyer, sleeper, clerk = city.resident(), city.resident(), city.clerk()
    city.claim(buyer, tier=3)
    city.claim(sleeper, tier=2)
    drain()
    order = orders.create_at_placard(
        resident_id=buyer.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=30_000),
    )
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    approve("GATE-JJK", actor="test")
    bring("S1", "A-1,2023-01-15,200000,家乐购,\n", Target(fund_id="FUND93", quarter="Q1"))
    bring("S2", "A-2,2023-02-15,35,x,\n", spending_imports.of_campaign("GATE-JJK"))
    propose_tiers("B1", {1: 2600})
    confirm("B1")
    moment.move(days=7)
    vouchers.expire_due()


def bring(id_: str, line: str, target: Target) -> None:
    content = f"凭证号,日期,金额,收款方,备注\n{line}".encode()
    spending_imports.propose(
        id_, content, file_name="x.csv", target=target, reason="x", actor="王科员"
    )
    spending_imports.confirm(id_, actor="李科长")
