"""Lists of settlement, refunds, reconciliation and budgets for staff, as far as a page shows them.

A merchant is named by its id or a part of its name; days are China's, both included; the empty
text is no wish.
"""

from dataclasses import dataclass
from datetime import date

from backend.extensions import db
from backend.services.listings import Listing
from backend.storage.models.budgets import BudgetChange, FundReport, SpendingImport
from backend.storage.models.merchants import Merchant
from backend.storage.models.payments import PaymentCase
from backend.storage.models.payouts import PayoutAccount, PayoutFile
from backend.storage.models.reconciliation import OutsideFile, ReconciliationItem
from backend.storage.models.refunds import Payback, Refund, RefundProposal
from backend.storage.models.settlements import SettlementHold, SettlementSheet
from backend.storage.queries import money_lists as queries
from backend.storage.queries.order_lists import merchants_named

WAITING = ("open", "explained")


@dataclass(frozen=True)
class AccountRow:
    """A payout account and whose it is."""

    account: PayoutAccount
    merchant: Merchant


def sheets(
    *, merchant: str = "", state: str = "", since: date | None = None, through: date | None = None
) -> Listing[SettlementSheet]:
    """Return settlement sheets by their last business day, the newest first."""
    merchant_ids = _named(merchant)
    return Listing(
        queries.sheets(merchant_ids=merchant_ids, state=state, since=since, through=through)
    )


def holds(state: str = "") -> Listing[SettlementHold]:
    """Return holds, the newest first: `open`, `released` or all."""
    return Listing(queries.holds(is_open=state == "open" if state else None))


def payout_files() -> Listing[PayoutFile]:
    """Return payout files, the newest first."""
    return Listing(queries.payout_files())


def payout_accounts(*, merchant: str = "", state: str = "") -> Listing[AccountRow]:
    """Return payout accounts, the newest first."""
    statement = queries.payout_accounts(merchant_ids=_named(merchant), state=state)
    return Listing(statement, lambda row: AccountRow(row[0], row[1]))


def refunds(
    *, merchant: str = "", since: date | None = None, through: date | None = None
) -> Listing[Refund]:
    """Return refunds, the newest first."""
    return Listing(queries.refunds(merchant_ids=_named(merchant), since=since, through=through))


def refund_proposals(state: str = "") -> Listing[RefundProposal]:
    """Return proposed refunds, the newest first."""
    return Listing(queries.refund_proposals(state=state))


def paybacks(status: str = "") -> Listing[Payback]:
    """Return customers' money on its way back or there, the newest first."""
    return Listing(queries.paybacks(status=status))


def payment_cases(*, state: str = "", kind: str = "") -> Listing[PaymentCase]:
    """Return cases of payments, the newest first."""
    return Listing(queries.payment_cases(state=state, kind=kind))


def outside_files(
    *, kind: str = "", party: str = "", since: date | None = None, through: date | None = None
) -> Listing[OutsideFile]:
    """Return outside parties' files, the newest day first, superseded ones too."""
    return Listing(queries.outside_files(kind=kind, party=party, since=since, through=through))


def differences(
    *, file_id: int | None = None, state: str = "", result: str = "", number: str = ""
) -> Listing[ReconciliationItem]:
    """Return differences in a state, `waiting` for those that want somebody, the oldest first."""
    states = WAITING if state == "waiting" else (state,) if state else ()
    return Listing(
        queries.differences(file_id=file_id, states=states, result=result, number=number)
    )


def budget_changes() -> Listing[BudgetChange]:
    """Return proposed changes of budgets with their decisions, the newest first."""
    return Listing(queries.budget_changes())


def spending_imports() -> Listing[SpendingImport]:
    """Return imports of earlier spending with their decisions, the newest first."""
    return Listing(queries.spending_imports())


def fund_reports() -> Listing[FundReport]:
    """Return frozen fund reports, the newest first."""
    return Listing(queries.fund_reports())


def _named(merchant: str) -> tuple[str, ...] | None:
    text = merchant.strip()
    return merchants_named(db.session(), text) if text else None
