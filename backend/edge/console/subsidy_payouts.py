"""Payout lists of subsidies (补贴发放清单): made, fetched for the bank, answered line by line."""

from flask import Response, render_template

from backend.domain.permissions import Permission
from backend.edge.console import money_words as words
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import attachment, done
from backend.edge.console.cells import Link, Money
from backend.edge.console.forms import Form, Number, Text, WithReason, fresh_number
from backend.edge.console.tables import Column, Filter, Table
from backend.services import subsidy_lists, subsidy_payouts
from backend.services.subsidy_lists import PayoutList

blueprint = ConsoleBlueprint("subsidy_payouts", __name__)


class MakeForm(Form):
    """A list's number, of the page's making or of one's own."""

    number: Number


class ProofForm(Form):
    """The bank's serial of a payment."""

    proof: Text


def _link(row: PayoutList) -> Link:
    return Link(row.payout.number, "subsidy_payouts.one", {"number": row.payout.number})


TABLE: Table[PayoutList] = Table(
    name="subsidy_payouts",
    title="补贴发放清单",
    permission=Permission.SUBSIDIES_READ,
    filter=Filter,
    find=lambda _: subsidy_lists.payouts(),
    columns=(
        Column("清单编号", _link, width=26),
        Column("生成时间", lambda row: row.payout.made_at),
        Column("生成人", lambda row: row.payout.made_by),
        Column("笔数", lambda row: row.payout.line_count, width=8),
        Column("金额", lambda row: Money(row.payout.amount_fen)),
        Column("待登记", lambda row: row.sent, width=8),
        Column("已发放", lambda row: row.paid, width=8),
        Column("银行退回", lambda row: row.returned, width=10),
        Column("文件校验码", lambda row: row.payout.digest[:12], width=16),
    ),
)


@blueprint.get("/subsidy-payouts")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List payout lists, the newest first."""
    return TABLE.answer(
        "console/subsidy_payouts.html",
        payable=subsidy_lists.count_payable(),
        number=fresh_number("B"),
    )


@blueprint.post("/subsidy-payouts")
@permitted(Permission.SUBSIDIES_PAY)
def make() -> Response:
    """Make the list of all that is granted and not on its way; the same number is the same list."""
    made = subsidy_payouts.create(number=MakeForm.read().number, actor=current_staff().name)
    return done(
        f"已生成 {made.line_count} 笔，合计 {Money(made.amount_fen)} 元；请下载后交银行办理",
        "subsidy_payouts.one",
        number=made.number,
    )


@blueprint.get("/subsidy-payouts/<number>")
@permitted(Permission.SUBSIDIES_READ)
def one(number: str) -> str:
    """Show a list's lines and what the bank did of each."""
    payout, lines = subsidy_payouts.get(number), subsidy_payouts.lines(number)
    return render_template(
        "console/subsidy_payout.html",
        payout=payout,
        lines=lines,
        sums=[
            (word, sum(line.amount_fen for line, _ in lines if line.state == state))
            for state, (word, _) in words.SUBSIDY_PAYMENTS.items()
        ],
        words=words,
    )


@blueprint.post("/subsidy-payouts/<number>/content")
@permitted(Permission.SUBSIDIES_PAY)
def content(number: str) -> Response:
    """Fetch the list for the bank; it names full account numbers, so that is written down."""
    found = subsidy_payouts.take_out(number, actor=current_staff().name)
    return attachment(found, f"{number}.xlsx")


@blueprint.post("/subsidy-payouts/<number>/<order_id:subsidy_id>/paid")
@permitted(Permission.SUBSIDIES_PAY)
def paid(number: str, subsidy_id: str) -> Response:
    """Write down that the bank paid a line, with its serial."""
    return _answer(number, subsidy_id, proof=ProofForm.read().proof, is_paid=True)


@blueprint.post("/subsidy-payouts/<number>/<order_id:subsidy_id>/returned")
@permitted(Permission.SUBSIDIES_PAY)
def returned(number: str, subsidy_id: str) -> Response:
    """Write down that the bank returned a line, and why."""
    return _answer(number, subsidy_id, proof=WithReason.read().reason, is_paid=False)


def _answer(number: str, subsidy_id: str, *, proof: str, is_paid: bool) -> Response:
    line = subsidy_payouts.answer(
        number=number,
        subsidy_id=subsidy_id,
        paid=is_paid,
        proof=proof,
        actor=current_staff().name,
    )
    what = "已登记发放" if is_paid else "已登记银行退回，可编入下一份清单"
    return done(f"第 {line.line} 笔{what}", "subsidy_payouts.one", number=number)
