"""The wallet (卡包): what a resident holds, told by SQL and Valkey together."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import structlog

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.postings import campaign_posting
from backend.extensions import db
from backend.services import claims
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import vouchers as queries
from backend.storage.sql import transaction

log = structlog.get_logger()
EXPIRY_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class WalletVoucher:
    """A voucher as its holder sees it. `status` is judged by the clock, not by a job's run."""

    voucher_id: int
    campaign_id: str
    campaign_name: str
    threshold_fen: int
    face_value_fen: int
    claimed_at: datetime
    valid_from: datetime
    valid_until: datetime
    status: str


@dataclass(frozen=True, kw_only=True)
class Wallet:
    """`complete` is False when Valkey could not be asked for the newest claims."""

    vouchers: tuple[WalletVoucher, ...]
    complete: bool


def wallet(resident_id: int) -> Wallet:
    """Return all vouchers of a resident: usable first, the earliest end first."""
    promised = claims.promised(resident_id)
    if not promised.complete:
        log.warning("wallet_without_valkey")
    now = clock.now()
    found = {
        promise.voucher_id: WalletVoucher(
            voucher_id=promise.voucher_id,
            campaign_id=promise.campaign_id,
            campaign_name=promise.campaign_name,
            threshold_fen=promise.threshold_fen,
            face_value_fen=promise.face_value_fen,
            claimed_at=promise.claimed_at,
            valid_from=promise.valid_from,
            valid_until=promise.valid_until,
            status=_status("unused", promise.valid_until, now),
        )
        for promise in promised.vouchers
    }
    for voucher, campaign in queries.list_of_resident(db.session(), resident_id):
        found[voucher.id] = WalletVoucher(
            voucher_id=voucher.id,
            campaign_id=campaign.id,
            campaign_name=campaign.name,
            threshold_fen=voucher.threshold_fen,
            face_value_fen=voucher.face_value_fen,
            claimed_at=voucher.claimed_at,
            valid_from=voucher.valid_from,
            valid_until=voucher.valid_until,
            status=_status(voucher.status, voucher.valid_until, now),
        )
    order = {"unused": 0, "locked": 1, "used": 2, "expired": 3}
    rows = sorted(
        found.values(),
        key=lambda v: (order[v.status], v.valid_until, -v.face_value_fen, v.voucher_id),
    )
    return Wallet(vouchers=tuple(rows), complete=promised.complete)


def get(resident_id: int, voucher_id: int) -> WalletVoucher:
    """Return one voucher of a resident; somebody else's answers like an absent one."""
    for voucher in wallet(resident_id).vouchers:
        if voucher.voucher_id == voucher_id:
            return voucher
    raise NotFound(f"voucher {voucher_id} of resident {resident_id}")


def expire_due() -> int:
    """Expire vouchers whose time is over and give their money back to the campaign, once.

    Return how many; call again while it returns EXPIRY_BATCH. Source: decision 3 and 6 of the
    rules: UNUSED → EXPIRED, and the unit's money returns to its campaign.
    """
    with transaction() as session:
        expired = queries.expire_due(session, at=clock.now(), limit=EXPIRY_BATCH)
        amounts: Counter[str] = Counter()
        for _, campaign_id, face_value_fen in expired:
            amounts[campaign_id] += face_value_fen
        for campaign_id, amount_fen in sorted(amounts.items()):
            posting = campaign_posting("expiry", campaign_id, amount_fen, id=f"expiry:{uuid4()}")
            ledger_queries.add_transfer(session, posting, at=clock.now())
    return len(expired)


def _status(status: str, valid_until: datetime, now: datetime) -> str:
    return "expired" if status == "unused" and now >= valid_until else status
