"""Commands for bound cards: what a partner's notice does, by hand."""

from uuid import uuid4

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, partner_option, phone_option, refusals_as_text
from backend.domain.cards import LAST4
from backend.services import cards, partners, residents
from backend.services.cards import Notice

card_cli = AppGroup("card", help="Bind bank cards to residents and unbind them (绑卡).")


def _last4(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not LAST4.fullmatch(value):
        raise click.BadParameter("four digits")
    return value


token_option = click.option(
    "--card-token", required=True, help="The bank's token, never the card number."
)
last4_option = click.option("--last4", required=True, callback=_last4)
request_option = click.option(
    "--request",
    "request_number",
    default=lambda: uuid4().hex,
    help="The partner's request number: the same one never acts twice. By default a new one.",
)


@card_cli.command("bind")
@phone_option
@token_option
@last4_option
@partner_option
@request_option
@actor_option
@refusals_as_text
def bind(
    phone: str, card_token: str, last4: str, partner_id: str, request_number: str, actor: str
) -> None:
    """Bind a bank card to the resident of a phone number, on the bank's notice."""
    partners.refuse_unknown(partner_id)
    resident_id = residents.of_phone(phone)
    cards.bind(resident_id, _notice(partner_id, request_number, card_token, last4), actor=actor)
    click.echo(f"居民 {resident_id} 已绑定尾号 {last4} 的卡")


@card_cli.command("unbind")
@phone_option
@token_option
@last4_option
@partner_option
@request_option
@actor_option
@refusals_as_text
def unbind(
    phone: str, card_token: str, last4: str, partner_id: str, request_number: str, actor: str
) -> None:
    """End a binding; the card stays this resident's, and nobody else can bind it."""
    partners.refuse_unknown(partner_id)
    resident_id = residents.of_phone(phone)
    cards.unbind(resident_id, _notice(partner_id, request_number, card_token, last4), actor=actor)
    click.echo(f"居民 {resident_id} 已解绑尾号 {last4} 的卡")


def _notice(partner_id: str, request_number: str, card_token: str, last4: str) -> Notice:
    return Notice(
        partner_id=partner_id, request_number=request_number, card_token=card_token, last4=last4
    )
