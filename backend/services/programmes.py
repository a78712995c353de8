"""Loading a programme: all of a file or nothing, and the same file twice changes nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import onboarding
from backend.domain import programmes as domain
from backend.domain.errors import HuiquanError
from backend.domain.postings import Posting, pot_account
from backend.extensions import db
from backend.services import audit, merchant_steps, payments
from backend.services.ledger import accounts_of_campaign, accounts_of_pots
from backend.services.programme_files import canonical_digest, parse_programme
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.merchants import Merchant
from backend.storage.models.programmes import Domain, Fund, FundQuarter, Programme
from backend.storage.queries import ledger as ledger_queries
from backend.storage.sql import transaction

# What the file calls published has passed the chain; it is on the list once a version names it.
STATUS_ON_LOAD = {
    "published": "passed",
    "awaiting_superior_bank": "reported",
    "vetoed_by_tax": "vetoed",
}


class ProgrammeChanged(HuiquanError):
    code = "programme_changed"
    message = "方案已载入，且与此文件不同；已载入的方案不能用文件覆盖"
    category = "conflict"


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a load did. `new` is False when the same programme had been loaded before."""

    programme_id: str
    new: bool
    funds: int
    campaigns: int
    merchants: int


def read(text: str) -> domain.Programme:
    """Return what a programme file says, if it could be loaded where none is.

    Raises ProgrammeFileRefused with every fault's line, PaymentProviderMissing.
    """
    programme = parse_programme(text)
    for name in {c.payment_provider for c in programme.campaigns} - {None}:
        payments.named(name or "")  # refused here: no order could be paid by what is not there
    return programme


def load(text: str, *, actor: str) -> Loaded:
    """Load a programme file, or refuse it with every fault's line (plan, parts two to seven)."""
    programme = read(text)
    digest = canonical_digest(programme)
    with transaction() as session:
        known = session.scalars(select(Programme)).one_or_none()
        if known is not None and known.file_digest != digest:
            raise ProgrammeChanged(f"programme {known.id} is loaded from another file")
        if known is None:
            _store(session, programme, digest, actor=actor)
            audit.record(
                session,
                actor=actor,
                action="programme.load",
                subject=programme.id,
                total_fen=programme.total_fen,
                digest=digest,
            )
    return Loaded(
        programme_id=programme.id,
        new=known is None,
        funds=len(programme.funds),
        campaigns=len(programme.campaigns),
        merchants=len(programme.merchants),
    )


def current() -> Programme | None:
    """Return the programme this installation runs, or None before it is loaded."""
    return db.session.scalars(select(Programme)).one_or_none()


def hotline() -> str:
    """Return the number that people call with questions, digits and hyphens."""
    programme = current()
    return programme.hotline if programme else domain.HOTLINE


def complaint_answer_days() -> int:
    """Return within how many working days a complaint is answered."""
    programme = current()
    return programme.complaint_answer_days if programme else domain.COMPLAINT_ANSWER_DAYS


def _store(session: Session, programme: domain.Programme, digest: str, *, actor: str) -> None:
    session.add(
        Programme(
            id=programme.id,
            name=programme.name,
            lead_office=programme.lead_office,
            total_fen=programme.total_fen,
            file_digest=digest,
            hotline=programme.hotline,
            complaint_answer_days=programme.complaint_answer_days,
            loaded_at=clock.now(),
        )
    )
    session.add_all(Domain(id=d.id, name=d.name) for d in programme.domains)
    session.flush()
    for fund in programme.funds:
        _store_fund(session, programme.id, fund)
    domains = {d.id: d for d in session.scalars(select(Domain))}
    for campaign in programme.campaigns:
        row = campaign_row(programme.id, campaign)
        row.domains = [domains[domain_id] for domain_id in campaign.domain_ids]
        session.add(row)
        session.flush()
        ledger_queries.add_accounts(session, accounts_of_campaign(row))
    for merchant in programme.merchants:
        _store_merchant(session, programme.id, merchant, actor=actor)


def _store_merchant(
    session: Session, programme_id: str, merchant: domain.Merchant, *, actor: str
) -> None:
    """Store a merchant where the file says it stands in the chain (plan, part seven)."""
    row = Merchant(
        id=merchant.id,
        programme_id=programme_id,
        name=merchant.name,
        domain_id=merchant.domain_id,
        area=merchant.area,
        uscc=merchant.uscc,
        merchant_number=merchant.merchant_number,
        status=STATUS_ON_LOAD.get(merchant.status, merchant.status),
    )
    said: Mapping[str, object] = {}
    if row.status in onboarding.ALL_SAID_AT:
        said = onboarding.ALL_SAID
    elif row.status == "vetoed":
        said = {"tax_screening": "vetoed"}
    for name, word in said.items():
        setattr(row, name, word)
    session.add(row)
    session.flush()
    merchant_steps.record_import(session, row, actor=actor)


def _store_fund(session: Session, programme_id: str, fund: domain.Fund) -> None:
    """Store a fund with its pots, and the city's money in each (plan, part eight: 资金保障)."""
    session.add(
        Fund(
            id=fund.id,
            programme_id=programme_id,
            name=fund.name,
            lead_office=fund.lead_office,
            amount_fen=fund.amount_fen,
            in_quarters_fen=sum(q.ceiling_fen for q in fund.quarters),
            quarters=[
                FundQuarter(quarter=q.name, ceiling_fen=q.ceiling_fen, floor_fen=q.floor_fen)
                for q in fund.quarters
            ],
        )
    )
    session.flush()
    pots: dict[str | None, int] = {q.name: q.ceiling_fen for q in fund.quarters}
    # What no quarter has is the year's, open to campaigns that name no quarter.
    if rest_fen := fund.amount_fen - sum(pots.values()):
        pots[None] = rest_fen
    ledger_queries.add_accounts(session, accounts_of_pots(fund.id, pots))
    for quarter, amount_fen in pots.items():
        posting = Posting(
            id=f"appropriation:{fund.id}:{quarter or 'year'}",
            kind="appropriation",
            from_account_id=pot_account(fund.id, quarter, "appropriated"),
            to_account_id=pot_account(fund.id, quarter, "available"),
            amount_fen=amount_fen,
        )
        ledger_queries.add_transfer(session, posting, at=clock.now())


def campaign_row(programme_id: str, campaign: domain.Campaign) -> Campaign:
    """Return a campaign of a file as the draft that a load stores; in no session."""
    hours = campaign.hours or (None, None)
    return Campaign(
        id=campaign.id,
        programme_id=programme_id,
        fund_id=campaign.fund_id,
        quarter=campaign.quarter,
        name=campaign.name,
        mode=campaign.mode,
        state="draft",
        opens_at=campaign.opens_at,
        ends_at=campaign.ends_at,
        amount_fen=campaign.amount_fen,
        validity_days=campaign.validity_days,
        claim_day_counts=campaign.claim_day_counts,
        per_person_per_tier=campaign.per_person_per_tier,
        one_tier_per_day=campaign.one_tier_per_day,
        per_person=campaign.per_person,
        per_person_per_day=campaign.per_person_per_day,
        per_person_per_merchant_per_day=campaign.per_person_per_merchant_per_day,
        person_per_natural_month=campaign.person_per_natural_month,
        daily_release=campaign.daily_release,
        carry_over=campaign.carry_over,
        recycle_expired=campaign.recycle_expired,
        card_required=campaign.card_required,
        release_minute=campaign.release_minute,
        claim_windows=[asdict(window) for window in campaign.claim_windows] or None,
        claim_area=asdict(campaign.claim_area) if campaign.claim_area else None,
        area=campaign.area,
        use_from_minute=hours[0],
        use_until_minute=hours[1],
        merchant_id=campaign.merchant_id,
        evidence=list(campaign.evidence) or None,
        payment_provider=campaign.payment_provider,
        on_full_refund=campaign.on_full_refund,
        tiers=[
            Tier(
                position=tier.position,
                threshold_fen=tier.threshold_fen,
                face_value_fen=tier.face_value_fen,
                count=tier.count,
            )
            for tier in campaign.tiers
        ],
    )
