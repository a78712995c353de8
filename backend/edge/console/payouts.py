"""Payout files (代发文件): made of what finance approved, fetched for the bank, answered by it."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

from flask import Response, flash, render_template
from pydantic import Field

from backend import clock
from backend.domain.money import yuan_grouped
from backend.domain.payouts import MAX_RETURN_BYTES
from backend.domain.permissions import Permission
from backend.edge.console import money_words as words
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import attachment, done
from backend.edge.console.cells import Link, Money
from backend.edge.console.forms import Form, fresh_number, uploaded
from backend.edge.console.tables import Column, Filter, Table
from backend.edge.http import takes_files
from backend.services import money_lists, payout_returns, payouts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backend.storage.models.payouts import PayoutFile, PayoutLine

blueprint = ConsoleBlueprint("payouts", __name__)
FORM_BYTES = 65_536  # of a form around its file


class MakeForm(Form):
    """A file's number, of the page's making or of one's own, and its last business day."""

    number: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,32}$")]
    through: date


FILES: "Table[PayoutFile]" = Table(
    name="payout_files",
    title="代发文件",
    permission=Permission.PAYOUTS_READ,
    filter=Filter,
    find=lambda _: money_lists.payout_files(),
    columns=(
        Column("批次号", lambda f: Link(f.number, "payouts.file", {"number": f.number}), width=26),
        Column("截止日", lambda f: f.day, width=12),
        Column("笔数", lambda f: f.line_count, width=8),
        Column("金额", lambda f: Money(f.amount_fen)),
        Column("生成人", lambda f: f.made_by),
        Column("生成时间", lambda f: f.made_at),
        Column("文件校验码", lambda f: f.digest[:12], width=16),
    ),
)


@blueprint.get("/payouts")
@permitted(FILES.permission)
def page() -> Response | str:
    """List payout files, the newest first."""
    yesterday = clock.today() - timedelta(days=1)
    return FILES.answer("console/payouts.html", yesterday=yesterday, number=fresh_number("P"))


@blueprint.post("/payouts")
@permitted(Permission.PAYOUTS_MAKE)
def make() -> Response:
    """Make the file of all that finance approved."""
    form = MakeForm.read()
    made = payouts.create(number=form.number, day=form.through, actor=current_staff().name)
    for sheet_id, why in made.left_out.items():
        flash(f"{sheet_id} 未编入：{why}", "bad")
    return done(
        f"已生成 {made.file.line_count} 笔，合计 {yuan_grouped(made.file.amount_fen)} 元；"
        "请下载后交银行办理",
        "payouts.file",
        number=form.number,
    )


@blueprint.get("/payouts/<number>")
@permitted(Permission.PAYOUTS_READ)
def file(number: str) -> str:
    """Show a file's lines and what the bank said of each."""
    lines = payouts.lines(number)
    return render_template(
        "console/payout.html",
        file=payouts.get(number),
        lines=lines,
        sums=[(text, _sum(lines, state)) for state, (text, _) in words.PAYOUT_STATES.items()],
        words=words,
    )


@blueprint.post("/payouts/<number>/content")
@permitted(Permission.PAYOUTS_MAKE)
def content(number: str) -> Response:
    """Fetch the file for the bank; it names full account numbers, so that is written down."""
    made = payouts.take_out(number, actor=current_staff().name)
    return attachment(made.content, made.name)


@blueprint.post("/payouts/<number>/answer")
@takes_files(MAX_RETURN_BYTES + FORM_BYTES)
@permitted(Permission.PAYOUTS_ANSWER)
def answer(number: str) -> Response:
    """Take what the bank answered: all of it, or nothing and every fault with its line."""
    taken = payout_returns.take(
        number=number, content=uploaded().read(), actor=current_staff().name
    )
    return done(
        f"已读入回盘文件：成功 {taken.paid_count} 笔 {yuan_grouped(taken.paid_fen)} 元，"
        f"失败 {taken.failed_count} 笔 {yuan_grouped(taken.failed_fen)} 元",
        "payouts.file",
        number=number,
    )


def _sum(lines: "Sequence[PayoutLine]", state: str) -> int:
    return sum(line.amount_fen for line in lines if line.state == state)
