"""Builders of what settlement tests need: redemptions of a day, and their sheets."""

from backend import clock
from backend.domain.money import yuan_text
from backend.services import (
    orders,
    payout_accounts,
    payouts,
    placards,
    redemptions,
    settlements,
)
from backend.services.orders import Amounts
from backend.services.payouts import MadeFile
from backend.storage.models.orders import Redemption
from backend.storage.models.settlements import SettlementSheet
from tests.factories import SUPERMARKET, City, MovableClock, new_request, rows

MALL = "TJ0001"


def redeem(city: City, merchant_id: str = SUPERMARKET, *, tier: int = 1) -> str:
    """Redeem one voucher of a new resident now; return the redemption's id."""
    resident, clerk = city.resident(), city.clerk(merchant_id)
    if merchant_id not in city.placard:
        city.placard[merchant_id] = placards.issue(merchant_id, actor="test").url
    city.claim(resident, tier=tier)
    order = orders.create_at_placard(
        resident_id=resident.id,
        request_id=new_request(),
        placard_code=city.placard[merchant_id],
        amounts=Amounts(order_amount_fen=32_000),
    )
    redemptions.confirm_paid(order_id=order.id, merchant_id=merchant_id, clerk_id=clerk.id)
    return order.id


def drafted(
    city: City, moment: MovableClock, *, count: int = 2, merchant_id: str = SUPERMARKET
) -> SettlementSheet:
    """Redeem, let the day pass, and return the merchant's sheet."""
    for _ in range(count):
        redeem(city, merchant_id)
    moment.move(days=1)
    made = settlements.draft(actor="张经办")
    return settlements.sheet_of(next(i for i in made.sheet_ids if i.startswith(merchant_id)))


def approved(sheet: SettlementSheet) -> SettlementSheet:
    """Take a drafted sheet through bureau and finance."""
    settlements.approve(sheet_id=sheet.id, role="bureau", actor="李科长")
    return settlements.approve(sheet_id=sheet.id, role="finance", actor="王财政")


def sheet_of_today(merchant_id: str = SUPERMARKET) -> SettlementSheet | None:
    """Draft a merchant's sheet of the day that still runs, as no command does."""
    return settlements.draft_merchant(merchant_id, through_day=clock.today(), actor="张经办")


def settled_today(city: City) -> SettlementSheet:
    """Redeem once and return the sheet of it, on the same day."""
    redeem(city)
    sheet = sheet_of_today()
    assert sheet is not None
    return sheet


def discounts() -> int:
    """Return the sum of all redemptions' discounts, in fen."""
    return sum(row.discount_fen for row in rows(Redemption))


NUMBERS = {SUPERMARKET: "6222020000000000003", MALL: "6222020000000000001"}


def with_account(merchant_id: str = SUPERMARKET) -> None:
    """Give a merchant a confirmed payout account."""
    number = NUMBERS.get(merchant_id, f"62220200000{merchant_id.removeprefix('TJ'):0>8}")
    payout_accounts.propose(
        merchant_id=merchant_id,
        holder=f"同江{merchant_id}商贸有限公司",
        bank="示例银行同江支行",
        number=number,
        actor="郑登记",
    )
    payout_accounts.confirm(merchant_id=merchant_id, last4=number[-4:], actor="冯复核")


def sent(city: City, moment: MovableClock, number: str = "B1") -> MadeFile:
    """Take both merchants' redemptions of a day into a payout file."""
    for merchant_id in NUMBERS:
        redeem(city, merchant_id)
        with_account(merchant_id)
    moment.move(days=1)
    for sheet_id in settlements.draft(actor="张经办").sheet_ids:
        approved(settlements.sheet_of(sheet_id))
    return payouts.create(number=number, actor="陈出纳")


def answer(*told: str, number: str = "B1") -> bytes:
    """Return a bank's answer: a word a line: paid, failed, or skip; more fields after a comma."""
    rows = ["序号|结算单号|金额|结果|流水号|日期|原因"]
    for line, what in zip(payouts.lines(number), told, strict=True):
        outcome, _, amount = what.partition(",")
        amount = amount or yuan_text(line.amount_fen)
        end = {
            "paid": f"成功|{number}-S{line.line_number}|{clock.today():%Y%m%d}|",
            "failed": "失败|||账号户名不符",
        }
        if outcome in end:
            rows.append(f"{line.line_number}|{line.sheet_id}|{amount}|{end[outcome]}")
    return "\r\n".join(rows).encode("gbk")
