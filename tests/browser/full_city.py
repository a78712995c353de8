"""A city that has something to show on every page, and the address of each page that has an id."""

from datetime import date
from io import BytesIO

from backend.domain.staff import Role
from backend.gateways.payments.protocol import RefundState
from backend.services import (
    complaints,
    entry_statements,
    fund_reports,
    live,
    merchant_lists,
    partner_lists,
    partners,
    payment_states,
    programme_previews,
    public_notices,
    reconciliation,
    redemptions,
    refund_proposals,
    settlement_holds,
    settlements,
    spending_imports,
    staff_resets,
    subsidy_accounts,
    subsidy_payouts,
)
from backend.services.subsidies import Account
from backend.storage.models.entries import Entry
from backend.storage.models.orders import Order
from backend.storage.models.payments import PaymentCase
from backend.storage.models.reconciliation import ReconciliationItem
from backend.storage.models.refunds import Payback
from tests import entering, joining
from tests.bank_details import detail, line, take_detail
from tests.bank_parts import Bank, propose_one_merchant, refuse_one_file
from tests.browser.take_pictures import some_staff
from tests.complaining import file_one, words
from tests.console import sign_in
from tests.factories import (
    MAY,
    SAMPLE,
    SUPERMARKET,
    City,
    MovableClock,
    Person,
    approve,
    new_request,
    rows,
)
from tests.integration.services import budget_parts
from tests.integration.services.paying import PAYABLE_FEN, at_placard, buyer, provided
from tests.integration.services.reconciling import name_the_shop
from tests.integration.services.refunding import goods, refund_by_staff
from tests.noticing import publish_one, submit_one
from tests.providers import paid
from tests.settling import redeem, sent
from tests.subsidising import car, granted, picture, sent_back, submitted

EARLIER = "凭证号,日期,金额,收款方,备注\nA-1,2023-01-15,1000,家乐购,\n".encode()
REFUSED = RefundState(status="failed", reference="REFUSED")


def astray(city: City) -> None:
    """Let a provider collect too little once, and once refuse to send money back."""
    with provided(city) as provider:
        provider.tell("refund", REFUSED)
        payment_states.record(at_placard(city, buyer(city)).id, "wechat_pay", paid(20_000))
        order = at_placard(city, buyer(city))
        payment_states.record(order.id, "wechat_pay", paid(PAYABLE_FEN))
        refund_by_staff(order.id, 32_000)


def money(city: City, moment: MovableClock) -> dict[str, str]:
    """Take a city's money to every step; return the addresses of its pages."""
    held = redeem(city)
    refund_proposals.propose(order_id=held, goods=goods(100, "T20230428-1"), actor="li.wei")
    settlement_holds.hold(hold_id="H1", redemption_id=held, reason="待核实", actor="li.wei")
    sent(city, moment)
    name_the_shop()
    file = take_detail(detail([line("nobody-1")])).file
    reconciliation.run(file.id)
    budget_parts.propose_quarter("B20230428-1", "Q3", 1_000)
    spending_imports.propose(
        "S20230428-1",
        EARLIER,
        file_name="x.csv",
        target=spending_imports.Target(fund_id="FUND93", quarter="Q1"),
        reason="启用前支出",
        actor="li.wei",
    )
    report = fund_reports.freeze(date(2023, 4, 28), actor="li.wei")
    astray(city)
    sheet = next(s for s in settlements.sheets() if s.merchant_id == SUPERMARKET)
    item = rows(ReconciliationItem)[0].id
    return {
        "orders.story": f"/console/orders/{held}",
        "settlements.sheet": f"/console/settlements/{sheet.id}",
        "payouts.file": "/console/payouts/B1",
        "budgets.change": "/console/budgets/B20230428-1",
        "spending.one": "/console/spending/S20230428-1",
        "fund_reports.report": f"/console/fund-reports/{report.as_of}/1",
        "settlement_holds.hold": "/console/settlement-holds/H1",
        "refund_proposals.proposal": "/console/refund-proposals/T20230428-1",
        "reconciliation.file": f"/console/reconciliation/{file.id}",
        "reconciliation_items.item": f"/console/reconciliation-items/{item}",
        "payment_cases.case": f"/console/payment-cases/{rows(PaymentCase)[0].id}",
        "paybacks.payback": f"/console/paybacks/{rows(Payback)[0].id}",
    }


def shops() -> dict[str, str]:
    """Take shops through the chain: one listed, one with the partner, one under review."""
    for number in (1, 2, 3):
        joining.reported(number)
    joining.passed("TJ0017")
    merchant_lists.publish(actor=joining.APPROVER)
    joining.agreed("TJ0018")
    joining.approvals.put_on_list("TJ0018", actor=joining.BUREAU)
    partner_lists.send(actor=joining.BUREAU)
    return {
        "merchants.one": "/console/merchants/TJ0019",
        "merchant_lists.version": "/console/merchant-lists/2",
        "partner_lists.one": "/console/partner-lists/2",
        "shops.page": f"/console/merchants/{SUPERMARKET}/shop",
        "placard_prints.sheet": f"/console/placards/{SUPERMARKET}/print",
    }


def subsidised(city: City) -> dict[str, str]:
    """Take subsidies to every step; return the addresses of their pages."""
    car(city)
    person = city.resident()
    returned = sent_back(person)
    subsidy_accounts.correct(
        subsidy_id=returned.id,
        resident_id=person.id,
        request_id=new_request(),
        account=Account(holder="张三", bank="示例银行富锦支行", number="6222020099990001"),
    )
    granted(city.resident(), 2)
    subsidy_payouts.create(number="P2", actor="财政甲")
    submitted(city.resident(), 3)
    return {
        "subsidies.one": f"/console/subsidies/{returned.id}",
        "subsidy_payouts.one": "/console/subsidy-payouts/P2",
    }


def banks(city: City) -> dict[str, str]:
    """Let a partner call rightly and wrongly; return its page."""
    propose_one_merchant()
    partners.new_key("BANK01", "BANK01-2", actor="li.wei")
    for bank in (Bank(), Bank(secret="f" * 64), Bank(partner_id="BANK77")):
        bank.ask(city.app, "GET", "/bank/v1/time")
    live.flush()
    refuse_one_file()
    return {"partners.one": "/console/partners/BANK01"}


def voices() -> dict[str, str]:
    """Write notices and hand complaints in, each at another step; return addresses."""
    draft = public_notices.write(title="公告" * 20, body="正" * 300, actor="mei.ti").id
    waiting = submit_one(body="网址" * 40)
    told = words(text="长" * 300, shop="店" * 60, order_number="0" * 32)
    number = complaints.file(told, photo=picture()).number
    complaints.assign(number, office="bureau", actor="li.wei", note="请到店核实")
    complaints.answer(number, text="已请商户改正", actor="li.wei")
    complaints.assign(file_one().number, office="tourism", actor="li.wei")
    return {
        "notices.notice": f"/console/notices/{waiting}",
        "notices.edit_form": f"/console/notices/{draft}/edit",
        "complaints.one": f"/console/complaints/{number}",
    }


def other_programme() -> dict[str, str]:
    """Have somebody look at a file that says a loaded programme otherwise; return what he sees."""
    changed = SAMPLE.read_text().replace("face: 10, count: 2500", "face: 10, count: 2000")
    digest = programme_previews.keep(BytesIO(changed.replace("121000", "116000").encode()))
    return {"programme.preview": f"/console/programme/file/{digest}"}


def fill(city: City, moment: MovableClock) -> dict[str, str]:
    """Fill a city; return the console's addresses by endpoint, of those that have an id."""
    addresses = shops() | other_programme()
    entering.enter(entering.gate(city), city.resident())
    addresses |= subsidised(city) | banks(city) | money(city, moment)
    moment.move(days=4)
    made = entry_statements.make(campaign_id=entering.GATE, month="2023-04", actor="文旅局甲")
    sign_in(Role.TAX, "sun.li")
    staff_resets.request("sun.li", reason="手机遗失", actor="zhao.min")
    some_staff()
    addresses |= voices()
    return addresses | {
        "entries.statement": f"/console/entries/{made.id}",
        "entry_records.entry": f"/console/entry-records/{rows(Entry)[0].id}",
        "campaigns.one": "/console/campaigns/Q3-NIGHT",
        "war_room.room": f"/console/war-room/{MAY}",
        "residents.resident": f"/console/residents/{rows(Order)[0].resident_id}",
        "staff_accounts.person": "/console/staff/accounts/sun.li",
    }


def public(city: City) -> dict[str, str]:
    """Let campaigns of each kind be announced; return addresses of the public's pages."""
    for campaign_id in ("Q3-NIGHT", "Q3-CAR", "GATE-JJK", "Q2-FUEL"):
        approve(campaign_id, actor="test")
    notice = publish_one("公告" * 20, "正" * 300)
    return {
        "campaign_pages.campaign_page": "/c/Q3-CAR",
        "public_notices.notice_page": f"/notices/{notice}",
        "merchant_list.version_page": "/merchants/versions/1",
        "landing.placard": f"/m/{city.placard[SUPERMARKET].rpartition('/')[2]}",
    }


def desk(city: City, clerk: Person) -> dict[str, str]:
    """Sell once at a shop's desk; return addresses of its pages."""
    order = at_placard(city, buyer(city))
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    return {
        "desk_records.one": f"/desk/records/{order.id}",
        "desk_records.receipt": f"/desk/records/{order.id}/receipt?paper=58",
    }
