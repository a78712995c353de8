"""Commands that do what a partner bank's till will ask: quote, confirm, reverse, refund."""

from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from backend.cli.output import partner_option, refusals_as_text
from backend.cli.refunds import amount_fen_of_goods, show_refund
from backend.domain.money import MAX_AMOUNT_FEN, yuan_text
from backend.services import bank_tills, partners
from backend.services.orders import Amounts
from backend.services.refunds import Goods

if TYPE_CHECKING:
    from backend.storage.models.orders import Order

bank_till_cli = AppGroup("bank-till", help="Instant discounts at a bank's till (银行收银).")

card_option = click.option("--card-token", required=True, help="The bank's token of the card.")
merchant_option = click.option("--merchant", "merchant_id", required=True)
amount_option = click.option(
    "--amount-fen",
    required=True,
    type=click.IntRange(1, MAX_AMOUNT_FEN),
    help="What is due after the merchant's and the bank's own discounts.",
)
request_option = click.option(
    "--request", "request_number", required=True, help="The till's number of this payment."
)


@bank_till_cli.command("quote")
@card_option
@merchant_option
@amount_option
@refusals_as_text
def quote(card_token: str, merchant_id: str, amount_fen: int) -> None:
    """Say what the holder of a card saves at a merchant, and why not more."""
    found = bank_tills.quote(
        card_token=card_token, merchant_id=merchant_id, order_amount_fen=amount_fen
    )
    click.echo(f"立减 {yuan_text(found.discount_fen)} 元，应付 {yuan_text(found.payable_fen)} 元")
    for why in found.reasons:
        click.echo(f"  {why.campaign_name} {yuan_text(why.face_value_fen)} 元：{why.sentence}")


@bank_till_cli.command("confirm")
@card_option
@merchant_option
@amount_option
@partner_option
@request_option
@refusals_as_text
def confirm(
    card_token: str, merchant_id: str, amount_fen: int, partner_id: str, request_number: str
) -> None:
    """Take and redeem the best instant discount; the same number again is the same payment."""
    partners.refuse_unknown(partner_id)
    order = bank_tills.confirm(
        partner_id=partner_id,
        request_number=request_number,
        card_token=card_token,
        merchant_id=merchant_id,
        amounts=Amounts(order_amount_fen=amount_fen),
    )
    _show(order)


@bank_till_cli.command("reverse")
@partner_option
@request_option
@click.option("--reason", required=True)
@refusals_as_text
def reverse(partner_id: str, request_number: str, reason: str) -> None:
    """Undo a payment of today; the unit is back, and nothing is owed to the merchant."""
    partners.refuse_unknown(partner_id)
    _show(bank_tills.reverse(partner_id=partner_id, request_number=request_number, reason=reason))


@bank_till_cli.command("refund")
@partner_option
@request_option
@click.option("--number", required=True, help="The refund's own number: the same one acts once.")
@amount_fen_of_goods
@click.option("--reason", required=True)
@refusals_as_text
def refund(
    partner_id: str, request_number: str, number: str, refund_amount_fen: int, reason: str
) -> None:
    """Refund a payment or a part of it, on any day within the period of refunds."""
    partners.refuse_unknown(partner_id)
    goods = Goods(number=number, refund_amount_fen=refund_amount_fen, reason=reason)
    made = bank_tills.refund(partner_id=partner_id, request_number=request_number, goods=goods)
    show_refund(made.refund)


def _show(order: "Order") -> None:
    click.echo(
        f"{order.id} {order.status}：立减 {yuan_text(order.discount_fen)} 元，"
        f"应付 {yuan_text(order.payable_fen)} 元"
    )
