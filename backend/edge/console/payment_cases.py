"""Payment cases (付款异常): money that no redemption stands for; looked into, then closed."""

from typing import TYPE_CHECKING, Annotated

from flask import Response, render_template
from pydantic import Field

from backend.domain.payments import CASE_NAMES
from backend.domain.permissions import Permission
from backend.edge.console import money_words as words
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Badge, Link, Money
from backend.edge.console.forms import WithReason
from backend.edge.console.tables import Column, Filter, Table
from backend.services import money_lists, payment_cases

if TYPE_CHECKING:
    from backend.services.listings import Listing
    from backend.storage.models.payments import PaymentCase

blueprint = ConsoleBlueprint("payment_cases", __name__)


class CaseFilter(Filter):
    """Which cases are wanted."""

    state: Annotated[str, Field(title="状态", max_length=16)] = ""
    kind: Annotated[str, Field(title="类别", max_length=32)] = ""


def _cases(wanted: CaseFilter) -> "Listing[PaymentCase]":
    return money_lists.payment_cases(state=wanted.state, kind=wanted.kind)


CASES: "Table[PaymentCase]" = Table(
    name="payment_cases",
    title="付款异常",
    permission=Permission.REFUNDS_READ,
    filter=CaseFilter,
    find=_cases,
    columns=(
        Column("编号", lambda c: Link(str(c.id), "payment_cases.case", {"case_id": c.id}), width=8),
        Column("发现时间", lambda c: c.opened_at),
        Column("类别", lambda c: CASE_NAMES[c.kind], width=28),
        Column("订单号", lambda c: words.order_link(c.order_id), width=36),
        Column("收款方", lambda c: words.PROVIDERS[c.provider]),
        Column("应收", lambda c: Money(c.expected_fen)),
        Column("实收", lambda c: Money(c.collected_fen)),
        Column("退款", lambda c: words.refund_state(c.refund_status)),
        Column("状态", lambda c: Badge(*words.CASE_STATES[c.state])),
        Column("结案人", lambda c: c.closed_by),
        Column("结案原因", lambda c: c.close_reason, width=40),
    ),
    choices={
        "state": lambda: [(code, text) for code, (text, _) in words.CASE_STATES.items()],
        "kind": lambda: list(CASE_NAMES.items()),
    },
)


@blueprint.get("/payment-cases")
@permitted(CASES.permission)
def page() -> Response | str:
    """List cases, the newest first."""
    return CASES.answer("console/orders.html")


@blueprint.get("/payment-cases/<int:case_id>")
@permitted(Permission.REFUNDS_READ)
def case(case_id: int) -> str:
    """Show a case, and the form that closes it."""
    found = payment_cases.get(case_id)
    return render_template(
        "console/payment_case.html",
        case=found,
        kind=CASE_NAMES[found.kind],
        state=Badge(*words.CASE_STATES[found.state]),
        refund=words.refund_state(found.refund_status),
        provider=words.PROVIDERS[found.provider],
        settled=found.refund_status in ("none", "done", "failed"),
    )


@blueprint.post("/payment-cases/<int:case_id>/close")
@permitted(Permission.PAYMENT_CASES_CLOSE)
def close(case_id: int) -> Response:
    """Close a case that was looked into, never by whoever paid its money by hand."""
    reason = WithReason.read().reason
    payment_cases.close(case_id, actor=current_staff().name, reason=reason)
    return done("已结案", "payment_cases.case", case_id=case_id)
