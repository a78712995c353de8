"""Entry waivers (免首道门票): a gate clerk records who enters free, by the visitor's payment code.

Plan, part three (文旅): the first ticket is waived within the fund (免除首道门票激励措施).
"""

import uuid
from datetime import date

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals
from backend.domain.entries import (
    EntryFundUsedUp,
    EntryLimitReached,
    EntryNotOffered,
    EntryNotUndoable,
    month_of,
)
from backend.domain.errors import NotFound
from backend.domain.postings import campaign_account, campaign_posting
from backend.extensions import db
from backend.services import audit, blocks, clerks, merchants, payment_codes
from backend.services.listings import Listing
from backend.services.personal_data import vault
from backend.storage.models.campaigns import Campaign
from backend.storage.models.entries import Entry, EntryUndo
from backend.storage.models.residents import Resident
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import entries as queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.sql import transaction

log = structlog.get_logger()


def record(
    *, clerk_id: int, merchant_id: str, request_id: str, code: str, already_free: bool = False
) -> Entry:
    """Use up a visitor's payment code and record the entry; the same request is the same entry.

    :param already_free: let in free by another rule: recorded, and nothing is spent
    Raises EntryNotOffered, EntryLimitReached, EntryFundUsedUp, and what a payment code's order
    raises: PaymentCodeInvalid, ResidentBlocked, MerchantNotPublished, OwnShop, RequestReused.
    """
    digits = payment_codes.check_form(code)
    digest = vault().hash("entry request", f"{digits} {already_free}")
    # First of all: when the answer was given but lost on its way, the code is used up by now.
    if replay := _replayed(db.session(), clerk_id, request_id, digest):
        return replay
    try:
        resident_id = payment_codes.holder(db.session(), digits)
        with transaction() as session:
            session.execute(
                select(Resident.id).where(Resident.id == resident_id).with_for_update()
            ).one()
            if replay := _replayed(session, clerk_id, request_id, digest):
                return replay
            campaign = _offered(session, merchant_id, clerk_id=clerk_id, resident_id=resident_id)
            payment_codes.use(session, digits)
            entry = _entry(campaign, clerk_id=clerk_id, resident_id=resident_id)
            entry.request_id, entry.request_digest = request_id, digest
            if not already_free:
                _count(session, entry, campaign)
            session.add(entry)
            session.flush()
            if not already_free:
                _take_unit(session, campaign)
            session.refresh(entry)
    except refusals.PaymentCodeInvalid:
        # The same request, sent twice at once: the other one has used the code for this entry.
        if replay := _replayed(db.session(), clerk_id, request_id, digest):
            return replay
        raise
    log.info("entry_recorded", entry_id=entry.id, state=entry.state)
    return entry


def undo(
    *,
    entry_id: str,
    reason: str,
    actor: str,
    merchant_id: str | None = None,
) -> Entry:
    """Undo an entry: its money goes back to the campaign, and its place in the month is free.

    :param merchant_id: the gate's, which may undo on the entry's own day; None for staff, who may
        until it stands in a statement
    The same person again changes nothing. Raises NotFound, EntryNotUndoable.
    """
    with transaction() as session:
        entry = queries.get_of_merchant(session, entry_id, merchant_id)
        if entry is None:
            raise NotFound(f"entry {entry_id[:40]!r}")
        known = session.get(EntryUndo, entry_id)
        if known is not None and known.undone_by == actor:
            return entry
        if merchant_id is not None and entry.business_day != clock.today():
            raise EntryNotUndoable(f"{entry_id} is of {entry.business_day}")
        if not queries.undo(session, entry_id):
            raise EntryNotUndoable(f"{entry_id} is {entry.state}")
        made = EntryUndo(entry_id=entry_id, undone_by=actor, reason=reason, undone_at=clock.now())
        if entry.amount_fen:
            posting = campaign_posting(
                "refund", entry.campaign_id, entry.amount_fen, id=f"entry-undo:{entry_id}"
            )
            ledger_queries.add_transfer(session, posting, at=clock.now())
            made.transfer_id = posting.id
        session.add(made)
        audit.record(session, actor=actor, action="entry.undo", subject=entry_id, reason=reason)
        session.flush()
        if entry.amount_fen:
            campaign_queries.give_unit(session, entry.tier_id)
        session.refresh(entry)
    return entry


def find(
    *,
    since: date | None = None,
    through: date | None = None,
    merchant_id: str = "",
    state: str = "",
) -> Listing[Entry]:
    """Return entries, the newest first; both days are included, the empty text is no wish."""
    wanted = queries.find(since=since, through=through, merchant_id=merchant_id, state=state)
    return Listing(wanted)


def get(entry_id: str) -> Entry:
    """Return an entry, or raise NotFound."""
    entry = queries.get_of_merchant(db.session(), entry_id, None)
    if entry is None:
        raise NotFound(f"entry {entry_id[:40]!r}")
    return entry


def undo_of(entry_id: str) -> EntryUndo | None:
    """Return who undid an entry and why, or None."""
    return db.session.get(EntryUndo, entry_id)


def list_of_resident(resident_id: int, *, limit: int = 50) -> list[Entry]:
    """Return a resident's newest entries."""
    return queries.list_of_resident(db.session(), resident_id, limit=limit)


def list_of_today(merchant_id: str, *, limit: int = 50) -> list[Entry]:
    """Return a gate's newest entries of today: those its clerks may still undo."""
    return queries.list_of_merchant(db.session(), merchant_id, clock.today(), limit=limit)


def _offered(session: Session, merchant_id: str, *, clerk_id: int, resident_id: int) -> Campaign:
    """Return the campaign under which a visitor may enter now, or refuse."""
    blocks.refuse_order(session, resident_id)
    merchants.redeeming(session, merchant_id)
    clerks.refuse_own_shop(session, clerk_id=clerk_id, resident_id=resident_id)
    now = clock.now()
    campaign = queries.running_campaign(session, merchant_id, at=now)
    if campaign is None:
        raise EntryNotOffered(f"merchant {merchant_id}")
    minute = now.hour * 60 + now.minute
    from_minute, until_minute = campaign.use_from_minute or 0, campaign.use_until_minute or 1440
    if not from_minute <= minute < until_minute:
        raise EntryNotOffered(f"{campaign.id} at minute {minute}")
    return campaign


def _entry(campaign: Campaign, *, clerk_id: int, resident_id: int) -> Entry:
    now = clock.now()
    return Entry(
        id=uuid.uuid4().hex,
        clerk_id=clerk_id,
        campaign_id=campaign.id,
        tier_id=campaign.tiers[0].id,
        merchant_id=campaign.merchant_id or "",
        resident_id=resident_id,
        entered_at=now,
        business_day=now.date(),
        month=month_of(now.date()),
        state="free",
        amount_fen=0,
    )


def _count(session: Session, entry: Entry, campaign: Campaign) -> None:
    """Make the entry a counted one: the person's next number in the month, and the money."""
    used = queries.numbers_in_month(
        session, campaign_id=campaign.id, resident_id=entry.resident_id, month=entry.month
    )
    allowed = range(1, (campaign.person_per_natural_month or 1) + 1)
    number = next((n for n in allowed if n not in used), None)
    if number is None:
        raise EntryLimitReached(f"{campaign.id} in {entry.month}")
    entry.state, entry.number_in_month = "counted", number
    entry.amount_fen = campaign.tiers[0].face_value_fen
    posting = campaign_posting("spending", campaign.id, entry.amount_fen, id=f"entry:{entry.id}")
    ledger_queries.add_transfer(session, posting, at=entry.entered_at)
    entry.transfer_id = posting.id


def _take_unit(session: Session, campaign: Campaign) -> None:
    """Take the unit, or undo all when none is left.

    The tier's row is the one that all gates share. It is written last, and a gate lets in a few
    people a second: nobody waits for it longer than a commit takes.
    """
    tier = campaign.tiers[0]
    if not campaign_queries.take_unit(session, tier.id):
        raise EntryFundUsedUp(f"{campaign.id}: all {tier.count} units")
    # Earlier spending that was brought in took money and no unit. The tier is held: nobody else
    # spends of this campaign until the commit.
    committed = campaign_account(campaign.id, "committed")
    if ledger_queries.balance(session, committed) < 0:
        raise EntryFundUsedUp(f"{campaign.id}: nothing is committed any more")


def _replayed(session: Session, clerk_id: int, request_id: str, digest: str) -> Entry | None:
    found = queries.get_by_request(session, clerk_id, request_id)
    if found is not None and found.request_digest != digest:
        raise refusals.RequestReused(f"clerk {clerk_id}")
    return found
