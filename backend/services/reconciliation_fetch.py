"""Fetching providers' bills of past days (取账单): asked until they are there, then compared."""

from datetime import date, datetime, timedelta
from io import BytesIO

import structlog
from flask import current_app
from sqlalchemy import select

from backend import clock
from backend.clock import CHINA
from backend.domain.errors import HuiquanError
from backend.domain.reconciliation import FETCH_FROM, PROVIDER_OF, FileKind, is_late
from backend.extensions import db
from backend.gateways.payments.protocol import BillNotReady, PaymentProvider
from backend.services import missing_files, outside_files, reconciliation
from backend.services.outside_files import Coming, Taken
from backend.storage.models.reconciliation import OutsideFile

log = structlog.get_logger()
LOOK_BACK_DAYS = 7  # so long a provider may be down without a hand's help


def fetch_due() -> int:
    """Fetch and compare each provider's bills of the last days that are still missing.

    A day's bill is asked for from half past ten of the next day on. A provider that fails is
    logged and asked again at the next run; the others go on.
    """
    fetched = 0
    for kind, provider in _providers():
        for day in _missing(kind):
            try:
                fetched += fetch(kind, provider, day, actor="jobs") is not None
            except HuiquanError as error:
                log.error("bill_refused", kind=kind, day=f"{day}", code=error.code)
            except (
                Exception
            ) as error:  # whatever a provider's library throws: the next one is asked
                db.session.close()
                log.error("bill_not_fetched", kind=kind, day=f"{day}", error=type(error).__name__)
    return fetched


def fetch(kind: FileKind, provider: PaymentProvider, day: date, *, actor: str) -> Taken | None:
    """Fetch a day's bill, take it and compare; None when the provider has not made it yet."""
    try:
        bill = provider.bill(day)
    except BillNotReady as reason:
        is_owed = missing_files.is_expected(kind, missing_files.party_of(kind), day)
        db.session.close()
        if is_owed and is_late(kind, day, taken=clock.today()):
            log.warning("bill_missing", kind=kind, day=f"{day}", why=str(reason))
        return None
    coming = Coming(
        kind=kind,
        party=missing_files.party_of(kind),
        day=day,
        name=bill.file_name,
        without_records=bill.content is None,
    )
    taken = outside_files.take(BytesIO(bill.content or b""), coming, actor=actor)
    reconciliation.run(taken.file.id)
    return taken


def _providers() -> list[tuple[FileKind, PaymentProvider]]:
    found: dict[str, PaymentProvider] = current_app.extensions["payment_providers"]
    return [(kind, found[name]) for kind, name in PROVIDER_OF.items() if name in found]


def _missing(kind: FileKind) -> list[date]:
    now = clock.now()
    days = [now.date() - timedelta(days=n) for n in range(LOOK_BACK_DAYS, 0, -1)]
    ready = [
        day for day in days if now >= datetime.combine(day + timedelta(days=1), FETCH_FROM, CHINA)
    ]
    taken = set(
        db.session.scalars(
            select(OutsideFile.day).where(
                OutsideFile.kind == kind,
                OutsideFile.party == missing_files.party_of(kind),
                OutsideFile.day.in_(ready),
            )
        )
    )
    db.session.close()
    return [day for day in ready if day not in taken]
