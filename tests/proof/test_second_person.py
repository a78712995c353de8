"""Two people for money and merchants: each second step is refused to whoever took the first.

By the service itself, whatever roles somebody has; his name counts in any case and spacing.
"""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar, cast

import backend
from backend.domain.permissions import TWO_ROLES
from backend.domain.permissions import Permission as P
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.staff import Role
from backend.services import (
    approvals,
    blocks,
    budgets,
    campaign_approvals,
    complaints,
    entry_statements,
    merchant_lists,
    merchant_reports,
    partner_lists,
    partners,
    paybacks,
    payment_cases,
    payout_accounts,
    pledges,
    public_notices,
    reconciliation_items,
    refund_proposals,
    settlement_holds,
    settlements,
    spending_imports,
    staff,
    staff_proposals,
    staff_resets,
    standings,
    subsidy_accounts,
    subsidy_payouts,
    subsidy_reviews,
)
from backend.services.subsidies import Account
from backend.storage.models.complaints import Complaint
from backend.storage.models.entries import EntryStatement
from backend.storage.models.payments import PaymentCase
from backend.storage.models.reconciliation import ReconciliationItem
from backend.storage.models.refunds import Payback, RefundProposal
from backend.storage.models.residents import ResidentBlock
from backend.storage.models.settlements import SettlementSheet
from tests import joining
from tests.factories import SUPERMARKET, City, new_request, rows
from tests.proof.conftest import Whole
from tests.subsidising import granted, sent_back, submitted

ME = "Li.Wei"
WRITTEN_OTHERWISE = " li.WEI "
Flow = Callable[[City, str], object]
Model = TypeVar("Model")


def first(model: type[Model], **wanted: object) -> Model:
    """Return a row that waits in the city."""
    found = [row for row in rows(model) if all(getattr(row, n) == v for n, v in wanted.items())]
    assert found, (model, wanted)
    return cast("Model", found[0])


def _key(city: City, me: str) -> None:
    partners.new_key("BANK01", "BANK01-2", actor=ME)
    partners.confirm_key("BANK01", "BANK01-2", actor=me)


def _account(city: City, me: str) -> None:
    account = {"holder": "同江商贸", "bank": "示例银行", "number": "6222020000000000099"}
    payout_accounts.propose(merchant_id=SUPERMARKET, **account, actor=ME)
    payout_accounts.confirm(merchant_id=SUPERMARKET, last4="0099", actor=me)


def _second_review(city: City, me: str) -> None:
    subsidy_id = submitted(city.resident(), 7).id
    subsidy_reviews.first(subsidy_id=subsidy_id, actor=ME)
    subsidy_reviews.grant(subsidy_id=subsidy_id, actor=me)


def _pay_subsidy(city: City, me: str) -> None:
    subsidy_id = submitted(city.resident(), 7).id
    subsidy_reviews.first(subsidy_id=subsidy_id, actor="qian")
    subsidy_reviews.grant(subsidy_id=subsidy_id, actor=ME)
    subsidy_payouts.create(number="P2", actor=me)


def _answer_subsidy(city: City, me: str) -> None:
    subsidy_id = granted(city.resident(), 7).id
    subsidy_payouts.create(number="P2", actor=ME)
    subsidy_payouts.answer(number="P2", subsidy_id=subsidy_id, paid=True, proof="1", actor=me)


def _corrected_account(city: City, me: str) -> None:
    """The bank's answer was entered by 财政乙."""
    person = city.resident()
    subsidy_id = sent_back(person, 7).id
    subsidy_accounts.correct(
        subsidy_id=subsidy_id,
        resident_id=person.id,
        request_id=new_request(),
        account=Account(holder="张三", bank="示例银行", number="6222020012345678"),
    )
    subsidy_accounts.confirm(subsidy_id=subsidy_id, actor=" 财政乙 ")


def _paid_by_hand(city: City, me: str) -> None:
    payback = first(Payback, status="failed")
    paybacks.by_hand(payback.id, proof="转账1", actor=ME)
    case = first(PaymentCase, state="open", order_id=payback.order_id)
    payment_cases.close(case.id, reason="已退", actor=me)


def _money_of_own_refund(city: City, me: str) -> None:
    """王主任 made the refund whose money the provider could not return."""
    paybacks.by_hand(first(Payback, status="failed").id, proof="转账1", actor=" 王主任 ")


def _closed_complaint(city: City, me: str) -> None:
    complaints.close(first(Complaint, state="answered").number, actor=me)


def _own_list(city: City, me: str) -> None:
    """Whoever sends the list to the partner does not answer it in the partner's name."""
    shop = joining.reported(8)
    joining.agreed(shop)
    approvals.put_on_list(shop, actor=ME)
    partner_lists.answer(partner_lists.send(actor=ME).number, returned={}, actor=me)


def _own_pass(city: City, me: str) -> None:
    """Whoever passed a list in the partner's name does not publish it."""
    shop = joining.reported(8)
    joining.agreed(shop)
    approvals.put_on_list(shop, actor="qian")
    partner_lists.answer(partner_lists.send(actor="qian").number, returned={}, actor=ME)
    merchant_lists.publish(actor=me)


def _two_offices(office: Literal["superior_bank", "bureau"]) -> Flow:
    def flow(city: City, me: str) -> None:
        shop = joining.pledged(9)
        pledges.apply(shop, "placard", actor=ME)
        merchant_reports.report(shop, joining.tills(9), actor=ME)
        approvals.confirm(shop, office=office, actor=me)

    return flow


def _both_confirmations(city: City, me: str) -> None:
    shop = joining.reported(9)
    approvals.confirm(shop, office="bureau", actor=ME)
    approvals.confirm(shop, office="superior_bank", actor=me)


def _own_proposal_to_strike_off(city: City, me: str) -> None:
    standings.propose_disqualification(SUPERMARKET, reason="套现", actor=ME)
    standings.confirm_disqualification(SUPERMARKET, reason="套现", actor=me)


def _own_notice(city: City, me: str) -> None:
    notice = public_notices.write(title="公告", body="正文", actor=ME)
    public_notices.submit(notice.id, actor=ME)
    public_notices.publish(notice.id, edition=1, actor=me)


def _own_campaign(city: City, me: str) -> None:
    """李伟 sent it for approval in the city."""
    campaign_approvals.approve("Q3-NIGHT", actor=me)


# What the maker does, by who refuses it: each call of `refuse_own_work` is here.
FLOWS: dict[str, list[Flow]] = {
    "reconciliation_items.resolve": [
        lambda _, me: reconciliation_items.resolve(
            first(ReconciliationItem, state="explained").id, actor=me
        )
    ],
    "subsidy_accounts._decide": [_corrected_account],
    "entry_statements._decide": [
        lambda _, me: entry_statements.confirm(
            statement_id=first(EntryStatement).id, actor=" 文旅局甲 "
        )
    ],
    "staff_resets.confirm": [lambda _, me: staff_resets.confirm("zhou.yu", actor="ROOT.admin")],
    "partners.confirm_key": [_key],
    "refund_proposals.make": [
        lambda _, me: refund_proposals.make(
            first(RefundProposal, state="proposed").number, actor=me
        )
    ],
    "budgets.confirm": [lambda _, me: budgets.confirm("B20230428-0001", actor=me)],
    "budgets.refuse": [lambda _, me: budgets.refuse("B20230428-0001", reason="x", actor=me)],
    "payout_accounts.confirm": [_account],
    "settlement_holds.release": [
        lambda _, me: settlement_holds.release(hold_id="H20230429-01", reason="x", actor=me)
    ],
    "campaign_approvals._decide": [_own_campaign],
    "public_notices.publish": [_own_notice],
    "complaints._step": [_closed_complaint],
    "staff.of_another": [lambda _, me: staff.lock("tax", reason="x", actor=" TAX ")],
    "subsidy_reviews.grant": [_second_review],
    "paybacks.by_hand": [_money_of_own_refund],
    "payment_cases._refuse_unfinished": [_paid_by_hand],
    "spending_imports._decide": [
        lambda _, me: spending_imports.confirm("S20230428-0001", actor=me)
    ],
    "subsidy_payouts._create": [_pay_subsidy],
    "subsidy_payouts.answer": [_answer_subsidy],
    "settlements.take_step": [
        lambda _, me: settlements.approve(
            sheet_id=first(SettlementSheet, state="bureau_approved").id,
            role="finance",
            actor=" 李科长 ",
        )
    ],
    "blocks.lift": [
        lambda _, me: blocks.lift(
            first(ResidentBlock, lifted_by=None).resident_id, reason="x", actor=me
        )
    ],
    "staff_proposals.propose_account": [
        lambda _, me: staff_proposals.propose_account(
            "own.name", display_name="我", office="局", role=Role.TAX, actor=" Own.NAME"
        )
    ],
    "staff_proposals._decide": [
        lambda _, me: staff_proposals.confirm("chen.jie", actor="Root.Admin"),
        lambda _, me: staff_proposals.confirm("chen.jie", actor="chen.JIE"),
    ],
    "onboarding.refuse_same_person": [
        _two_offices("superior_bank"),
        _two_offices("bureau"),
        _both_confirmations,
        _own_list,
        _own_pass,
        _own_proposal_to_strike_off,
    ],
}
# Who refuses that one person takes both steps of a pair of permissions.
REFUSED_BY: dict[tuple[P, P], str] = {
    (P.CAMPAIGNS_PREPARE, P.CAMPAIGNS_APPROVE): "campaign_approvals._decide",
    (P.MERCHANTS_REPORT, P.MERCHANTS_CONFIRM_SUPERIOR): "onboarding.refuse_same_person",
    (P.MERCHANTS_REPORT, P.MERCHANTS_CONFIRM_BUREAU): "onboarding.refuse_same_person",
    (P.MERCHANTS_CONFIRM_BUREAU, P.MERCHANTS_CONFIRM_SUPERIOR): "onboarding.refuse_same_person",
    (P.MERCHANTS_SEND_TO_PARTNER, P.MERCHANTS_PASS_PARTNER): "onboarding.refuse_same_person",
    (P.MERCHANTS_PASS_PARTNER, P.MERCHANTS_PUBLISH): "onboarding.refuse_same_person",
    (P.MERCHANTS_PROPOSE_DISQUALIFY, P.MERCHANTS_DISQUALIFY): "onboarding.refuse_same_person",
    (P.REFUNDS_PROPOSE, P.REFUNDS_MAKE): "refund_proposals.make",
    (P.REFUNDS_MAKE, P.REFUNDS_PAY): "paybacks.by_hand",
    (P.REFUNDS_PAY, P.PAYMENT_CASES_CLOSE): "payment_cases._refuse_unfinished",
    (P.SETTLEMENTS_DRAFT, P.SETTLEMENTS_APPROVE_BUREAU): "settlements.take_step",
    (P.SETTLEMENTS_APPROVE_BUREAU, P.SETTLEMENTS_APPROVE_FINANCE): "settlements.take_step",
    (P.PAYOUT_ACCOUNTS_PROPOSE, P.PAYOUT_ACCOUNTS_CONFIRM): "payout_accounts.confirm",
    (P.RECONCILIATION_EXPLAIN, P.RECONCILIATION_RESOLVE): "reconciliation_items.resolve",
    (P.BUDGETS_PROPOSE, P.BUDGETS_CONFIRM): "budgets.confirm",
    (P.SPENDING_PROPOSE, P.SPENDING_CONFIRM): "spending_imports._decide",
    (P.NOTICES_WRITE, P.NOTICES_PUBLISH): "public_notices.publish",
    (P.COMPLAINTS_ANSWER, P.COMPLAINTS_CLOSE): "complaints._step",
    (P.RESIDENTS_BLOCK, P.RESIDENTS_UNBLOCK): "blocks.lift",
    (P.SUBSIDIES_REVIEW_FIRST, P.SUBSIDIES_REVIEW_SECOND): "subsidy_reviews.grant",
    (P.SUBSIDIES_REVIEW_SECOND, P.SUBSIDIES_PAY): "subsidy_payouts._create",
    (P.ENTRIES_STATE, P.ENTRIES_CONFIRM): "entry_statements._decide",
    (P.PARTNERS_PROPOSE, P.PARTNERS_CONFIRM): "partners.confirm_key",
}
# Pairs whose steps never meet in one thing, and why.
BY_ROLE_ALONE: dict[tuple[P, P], str] = {
    (P.ENTRIES_STATE, P.ENTRIES_UNDO): "what is stated is no longer undone",
}


def refusing() -> set[str]:
    """Return the functions of ours that refuse a person's own work."""
    found = set()
    for folder in ("services", "domain"):
        for file in (Path(backend.__file__).parent / folder).glob("*.py"):
            for function in ast.walk(ast.parse(file.read_text())):
                if isinstance(function, ast.FunctionDef) and "refuse_own_work(" in ast.unparse(
                    function
                ):
                    found.add(f"{file.stem}.{function.name}")
    return found - {"second_person.refuse_own_work"}


def test_each_call_that_refuses_ones_own_work_has_a_flow_that_proves_it() -> None:
    assert refusing() == FLOWS.keys()


def test_each_pair_of_steps_that_wants_two_roles_is_refused_by_a_service_too() -> None:
    assert REFUSED_BY.keys() | BY_ROLE_ALONE.keys() == set(TWO_ROLES)
    assert set(REFUSED_BY.values()) <= FLOWS.keys()


def is_refused(flow: Flow, city: City) -> bool:
    """Tell whether a flow that one person takes alone is refused for that very reason."""
    try:
        flow(city, WRITTEN_OTHERWISE)
    except SecondPersonNeeded:
        return True
    return False


def test_nobody_takes_the_second_step_of_what_he_began(whole: Whole) -> None:
    start = whole.city.app.extensions["whole"][-1]
    for name, flows in FLOWS.items():
        for number, flow in enumerate(flows):
            assert is_refused(flow, whole.city), f"{name}, flow {number}"
            start.put_back()
