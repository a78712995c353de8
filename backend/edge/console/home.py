"""The home page (首页): what awaits whoever signs in, and the pages of their role."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import render_template, url_for

from backend.domain.permissions import Permission as P
from backend.domain.reconciliation import KIND_NAMES
from backend.edge.console import access, complaint_queues, merchant_work, staff_checks
from backend.edge.console.access import SIGNED_IN, ConsoleBlueprint, permitted
from backend.services import awaiting, campaign_approvals, exports, missing_files, public_notices

blueprint = ConsoleBlueprint("home", __name__)


@dataclass(frozen=True)
class Awaiting:
    """Work that waits: its words, the page where it is done, how many there are for a person.

    `wanted` is what the act wants where more may see the page than may act; `query` is the page's
    filter that shows what waits.
    """

    title: str
    endpoint: str
    count: Callable[[str], int]  # of a login name
    wanted: P | None = None
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return url_for(self.endpoint, **self.query)  # type: ignore[arg-type]  # any is a value

    def is_mine(self) -> bool:
        """Tell whether who is signed in may do it."""
        return access.may_open(self.endpoint) and (self.wanted is None or access.may(self.wanted))


# A page adds its own line: whoever may act sees it, unless nothing waits.
AWAITING = (
    Awaiting("导出文件可下载", "exports.page", exports.count_ready),
    Awaiting("活动待审批", "campaigns.waiting", campaign_approvals.count_waiting),
    Awaiting("商户等您办理", "merchant_work.page", merchant_work.count_own),
    Awaiting(
        "公告待发布",
        "notices.page",
        public_notices.count_to_publish,
        P.NOTICES_PUBLISH,
        {"state": "submitted"},
    ),
    *(Awaiting(q.title, f"complaints.{q.name}", q.count) for q in complaint_queues.QUEUES),
    Awaiting("账号申请待您复核", "staff_checks.page", staff_checks.count_for),
    Awaiting(
        "结算单待商务局审核",
        "settlements.page",
        awaiting.sheets_for_bureau,
        P.SETTLEMENTS_APPROVE_BUREAU,
        {"state": "drafted"},
    ),
    Awaiting(
        "结算单待财政局审核",
        "settlements.page",
        awaiting.sheets_for_finance,
        P.SETTLEMENTS_APPROVE_FINANCE,
        {"state": "bureau_approved"},
    ),
    Awaiting(
        "收款账户待复核",
        "payout_accounts.page",
        awaiting.payout_accounts,
        P.PAYOUT_ACCOUNTS_CONFIRM,
        {"state": "proposed"},
    ),
    Awaiting(
        "退款申请待办理",
        "refund_proposals.page_of_proposals",
        awaiting.refund_proposals,
        P.REFUNDS_MAKE,
        {"state": "proposed"},
    ),
    Awaiting(
        "付款异常待结案",
        "payment_cases.page",
        awaiting.payment_cases,
        P.PAYMENT_CASES_CLOSE,
        {"state": "open"},
    ),
    Awaiting(
        "对账差异待说明",
        "reconciliation_items.page_of_items",
        awaiting.differences_to_explain,
        P.RECONCILIATION_EXPLAIN,
        {"state": "open"},
    ),
    Awaiting(
        "对账差异待复核",
        "reconciliation_items.page_of_items",
        awaiting.differences_to_resolve,
        P.RECONCILIATION_RESOLVE,
        {"state": "explained"},
    ),
    Awaiting("预算调整待复核", "budgets.page", awaiting.budget_changes, P.BUDGETS_CONFIRM),
    Awaiting("补录支出待复核", "spending.page", awaiting.spending_imports, P.SPENDING_CONFIRM),
    Awaiting(
        "门票月度结算单待复核",
        "entries.page",
        awaiting.entry_statements,
        P.ENTRIES_CONFIRM,
        {"state": "drafted"},
    ),
    Awaiting("密码前半待您交给本人", "staff_checks.page", staff_checks.count_halves),
    Awaiting(
        "专项补贴待初审",
        "subsidies.page",
        awaiting.first_reviews,
        P.SUBSIDIES_REVIEW_FIRST,
        {"state": "submitted"},
    ),
    Awaiting(
        "专项补贴待复审",
        "subsidies.page",
        awaiting.second_reviews,
        P.SUBSIDIES_REVIEW_SECOND,
        {"state": "first_reviewed"},
    ),
    Awaiting(
        "补贴更正账户待审核",
        "subsidies.page",
        awaiting.account_corrections,
        P.SUBSIDIES_REVIEW_SECOND,
        {"state": "correcting"},
    ),
    Awaiting(
        "专项补贴待发放",
        "subsidy_payouts.page",
        awaiting.subsidies_to_pay,
        P.SUBSIDIES_PAY,
    ),
    Awaiting(
        "补贴发放待登记银行结果",
        "subsidy_payouts.page",
        awaiting.subsidies_to_answer,
        P.SUBSIDIES_PAY,
    ),
    Awaiting("合作机构密钥待复核", "partners.page", awaiting.partner_keys, P.PARTNERS_CONFIRM),
)


@blueprint.get("/")
@permitted(SIGNED_IN)
def page() -> str:
    """Show what waits."""
    name = access.current_staff().name
    waiting = [
        (entry.title, entry.url, count)
        for entry in AWAITING
        if entry.is_mine() and (count := entry.count(name))
    ]
    return render_template(
        "console/home.html",
        waiting=waiting,
        missing=missing_files.list_missing() if access.may(P.RECONCILIATION_READ) else (),
        kinds=KIND_NAMES,
    )
