"""Where merchants are paid (收款账户): one person enters, another confirms."""

from typing import TYPE_CHECKING, Annotated

from flask import Response
from pydantic import Field

from backend.domain.permissions import Permission
from backend.edge.console import money_words as words
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Badge
from backend.edge.console.forms import Form, Text
from backend.edge.console.tables import Column, Filter, Table
from backend.services import money_lists, payout_accounts
from backend.services.money_lists import AccountRow

if TYPE_CHECKING:
    from backend.services.listings import Listing

blueprint = ConsoleBlueprint("payout_accounts", __name__)


class AccountFilter(Filter):
    """Which accounts are wanted."""

    merchant: Annotated[str, Field(title="商户（编号或名称）", max_length=64)] = ""
    state: Annotated[str, Field(title="状态", max_length=16)] = ""


class AccountForm(Form):
    """A merchant's account, as the bank has it."""

    merchant_id: Text
    holder: Text
    bank: Text
    number: Text


class ConfirmForm(Form):
    """The account that waits, by the last four digits of its number."""

    merchant_id: Text
    last4: Annotated[str, Field(pattern="^[0-9]{4}$")]


def _accounts(wanted: AccountFilter) -> "Listing[AccountRow]":
    return money_lists.payout_accounts(merchant=wanted.merchant, state=wanted.state)


ACCOUNTS: "Table[AccountRow]" = Table(
    name="payout_accounts",
    title="商户收款账户",
    permission=Permission.SETTLEMENTS_READ,
    filter=AccountFilter,
    find=_accounts,
    columns=(
        Column("商户编号", lambda row: row.merchant.id, width=12),
        Column("商户", lambda row: row.merchant.name, width=28),
        Column("户名", lambda row: row.account.holder, width=28),
        Column("开户行", lambda row: row.account.bank, width=28),
        Column("账号尾号", lambda row: row.account.number_last4, width=10),
        Column("状态", lambda row: Badge(*words.ACCOUNT_STATES[row.account.state])),
        Column("登记人", lambda row: row.account.proposed_by),
        Column("登记时间", lambda row: row.account.proposed_at),
        Column("复核人", lambda row: row.account.confirmed_by),
        Column("复核时间", lambda row: row.account.confirmed_at),
    ),
    choices={"state": lambda: [(code, text) for code, (text, _) in words.ACCOUNT_STATES.items()]},
)


@blueprint.get("/payout-accounts")
@permitted(ACCOUNTS.permission)
def page() -> Response | str:
    """List accounts, the newest first, and those that wait for a second person."""
    waiting = money_lists.payout_accounts(state="proposed").page(1, 50)
    return ACCOUNTS.answer("console/payout_accounts.html", waiting=waiting)


@blueprint.post("/payout-accounts")
@permitted(Permission.PAYOUT_ACCOUNTS_PROPOSE)
def propose() -> Response:
    """Enter an account; it counts once another person has confirmed it."""
    form = AccountForm.read()
    payout_accounts.propose(
        merchant_id=form.merchant_id,
        holder=form.holder,
        bank=form.bank,
        number=form.number,
        actor=current_staff().name,
    )
    return done("已登记，待财政复核后使用", "payout_accounts.page")


@blueprint.post("/payout-accounts/confirm")
@permitted(Permission.PAYOUT_ACCOUNTS_CONFIRM)
def confirm() -> Response:
    """Confirm the account that waits, by digits read from the merchant's paper."""
    form = ConfirmForm.read()
    payout_accounts.confirm(
        merchant_id=form.merchant_id, last4=form.last4, actor=current_staff().name
    )
    return done("已复核，即日起付至该账户", "payout_accounts.page")
