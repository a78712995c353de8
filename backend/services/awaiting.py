"""How much waits for a person (待办): what he may decide and has not made himself.

Each count takes a login name. It tells what a list would show; who may act at all is asked before,
and a second person again by the act itself.
"""

from typing import Any

from sqlalchemy import Select, exists, func, or_, select

from backend.domain.payments import REFUND_OPEN
from backend.extensions import db
from backend.services import subsidy_lists
from backend.storage.models.budgets import (
    BudgetChange,
    BudgetDecision,
    SpendingDecision,
    SpendingImport,
)
from backend.storage.models.entries import EntryStatement
from backend.storage.models.partners import PartnerKey
from backend.storage.models.payments import PaymentCase
from backend.storage.models.payouts import PayoutAccount
from backend.storage.models.reconciliation import ReconciliationItem
from backend.storage.models.refunds import Payback, RefundProposal
from backend.storage.models.settlements import SettlementSheet, SettlementStep
from backend.storage.models.subsidies import (
    AccountCorrection,
    Subsidy,
    SubsidyPayout,
    SubsidyPayoutLine,
)


def first_reviews(_: str) -> int:
    """Return how many applications for subsidies nobody has reviewed."""
    return _count(select(Subsidy.id).where(Subsidy.state == "submitted"))


def second_reviews(name: str) -> int:
    """Return how many applications another person has reviewed first."""
    reviewed = Subsidy.state == "first_reviewed", Subsidy.first_reviewer != name
    return _count(select(Subsidy.id).where(*reviewed))


def subsidies_to_pay(_: str) -> int:
    """Return how many granted subsidies the next payout list would hold."""
    return subsidy_lists.count_payable()


def subsidies_to_answer(name: str) -> int:
    """Return how many lines of others' payout lists the bank's word is wanted for."""
    return _count(
        select(SubsidyPayoutLine.subsidy_id)
        .join(SubsidyPayout, SubsidyPayout.number == SubsidyPayoutLine.number)
        .where(SubsidyPayoutLine.state == "sent", SubsidyPayout.made_by != name)
    )


def account_corrections(name: str) -> int:
    """Return how many corrected accounts wait, but for returns that he wrote down."""
    returned_by_him = exists().where(
        SubsidyPayoutLine.number == AccountCorrection.returned_number,
        SubsidyPayoutLine.subsidy_id == AccountCorrection.subsidy_id,
        SubsidyPayoutLine.answered_by == name,
    )
    waiting = AccountCorrection.state == "submitted"
    return _count(select(AccountCorrection.position).where(waiting, ~returned_by_him))


def partner_keys(name: str) -> int:
    """Return how many keys of partners another person has made."""
    proposed = PartnerKey.state == "proposed", PartnerKey.proposed_by != name
    return _count(select(PartnerKey.id).where(*proposed))


def refund_proposals(name: str) -> int:
    """Return how many refunds another person has proposed."""
    proposed = RefundProposal.state == "proposed", RefundProposal.proposed_by != name
    return _count(select(RefundProposal.number).where(*proposed))


def payment_cases(name: str) -> int:
    """Return how many cases can be closed: their money is at its end, and not by his hand."""
    unfinished = exists().where(
        Payback.id == PaymentCase.refund_id,
        or_(Payback.ended_at.is_(None), Payback.hand_by == name),
    )
    settled = PaymentCase.refund_status.not_in(REFUND_OPEN)
    return _count(select(PaymentCase.id).where(PaymentCase.state == "open", settled, ~unfinished))


def sheets_for_bureau(name: str) -> int:
    """Return how many settlement sheets the bureau is to approve, but for those he drafted."""
    return _sheets("drafted", name)


def sheets_for_finance(name: str) -> int:
    """Return how many settlement sheets finance is to approve, but for those he approved before."""
    return _sheets("bureau_approved", name)


def payout_accounts(name: str) -> int:
    """Return how many payout accounts another person has entered."""
    proposed = PayoutAccount.state == "proposed", PayoutAccount.proposed_by != name
    return _count(select(PayoutAccount.id).where(*proposed))


def differences_to_explain(_: str) -> int:
    """Return how many differences nobody has explained."""
    return _count(select(ReconciliationItem.id).where(ReconciliationItem.state == "open"))


def differences_to_resolve(name: str) -> int:
    """Return how many differences another person has explained."""
    explained = ReconciliationItem.state == "explained", ReconciliationItem.explained_by != name
    return _count(select(ReconciliationItem.id).where(*explained))


def budget_changes(name: str) -> int:
    """Return how many changes of budgets another person has proposed."""
    decided = exists().where(BudgetDecision.change_id == BudgetChange.id)
    return _count(select(BudgetChange.id).where(BudgetChange.proposed_by != name, ~decided))


def spending_imports(name: str) -> int:
    """Return how many files of earlier spending another person has brought in."""
    decided = exists().where(SpendingDecision.import_id == SpendingImport.id)
    return _count(select(SpendingImport.id).where(SpendingImport.proposed_by != name, ~decided))


def entry_statements(name: str) -> int:
    """Return how many months of entries another person has stated."""
    drafted = EntryStatement.state == "drafted", EntryStatement.made_by != name
    return _count(select(EntryStatement.id).where(*drafted))


def _sheets(state: str, name: str) -> int:
    step = SettlementStep
    last = (
        select(step.actor)
        .where(step.sheet_id == SettlementSheet.id)
        .order_by(step.position.desc())
        .limit(1)
        .scalar_subquery()
    )
    return _count(select(SettlementSheet.id).where(SettlementSheet.state == state, last != name))


def _count(found: Select[*tuple[Any, ...]]) -> int:
    return db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
