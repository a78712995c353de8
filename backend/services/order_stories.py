"""One order's whole story: who, when, where, under which rule, settled and matched with what."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.extensions import db
from backend.services import payment_records, refunds
from backend.services.payment_records import PaymentRecord
from backend.storage.models.campaigns import Campaign
from backend.storage.models.ledger import Transfer
from backend.storage.models.orders import Redemption, Reversal
from backend.storage.models.payouts import PayoutLine
from backend.storage.models.reconciliation import OutsideFile, OutsideLine, ReconciliationItem
from backend.storage.models.refunds import RefundProposal
from backend.storage.models.settlements import SettlementHold, SettlementLine, SettlementSheet
from backend.storage.models.vouchers import Voucher
from backend.storage.queries import order_stories as queries


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that names an order; of its resident, four digits. Lists are the oldest first.

    :param transfers: its own movements, and the claim by which its voucher's money was locked
    :param lines: its places in settlement sheets, those that a rejection freed too
    :param outside: lines of outside parties' files in force
    """

    payment: PaymentRecord
    voucher: Voucher
    campaign: Campaign
    phone_last4: str
    redemption: Redemption | None
    reversal: Reversal | None
    back: refunds.Record
    proposals: Sequence[RefundProposal]
    transfers: Sequence[Transfer]
    lines: Sequence[tuple[SettlementLine, SettlementSheet]]
    payouts: Sequence[PayoutLine]
    holds: Sequence[SettlementHold]
    outside: Sequence[tuple[OutsideLine, OutsideFile]]
    differences: Sequence[ReconciliationItem]


def story_of(order_id: str) -> Story:
    """Return the story of an order, or raise NotFound."""
    payment = payment_records.of_order(order_id)
    back = refunds.record_of(order_id)
    session = db.session()
    voucher, campaign = queries.voucher_with_campaign(session, payment.order.voucher_id)
    redemption, reversal = queries.redemption_and_reversal(session, order_id)
    lines = queries.settlement_lines(session, [order_id, *(part.id for part in back.refunds)])
    own = [order_id, *(p.id for p in back.paybacks), *(case.refund_id for case in payment.cases)]
    # A partner's till has numbers of its own, which another's may have too.
    party = payment.order.requested_by.removeprefix("bank:")
    theirs = [payment.order.request_id, *(part.number for part in back.refunds)]
    return Story(
        payment=payment,
        voucher=voucher,
        campaign=campaign,
        phone_last4=queries.phone_last4(session, payment.order.resident_id),
        redemption=redemption,
        reversal=reversal,
        back=back,
        proposals=queries.proposals(session, order_id),
        transfers=queries.transfers(session, _transfer_ids(order_id, voucher, back)),
        lines=lines,
        payouts=queries.payout_lines(session, [sheet.id for _, sheet in lines]),
        holds=queries.holds(session, order_id),
        outside=queries.outside_lines(session, own, party, theirs),
        differences=queries.differences(session, own, party, theirs),
    )


def _transfer_ids(order_id: str, voucher: Voucher, back: refunds.Record) -> list[str]:
    """Return the ids that an order's movements have when they are written."""
    return [
        voucher.claim_transfer_id,
        *(f"{kind}:{order_id}" for kind in ("redemption", "rest", "reversal", "restoration")),
        f"return:{voucher.id}",
        *(f"{kind}:{part.id}" for part in back.refunds for kind in ("refund", "refund-rest")),
    ]
