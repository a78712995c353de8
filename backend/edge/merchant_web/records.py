"""What the shop has redeemed (核销记录): days and months, receipts, refunds and reversals."""

import datetime as dt
import re
import uuid

from apiflask import APIBlueprint
from flask import Response, render_template, request

from backend import clock
from backend.domain.errors import InvalidRequest
from backend.domain.money import fen_of_yuan, yuan_text
from backend.edge.console.answers import done
from backend.edge.merchant_web.access import current_clerk
from backend.edge.merchant_web.files import excel_file
from backend.services import desk_records, refunds, reversals
from backend.services.desk_records import Period
from backend.services.refunds import Goods

blueprint = APIBlueprint("desk_records", __name__, enable_openapi=False)
PAGE_SIZE = 50
PAPERS = ("58", "80")  # widths of receipt printers' paper, mm
REASON_LENGTH = 100
_AMOUNT_TYPED = str.maketrans("０１２３４５６７８９．。", "0123456789..")


@blueprint.get("/records")
def page() -> str | Response:
    """List a day or a month, or answer it as Excel."""
    clerk, period = current_clerk(), _period()
    if request.args.get("format") == "xlsx":
        return excel_file(desk_records.excel(clerk, period), f"records-{period.name}")
    number = _page_number()
    records, count, totals = desk_records.page_of(clerk, period, page=number, page_size=PAGE_SIZE)
    return render_template(
        "desk/records.html",
        period=period,
        records=records,
        totals=totals,
        number=number,
        last_number=max(-(-count // PAGE_SIZE), 1),
        shown_status=desk_records.shown_status,
    )


@blueprint.get("/records/<order_id:redemption_id>")
def one(redemption_id: str) -> str:
    """Show one redemption, and what may be done with it."""
    record = desk_records.one_of(current_clerk(), redemption_id)
    return render_template(
        "desk/record.html",
        record=record,
        status=desk_records.shown_status(record),
        can_be_reversed=desk_records.can_be_reversed(record),
        refund_number=uuid.uuid4().hex,  # of the form: sent twice, it is one refund
    )


@blueprint.get("/records/<order_id:redemption_id>/receipt")
def receipt(redemption_id: str) -> str:
    """Show a receipt for paper of 58 or 80 mm."""
    paper = request.args.get("paper", PAPERS[0])
    if paper not in PAPERS:
        raise InvalidRequest("paper of another width")
    record = desk_records.one_of(current_clerk(), redemption_id)
    return render_template("desk/receipt.html", record=record, paper=paper, now=clock.now())


@blueprint.post("/records/<order_id:redemption_id>/reversal")
def reverse(redemption_id: str) -> Response:
    """Undo a redemption of today, whole."""
    clerk = current_clerk()
    desk_records.one_of(clerk, redemption_id)
    reversals.reverse_at_merchant(
        redemption_id=redemption_id,
        merchant_id=clerk.merchant_id,
        clerk_id=clerk.id,
        reason=_reason(),
    )
    return done("已冲正，券已退回顾客卡包", "desk_records.one", redemption_id=redemption_id)


@blueprint.post("/records/<order_id:redemption_id>/refunds")
def refund(redemption_id: str) -> Response:
    """Refund goods that a customer has brought back."""
    clerk = current_clerk()
    desk_records.one_of(clerk, redemption_id)
    amount_fen = fen_of_yuan(request.form.get("amount", "").strip().translate(_AMOUNT_TYPED))
    if not amount_fen:
        raise InvalidRequest(
            "no amount of yuan", details={"sentence": "退货金额请填数字，如 85.50"}
        )
    made = refunds.refund_at_merchant(
        redemption_id=redemption_id,
        merchant_id=clerk.merchant_id,
        clerk_id=clerk.id,
        goods=Goods(
            number=request.form.get("refund_number", ""),
            refund_amount_fen=amount_fen,
            reason=_reason(),
        ),
    )
    return done(refund_sentence(made), "desk_records.one", redemption_id=redemption_id)


def refund_sentence(made: refunds.Shown) -> str:
    """Say what the customer gets and from whom."""
    yuan = yuan_text(made.refund.customer_fen)
    if made.payback is None:
        return f"已退货，请把 {yuan} 元当面退给顾客"
    return f"已退货，{yuan} 元由系统原路退给顾客"


def _reason() -> str:
    reason = request.form.get("reason", "").strip()
    if not 0 < len(reason) <= REASON_LENGTH or not reason.isprintable():
        sentence = f"请写明原因，{REASON_LENGTH} 个字以内"
        raise InvalidRequest("a reason of another length", details={"sentence": sentence})
    return reason


def _period() -> Period:
    if text := request.args.get("month"):
        found = re.fullmatch(r"(20[0-9]{2})-(0[1-9]|1[0-2])", text, re.ASCII)
        if found is None:
            raise InvalidRequest("no month")
        return Period.month(int(found[1]), int(found[2]))
    text = request.args.get("day") or f"{clock.today()}"
    try:
        return Period.day(dt.date.fromisoformat(text))
    except ValueError as error:
        raise InvalidRequest("no day") from error


def _page_number() -> int:
    text = request.args.get("page", "1")
    if not re.fullmatch("[1-9][0-9]{0,4}", text, re.ASCII):
        raise InvalidRequest("no page")
    return int(text)
