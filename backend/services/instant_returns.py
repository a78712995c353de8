"""Units of instant discounts that nobody paid with: back to their tier, and to their person.

SQL first: the unit is `returned`, its money is committed again, its tier has given one less, and a
row says that Valkey has still to give it back. Then Valkey does so, once; killed in between, the
job goes on there.
"""

from datetime import datetime

import redis
import structlog
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.postings import campaign_posting
from backend.domain.vouchers import SERIALS_PER_TIER
from backend.extensions import db, redis_handle
from backend.services import instant_campaigns
from backend.storage.models.vouchers import PendingReturn, Voucher
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import returned_units as queries
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.redis import returns
from backend.storage.redis.held import HeldClaim
from backend.storage.sql import transaction

log = structlog.get_logger()
BATCH = 500


def on_release(session: Session, voucher_id: int, *, at: datetime) -> bool:
    """Return the unit of an order that was released; False when it held a claimed voucher."""
    if not instant_campaigns.is_unit(voucher_id):
        return False
    return_unit(session, voucher_id, expected="locked", at=at)
    return True


def return_unit(session: Session, voucher_id: int, *, expected: str, at: datetime) -> bool:
    """Return a unit, once, within the caller's transaction; False when it was not as expected.

    Its face value goes from locked back to committed, as that of a voucher that ran out.
    """
    if not voucher_queries.change_status(
        session, voucher_id, expected=expected, status="returned", order_id=None
    ):
        return False
    unit = session.get_one(Voucher, voucher_id, populate_existing=True)
    campaign_queries.add_claimed_counts(session, {unit.tier_id: -1})
    posting = campaign_posting(
        "expiry", unit.campaign_id, unit.face_value_fen, id=f"return:{unit.id}"
    )
    ledger_queries.add_transfer(session, posting, at=at)
    queries.add_pending(session, unit)
    session.flush()
    return True


def return_unused(voucher_id: int) -> bool:
    """Return a unit that no order has taken; False when one has, or it went back before."""
    with transaction() as session:
        return return_unit(session, voucher_id, expected="unused", at=clock.now())


def return_due() -> int:
    """Return units whose order was never made, and give back what Valkey has not. For the job."""
    unpaid = queries.list_unpaid(db.session(), at=clock.now(), limit=BATCH)
    db.session.close()
    for voucher_id in unpaid:
        return_unused(voucher_id)
    return give_back()


def give_back(resident_id: int | None = None) -> int:
    """Let Valkey give back what SQL has returned, all or one resident's; return how many.

    With Valkey down nothing happens: nobody is given what is not there, and the job asks again.
    """
    done, after_id, silent = 0, 0, set[str]()
    while pending := queries.list_pending(
        db.session(), after_id=after_id, limit=BATCH, resident_id=resident_id
    ):
        db.session.close()
        after_id = pending[-1].voucher_id
        given: list[int] = []
        for row in pending:
            if row.campaign_id in silent:  # its server is down: not each row waits for it
                continue
            try:
                if _give_back(row):
                    given.append(row.voucher_id)
            except redis.RedisError as error:
                silent.add(row.campaign_id)
                log.warning("units_not_given_back", error=type(error).__name__)
        if given:
            with transaction() as session:
                queries.forget_pending(session, given)
        done += len(given)
    db.session.close()
    return done


def _give_back(row: PendingReturn) -> bool:
    """Ask Valkey; whether that is settled. A quota that is not loaded is a rebuild's, which counts
    what SQL says by then: the row waits for it, unless nobody takes from the campaign any more."""
    campaign = campaign_queries.get_campaign(db.session(), row.campaign_id)
    if campaign is None:
        raise LookupError(f"campaign {row.campaign_id}")
    terms = campaign_queries.terms_of(campaign)
    position = next(tier.position for tier in terms.tiers if tier.id == row.tier_id)
    db.session.close()  # no SQL transaction stays open over a call to Valkey
    claim = HeldClaim(position, row.voucher_id % SERIALS_PER_TIER, row.claimed_at)
    given = returns.give_back(redis_handle.client, terms, resident_id=row.resident_id, claim=claim)
    return given or terms.state in ("stopped", "ended")
