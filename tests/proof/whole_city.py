"""A city in which something of every kind has happened: each page has a row to show.

A new page with an id in its path wants a row here, or no walk reaches it.
"""

from datetime import timedelta

from backend import clock
from backend.domain.staff import Role
from backend.edge.console.edges import TABLES
from backend.gateways.payments.protocol import RefundState
from backend.services import (
    approvals,
    audit_seals,
    blocks,
    budget_proposals,
    campaign_approvals,
    clerks,
    complaints,
    exports,
    fund_reports,
    live,
    merchant_lists,
    payment_states,
    payout_returns,
    placards,
    public_notices,
    reconciliation,
    reconciliation_items,
    refund_proposals,
    settlement_holds,
    settlements,
    spending_imports,
    staff_proposals,
    staff_resets,
    subsidy_payouts,
)
from backend.services.spending_imports import Target
from tests import joining
from tests.bank_details import DAY, detail, line, take_detail
from tests.bank_parts import propose_one_merchant
from tests.complaining import file_one
from tests.console import sign_in
from tests.entering import stated
from tests.factories import MAY, RESTAURANT, City, MovableClock
from tests.integration.services.paying import PAYABLE_FEN, at_placard, buyer, provided
from tests.integration.services.reconciling import name_the_shop
from tests.integration.services.refunding import goods, refund_by_staff
from tests.noticing import publish_one, submit_one
from tests.providers import paid
from tests.settling import MALL, answer, redeem, sent
from tests.subsidising import car, granted, submitted

MAKER, CHECKER = "li.wei", "wang.fang"
ANYBODY = "all.may"  # who looks at all of it, and has made nothing of it
PAYOUT = "B20230429-0001"


def fill(city: City, moment: MovableClock) -> None:
    """Let the city live through some days."""
    _campaigns()
    _people(city)
    _staff()
    _shops(city)
    _words(city)
    _subsidies(city)
    stated(city, moment)
    _settled(city, moment)
    _money_that_came_back(city)
    _compared()
    _budgets()
    exports.ask(TABLES["merchants"], {}, actor=ANYBODY)
    exports.run_due()
    live.flush()
    audit_seals.seal_due()


def _campaigns() -> None:
    campaign_approvals.submit("Q3-NIGHT", actor=MAKER, faults=["可用商户：餐饮 0 家"])
    campaign_approvals.send_back("Q3-NIGHT", reason="商户太少", actor=CHECKER)
    campaign_approvals.submit("Q3-NIGHT", actor=MAKER, faults=["可用商户：餐饮 1 家"])


def _people(city: City) -> None:
    for number in range(3):
        person = city.resident()
        city.bind_card(person)
        city.claim(person, tier=1 + number)
    blocks.block(person.id, reason="套现嫌疑", actor=MAKER)
    blocks.lift(person.id, reason="误会", actor=CHECKER)
    blocks.block(person.id, reason="再次套现", actor=MAKER)


def _money_that_came_back(city: City) -> None:
    """A refund that is made, one that waits, and money that the provider could not return."""
    refund_by_staff(redeem(city), 10_000)
    refund_proposals.propose(order_id=redeem(city), goods=goods(100), actor=MAKER)
    astray(city)


def astray(city: City) -> None:
    """Let a provider collect too little once, and once refuse to send money back."""
    refused = RefundState(status="failed", reference="REFUSED")
    with provided(city) as provider:
        provider.tell("refund", refused, refused)
        payment_states.record(at_placard(city, buyer(city)).id, "wechat_pay", paid(20_000))
        order = at_placard(city, buyer(city))
        payment_states.record(order.id, "wechat_pay", paid(PAYABLE_FEN))
        refund_by_staff(order.id, 32_000)


def _staff() -> None:
    for role in Role:
        sign_in(role)
    for name, role in (("chen.jie", Role.TAX), ("zhou.yu", Role.FINANCE)):
        staff_proposals.propose_account(
            name, display_name="陈洁", office="税务局", role=role, actor="root.admin"
        )
    staff_proposals.confirm("zhou.yu", actor="qian.admin")
    staff_resets.request("zhou.yu", reason="手机遗失", actor="root.admin")


def _shops(city: City) -> None:
    """Shops at several steps of the chain; one is struck off, one vetoed."""
    joining.join_one()
    for number in (2, 3, 4):
        shop = joining.reported(number)
    approvals.screen(shop, "vetoed", office="tax", reason="欠税未缴", actor=joining.TAX)
    joining.agreed(joining.reported(5))
    merchant_lists.publish(actor="test")
    placards.reissue(RESTAURANT, actor=MAKER, reason="被撕毁")
    clerks.make_owner(clerk_id=city.clerk().id, actor=MAKER)
    city.clerk()
    propose_one_merchant()


def _words(city: City) -> None:
    """Complaints in several states; notices that are published, drafted and withdrawn."""
    first, second = file_one(shop="江边小馆", order_number="0001"), file_one()
    complaints.assign(first.number, office="bureau", actor=MAKER)
    complaints.answer(first.number, text="已核实并整改", actor=MAKER)
    complaints.assign(second.number, office="bureau", actor=MAKER)
    file_one()
    for title in ("五一活动", "旧公告"):
        number = publish_one(title)
    public_notices.withdraw(number, reason="有误", actor=MAKER)
    submit_one("待发布")
    public_notices.write(title="草稿", body="正文", actor=ANYBODY)


def _subsidies(city: City) -> None:
    car(city)
    submitted(city.resident(), 1)
    granted(city.resident(), 2)
    subsidy_payouts.create(number="P20230428-01", actor="财政甲")


def _settled(city: City, moment: MovableClock) -> None:
    """A sheet in each state; a file that the bank has answered, and one held redemption."""
    sent(city, moment, number=PAYOUT)
    content = answer("paid", "failed", number=PAYOUT)
    payout_returns.take(number=PAYOUT, content=content, actor="钱出纳")
    held = redeem(city, MALL)
    settlement_holds.hold(hold_id="H20230429-01", redemption_id=held, reason="待核", actor=MAKER)
    redeem(city)
    moment.move(days=1)
    for sheet_id in settlements.draft(actor="张经办").sheet_ids:
        settlements.approve(sheet_id=sheet_id, role="bureau", actor="李科长")


def _compared() -> None:
    name_the_shop()
    content = detail([line("nobody-1"), line("nobody-2")])
    reconciliation.run(take_detail(content, day=DAY).file.id)
    item = reconciliation_items.list_items(states=("open",))[0]
    reconciliation_items.explain(item.id, reason="银行补记", actor=MAKER)


def _budgets() -> None:
    budget_proposals.propose_tiers(
        "B20230428-0001",
        campaign_id=MAY,
        expected_fen=12_100_000,
        counts={1: 2501},
        reason="追加",
        actor=MAKER,
    )
    spending_imports.propose(
        "S20230428-0001",
        "凭证号,日期,金额,收款方,备注\nA-1,2023-01-15,2000,家乐购,一季度\n".encode(),
        file_name="x.csv",
        target=Target(fund_id="FUND93", quarter="Q1"),
        reason="前期发放",
        actor=MAKER,
    )
    fund_reports.freeze(clock.today() - timedelta(days=1), actor=MAKER)
