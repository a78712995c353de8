"""The console's menu: each page once, shown to whoever may open it."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request, url_for

from backend.edge.console import access


@dataclass(frozen=True)
class Item:
    """A page of the menu, by its endpoint; what it wants is what its view wants."""

    title: str
    endpoint: str

    @property
    def url(self) -> str:
        return url_for(self.endpoint)

    @property
    def current(self) -> bool:
        """Whether this page, or one below it, is open."""
        return (request.blueprint or "") == self.endpoint.partition(".")[0]


@dataclass(frozen=True)
class Section:
    """Pages of one kind of work."""

    title: str
    items: Sequence[Item]


MENU = (
    Section("工作台", (Item("首页", "home.page"), Item("我的导出", "exports.page"))),
    Section(
        "活动",
        (
            Item("消费季", "programme.page"),
            Item("活动", "campaigns.page"),
            Item("开抢实况", "war_room.page"),
            Item("成效分析", "analytics.page"),
        ),
    ),
    Section(
        "商户",
        (
            Item("商户", "merchants.page"),
            Item("待办商户", "merchant_work.page"),
            Item("银行提报", "merchant_reports.page"),
            Item("送审名单", "partner_lists.page"),
            Item("公布名单", "merchant_lists.page"),
            Item("张贴检查", "placements.page"),
            Item("承诺书", "pledge_texts.page"),
            Item("码牌与海报", "placard_prints.batch"),
        ),
    ),
    Section(
        "资金",
        (
            Item("核销", "redemptions.page_of_redemptions"),
            Item("订单", "orders.page"),
            Item("退款", "refunds.page"),
            Item("退款申请", "refund_proposals.page_of_proposals"),
            Item("退回顾客款项", "paybacks.page_of_paybacks"),
            Item("付款异常", "payment_cases.page"),
            Item("结算单", "settlements.page"),
            Item("代发", "payouts.page"),
            Item("商户收款账户", "payout_accounts.page"),
            Item("暂缓结算", "settlement_holds.page_of_holds"),
            Item("专项补贴", "subsidies.page"),
            Item("补贴发放清单", "subsidy_payouts.page"),
            Item("对账文件", "reconciliation.page"),
            Item("对账差异", "reconciliation_items.page_of_items"),
            Item("预算", "budgets.page"),
            Item("补录支出", "spending.page"),
            Item("资金汇总", "fund_reports.page"),
            Item("账本核对", "ledger.page"),
        ),
    ),
    Section(
        "人员",
        (
            Item("居民", "residents.page"),
            Item("首道门票", "entries.page"),
            Item("工作人员", "staff_accounts.page"),
            Item("账号复核", "staff_checks.page"),
            Item("权限表", "permission_matrix.page"),
        ),
    ),
    Section("公众", (Item("公告", "notices.page"), Item("投诉", "complaints.page"))),
    Section("监督", (Item("审计日志", "audit_log.page"), Item("系统状况", "system_status.page"))),
    Section("我的账号", (Item("登录与密码", "own_account.page"),)),
)


def sections() -> list[Section]:
    """Return the menu of who is signed in, without what their role may not open."""
    open_to = [
        Section(section.title, [i for i in section.items if access.may_open(i.endpoint)])
        for section in MENU
    ]
    return [section for section in open_to if section.items]
