"""What a shop has redeemed, as its desk shows it: the owner sees all, a clerk what he redeemed."""

import io
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from backend import clock
from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import workbooks
from backend.storage.models.merchants import Clerk
from backend.storage.queries import desk_records as queries
from backend.storage.queries.desk_records import Days, Record, Totals

STATUS_NAMES = {"redeemed": "已收款", "refunded": "已全退", "reversed": "已冲正"}
TITLES = (
    *("时间", "订单号", "活动", "收银员", "消费金额（元）", "券抵扣（元）"),
    *("应收（元）", "退货价值（元）", "状态"),
)
NO_CLERK = "顾客手机付款"
FOREVER = (date(2000, 1, 1), date(9999, 12, 31))


@dataclass(frozen=True)
class Period:
    """Business days, both included."""

    first: date
    last: date

    @classmethod
    def day(cls, day: date) -> Self:
        """Return one day."""
        return cls(day, day)

    @classmethod
    def month(cls, year: int, month: int) -> Self:
        """Return a calendar month."""
        first = date(year, month, 1)
        after = (first + timedelta(days=31)).replace(day=1)
        return cls(first, after - timedelta(days=1))

    @property
    def name(self) -> str:
        """2023-05-01, or 2023-05 for a month."""
        return f"{self.first}" if self.first == self.last else f"{self.first:%Y-%m}"


def page_of(
    clerk: Clerk, period: Period, *, page: int, page_size: int
) -> tuple[list[Record], int, Totals]:
    """Return one page of records, how many there are, and the totals of all pages, in fen."""
    days, session = _seen_by(clerk, period), db.session()
    return (
        queries.page_of(session, days, page=page, page_size=page_size),
        queries.count_all(session, days),
        queries.totals_of(session, days),
    )


def one_of(clerk: Clerk, redemption_id: str) -> Record:
    """Return one record; NotFound for another shop's, or what the clerk does not see."""
    found = queries.one_of(db.session(), _seen_by(clerk, Period(*FOREVER)), redemption_id)
    if found is None:
        raise NotFound(f"redemption {redemption_id!r}")
    return found


def can_be_reversed(record: Record) -> bool:
    """Tell whether a redemption may still be undone: today's, whole."""
    is_today = record.redeemed_at.date() == clock.today()
    return is_today and record.status == "redeemed" and record.refunded_fen == 0


def shown_status(record: Record) -> str:
    """Return what became of a redemption, in Chinese."""
    in_part = record.status == "redeemed" and record.refunded_fen > 0
    return "部分退货" if in_part else STATUS_NAMES[record.status]


def excel(clerk: Clerk, period: Period) -> bytes:
    """Return the records of a period as Excel: every one, then the sums. Nothing of residents."""
    days, session = _seen_by(clerk, period), db.session()
    out = io.BytesIO()
    with workbooks.workbook(out, title=f"核销记录 {period.name}") as book:
        page = workbooks.Page(book, "核销记录", [20, 36, 24, 14, 14, 14, 14, 14, 10])
        page.row(*TITLES, bold=True)
        for record in queries.all_of(session, days):
            page.row(
                f"{record.redeemed_at:%Y-%m-%d %H:%M:%S}",
                record.id,
                record.campaign_name,
                record.clerk_name or NO_CLERK,
                workbooks.yuan(record.order_amount_fen),
                workbooks.yuan(record.discount_fen),
                workbooks.yuan(record.payable_fen),
                workbooks.yuan(record.refunded_fen),
                shown_status(record),
            )
        sums = queries.totals_of(session, days)
        page.row(
            f"合计 {sums.count} 笔（不含已冲正）",
            *(None, None, None),
            workbooks.yuan(sums.order_amount_fen),
            workbooks.yuan(sums.discount_fen),
            workbooks.yuan(sums.payable_fen),
            workbooks.yuan(sums.refunded_fen),
            bold=True,
        )
    return out.getvalue()


def _seen_by(clerk: Clerk, period: Period) -> Days:
    return Days(
        merchant_id=clerk.merchant_id,
        first=period.first,
        last=period.last,
        clerk_id=None if clerk.role == "owner" else clerk.id,
    )
