"""Lists of money for staff; each order ends with a unique column. The empty text is no wish."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, select

from backend.storage.models.budgets import BudgetChange, FundReport, SpendingImport
from backend.storage.models.merchants import Merchant
from backend.storage.models.payments import PaymentCase
from backend.storage.models.payouts import PayoutAccount, PayoutFile
from backend.storage.models.reconciliation import OutsideFile, ReconciliationItem
from backend.storage.models.refunds import Payback, Refund, RefundProposal
from backend.storage.models.settlements import SettlementHold, SettlementSheet


def sheets(
    *, merchant_ids: Sequence[str] | None, state: str, since: date | None, through: date | None
) -> Select[SettlementSheet]:
    """Return settlement sheets by their last business day, the newest first."""
    found = select(SettlementSheet).filter_by(**_given(state=state))
    if merchant_ids is not None:
        found = found.where(SettlementSheet.merchant_id.in_(merchant_ids))
    if since is not None:
        found = found.where(SettlementSheet.through_day >= since)
    if through is not None:
        found = found.where(SettlementSheet.through_day <= through)
    return found.order_by(SettlementSheet.through_day.desc(), SettlementSheet.id)


def holds(*, is_open: bool | None) -> Select[SettlementHold]:
    """Return holds, the newest first; None for open and released ones."""
    found = select(SettlementHold)
    if is_open is not None:
        released = SettlementHold.released_at
        found = found.where(released.is_(None) if is_open else released.is_not(None))
    return found.order_by(SettlementHold.held_at.desc(), SettlementHold.id)


def payout_files() -> Select[PayoutFile]:
    """Return payout files, the newest first."""
    return select(PayoutFile).order_by(PayoutFile.made_at.desc(), PayoutFile.number)


def payout_accounts(
    *, merchant_ids: Sequence[str] | None, state: str
) -> Select[PayoutAccount, Merchant]:
    """Return payout accounts with their merchants, the newest first."""
    found = select(PayoutAccount, Merchant).join(Merchant, Merchant.id == PayoutAccount.merchant_id)
    if merchant_ids is not None:
        found = found.where(PayoutAccount.merchant_id.in_(merchant_ids))
    if state:
        found = found.where(PayoutAccount.state == state)
    return found.order_by(PayoutAccount.id.desc())


def refunds(
    *, merchant_ids: Sequence[str] | None, since: date | None, through: date | None
) -> Select[Refund]:
    """Return refunds by their business day, the newest first."""
    found = select(Refund)
    if merchant_ids is not None:
        found = found.where(Refund.merchant_id.in_(merchant_ids))
    if since is not None:
        found = found.where(Refund.business_day >= since)
    if through is not None:
        found = found.where(Refund.business_day <= through)
    return found.order_by(Refund.refunded_at.desc(), Refund.id)


def refund_proposals(*, state: str) -> Select[RefundProposal]:
    """Return proposed refunds, the newest first."""
    found = select(RefundProposal).filter_by(**_given(state=state))
    return found.order_by(RefundProposal.proposed_at.desc(), RefundProposal.number)


def paybacks(*, status: str) -> Select[Payback]:
    """Return customers' money on its way back or there, the newest first."""
    found = select(Payback).filter_by(**_given(status=status))
    return found.order_by(Payback.requested_at.desc(), Payback.id)


def payment_cases(*, state: str, kind: str) -> Select[PaymentCase]:
    """Return cases, the newest first."""
    found = select(PaymentCase).filter_by(**_given(state=state, kind=kind))
    return found.order_by(PaymentCase.id.desc())


def outside_files(
    *, kind: str, party: str, since: date | None, through: date | None
) -> Select[OutsideFile]:
    """Return outside parties' files by their day, the newest first, superseded ones too."""
    found = select(OutsideFile).filter_by(**_given(kind=kind, party=party))
    if since is not None:
        found = found.where(OutsideFile.day >= since)
    if through is not None:
        found = found.where(OutsideFile.day <= through)
    return found.order_by(OutsideFile.day.desc(), OutsideFile.id.desc())


def differences(
    *, file_id: int | None, states: Sequence[str], result: str, number: str
) -> Select[ReconciliationItem]:
    """Return differences, the oldest day first: what waits longest comes first."""
    found = select(ReconciliationItem).filter_by(**_given(result=result, our_number=number))
    if file_id is not None:
        found = found.where(ReconciliationItem.file_id == file_id)
    if states:
        found = found.where(ReconciliationItem.state.in_(states))
    return found.order_by(ReconciliationItem.day, ReconciliationItem.id)


def budget_changes() -> Select[BudgetChange]:
    """Return proposed changes of budgets, the newest first."""
    return select(BudgetChange).order_by(BudgetChange.proposed_at.desc(), BudgetChange.id)


def spending_imports() -> Select[SpendingImport]:
    """Return imports of earlier spending, the newest first."""
    return select(SpendingImport).order_by(SpendingImport.proposed_at.desc(), SpendingImport.id)


def fund_reports() -> Select[FundReport]:
    """Return frozen fund reports, the newest day and edition first."""
    return select(FundReport).order_by(FundReport.as_of.desc(), FundReport.edition.desc())


def _given(**texts: str) -> dict[str, Any]:
    return {name: text for name, text in texts.items() if text}
