"""Everything that names one order, wherever it stands; each list the oldest first."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from backend.storage.models.campaigns import Campaign
from backend.storage.models.ledger import Transfer
from backend.storage.models.orders import Redemption, Reversal
from backend.storage.models.payouts import PayoutLine
from backend.storage.models.reconciliation import OutsideFile, OutsideLine, ReconciliationItem
from backend.storage.models.refunds import RefundProposal
from backend.storage.models.residents import Resident
from backend.storage.models.settlements import SettlementHold, SettlementLine, SettlementSheet
from backend.storage.models.vouchers import Voucher


def voucher_with_campaign(session: Session, voucher_id: int) -> tuple[Voucher, Campaign]:
    """Return an order's voucher and its campaign."""
    voucher, campaign = session.execute(
        select(Voucher, Campaign)
        .join(Campaign, Campaign.id == Voucher.campaign_id)
        .where(Voucher.id == voucher_id)
    ).one()
    return voucher, campaign


def phone_last4(session: Session, resident_id: int) -> str:
    """Return the last four digits of a resident's phone."""
    return session.scalars(select(Resident.phone_last4).where(Resident.id == resident_id)).one()


def redemption_and_reversal(
    session: Session, order_id: str
) -> tuple[Redemption | None, Reversal | None]:
    """Return an order's redemption and what undid it on its day."""
    return session.get(Redemption, order_id), session.get(Reversal, order_id)


def proposals(session: Session, order_id: str) -> Sequence[RefundProposal]:
    """Return what staff proposed to refund of an order."""
    return session.scalars(
        select(RefundProposal)
        .where(RefundProposal.order_id == order_id)
        .order_by(RefundProposal.proposed_at, RefundProposal.number)
    ).all()


def transfers(session: Session, ids: Sequence[str]) -> Sequence[Transfer]:
    """Return those of some transfers that were written."""
    return session.scalars(
        select(Transfer).where(Transfer.id.in_(ids)).order_by(Transfer.at, Transfer.id)
    ).all()


def settlement_lines(
    session: Session, source_ids: Sequence[str]
) -> list[tuple[SettlementLine, SettlementSheet]]:
    """Return each line of some sources of an order with its sheet, freed ones too."""
    rows = session.execute(
        select(SettlementLine, SettlementSheet)
        .join(SettlementSheet, SettlementSheet.id == SettlementLine.sheet_id)
        .where(
            SettlementLine.source_kind.in_(("redemption", "refund", "reversal")),
            SettlementLine.source_id.in_(source_ids),
        )
        .order_by(SettlementSheet.drafted_at, SettlementSheet.id, SettlementLine.occurred_at)
    )
    return [(line, whole) for line, whole in rows]


def payout_lines(session: Session, sheet_ids: Sequence[str]) -> Sequence[PayoutLine]:
    """Return how some sheets were paid, or tried to be."""
    return session.scalars(
        select(PayoutLine)
        .where(PayoutLine.sheet_id.in_(sheet_ids))
        .order_by(PayoutLine.file_number, PayoutLine.line_number)
    ).all()


def holds(session: Session, order_id: str) -> Sequence[SettlementHold]:
    """Return what kept a redemption out of settlement."""
    return session.scalars(
        select(SettlementHold)
        .where(SettlementHold.redemption_id == order_id)
        .order_by(SettlementHold.held_at, SettlementHold.id)
    ).all()


def outside_lines(
    session: Session, own: Sequence[str], party: str, theirs: Sequence[str]
) -> list[tuple[OutsideLine, OutsideFile]]:
    """Return what files in force say of our numbers, and a party's of its own numbers."""
    rows = session.execute(
        select(OutsideLine, OutsideFile)
        .join(OutsideFile, OutsideFile.id == OutsideLine.file_id)
        .where(
            or_(
                OutsideLine.our_number.in_(own),
                and_(OutsideLine.our_number.in_(theirs), OutsideFile.party == party),
            ),
            OutsideFile.superseded_at.is_(None),
        )
        .order_by(OutsideLine.at, OutsideLine.file_id, OutsideLine.line)
    )
    return [(line, whole) for line, whole in rows]


def differences(
    session: Session, own: Sequence[str], party: str, theirs: Sequence[str]
) -> Sequence[ReconciliationItem]:
    """Return the differences of our numbers, and a party's of its own numbers."""
    return session.scalars(
        select(ReconciliationItem)
        .where(
            or_(
                ReconciliationItem.our_number.in_(own),
                and_(ReconciliationItem.our_number.in_(theirs), ReconciliationItem.party == party),
            )
        )
        .order_by(ReconciliationItem.id)
    ).all()
