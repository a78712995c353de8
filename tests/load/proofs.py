"""What must be true of a city after it was loaded: read from SQL, the ledger and Valkey."""

from sqlalchemy import func, select

from backend.extensions import db
from backend.services import campaigns, ledger, quota_checks
from backend.storage.models.vouchers import Voucher


def vouchers() -> dict[int, int]:
    """Return every voucher of SQL with its resident."""
    db.session.rollback()
    found = db.session.execute(select(Voucher.id, Voucher.resident_id).order_by(Voucher.id))
    holders = dict(found.tuples().all())
    db.session.rollback()  # PostgreSQL ends a transaction that idles
    return holders


def most_held() -> int:
    """Return how many vouchers of one tier the person with the most of them has in SQL."""
    db.session.rollback()
    counted = select(func.count(Voucher.id)).group_by(Voucher.resident_id, Voucher.tier_id)
    most = db.session.scalar(select(func.max(counted.subquery().c[0]))) or 0
    db.session.rollback()
    return most


def differences() -> int:
    """Return how many figures of Valkey, SQL and the ledger do not agree."""
    campaigns.forget_snapshots()
    found = len(quota_checks.check().differences) + len(ledger.check().differences)
    db.session.rollback()
    return found
