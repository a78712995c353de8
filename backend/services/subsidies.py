"""Applying for a special subsidy (专项补贴申请): drafted, submitted, withdrawn by the applicant.

Plan: special subsidies (专项补贴) may pay for cars, with evidence and review.
"""

import json
import uuid
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals
from backend.domain import subsidies as rules
from backend.domain.campaigns import TierTerms
from backend.domain.errors import NotFound
from backend.domain.subsidies import Payment, SubsidyState
from backend.extensions import db
from backend.services import blocks, merchants
from backend.services.personal_data import vault
from backend.storage.models.campaigns import Campaign
from backend.storage.models.subsidies import Subsidy, SubsidyFile, SubsidyStep
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import subsidies as queries
from backend.storage.sql import transaction

log = structlog.get_logger()
DEFAULT_EVIDENCE = ("invoice_number", "vin", "photo")  # programmes loaded before it was kept
WITHDRAWABLE: tuple[SubsidyState, ...] = ("draft", "submitted", "first_reviewed", "refused")


@dataclass(frozen=True, kw_only=True)
class Account:
    """The applicant's own bank account."""

    holder: str
    bank: str
    number: str


@dataclass(frozen=True, kw_only=True)
class Application:
    """What is applied for. `invoice_number` is 20 digits, as a phone may type them."""

    campaign_id: str
    merchant_id: str
    invoice_number: str
    vin: str
    invoice_amount_fen: int
    invoice_day: date
    account: Account


def apply(*, resident_id: int, request_id: str, application: Application) -> Subsidy:
    """Draft an application; the same request is the same one. Nothing is reserved yet.

    Raises SubsidyNotOffered, SubsidyInvalid, MerchantNotPublished, ResidentBlocked, RequestReused.
    """
    text = json.dumps(asdict(application), default=str, sort_keys=True, ensure_ascii=False)
    digest = vault().hash("subsidy request", text)
    with transaction() as session:
        queries.lock_resident(session, resident_id)
        known = queries.get_by_request(session, resident_id, request_id)
        if known is not None:
            if known.request_digest != digest:
                raise refusals.RequestReused(f"resident {resident_id}")
            return known
        blocks.refuse_order(session, resident_id)
        campaign = _offered(session, application.campaign_id)
        tier = _checked(session, campaign, application)
        subsidy = Subsidy(
            id=uuid.uuid4().hex,
            resident_id=resident_id,
            request_id=request_id,
            request_digest=digest,
            campaign_id=campaign.id,
            tier_id=tier.id,
            merchant_id=application.merchant_id,
            details_encrypted=vault().encrypt(text),
            invoice_hash=vault().hash("invoice", application.invoice_number),
            vin_hash=vault().hash("vin", application.vin),
            vin_last4=application.vin[-4:],
            account_last4=application.account.number[-4:],
            invoice_amount_fen=application.invoice_amount_fen,
            invoice_day=application.invoice_day,
            amount_fen=tier.face_value_fen,
            state="draft",
            created_at=clock.now(),
        )
        session.add(subsidy)
        take_step(session, subsidy, "draft", actor=_name(resident_id), reason=None)
        session.refresh(subsidy)
    return subsidy


def submit(*, subsidy_id: str, resident_id: int) -> Subsidy:
    """Hand an application in and reserve its unit; again changes nothing. Also after a refusal.

    Raises SubsidyEvidenceMissing, SubsidyTaken, SubsidyLimitReached, SubsidyUsedUp,
    SubsidyNotOffered, SubsidyStepNotPossible, NotFound.
    """
    try:
        with transaction() as session:
            queries.lock_resident(session, resident_id)
            subsidy = held(session, subsidy_id, resident_id)
            if subsidy.state == "submitted":
                return subsidy
            refuse_unless(subsidy, ("draft", "refused"))
            blocks.refuse_order(session, resident_id)
            campaign = _offered(session, subsidy.campaign_id)
            names = [file.name for file in queries.list_files(session, subsidy_id)]
            if missing := rules.missing_evidence(evidence_of(campaign), names):
                raise rules.SubsidyEvidenceMissing(subsidy_id, details={"missing": missing})
            _refuse_too_many(session, campaign, subsidy)
            subsidy.first_reviewer = subsidy.second_reviewer = subsidy.reason = None
            take_step(session, subsidy, "submitted", actor=_name(resident_id), reason=None)
            if not campaign_queries.take_unit(session, subsidy.tier_id):
                raise rules.SubsidyUsedUp(f"{campaign.id} tier {subsidy.tier_id}")
            session.refresh(subsidy)
    except IntegrityError as error:
        raise rules.SubsidyTaken(subsidy_id) from error
    log.info("subsidy_submitted", subsidy_id=subsidy_id)
    return subsidy


def withdraw(*, subsidy_id: str, resident_id: int) -> Subsidy:
    """Take an application back before it is granted; its unit is free. Again changes nothing."""
    with transaction() as session:
        subsidy = held(session, subsidy_id, resident_id)
        if subsidy.state == "withdrawn":
            return subsidy
        refuse_unless(subsidy, WITHDRAWABLE)
        reserved = subsidy.state in rules.RESERVING
        take_step(session, subsidy, "withdrawn", actor=_name(resident_id), reason=None)
        if reserved:
            campaign_queries.give_unit(session, subsidy.tier_id)
        session.refresh(subsidy)
    return subsidy


def of_resident(subsidy_id: str, resident_id: int | None) -> Subsidy:
    """Return a resident's own application (None: for staff); another's answers as an absent one."""
    found = queries.get(db.session(), subsidy_id, resident_id)
    if found is None:
        raise NotFound(f"subsidy {subsidy_id[:40]!r}")
    return found


def list_subsidies(
    *, resident_id: int | None = None, state: str | None = None, limit: int = 50
) -> list[Subsidy]:
    """Return the newest applications: a resident's, or for staff all."""
    return queries.list_all(db.session(), resident_id=resident_id, state=state, limit=limit)


def files(subsidy_id: str) -> list[SubsidyFile]:
    """Return an application's current files."""
    return queries.list_files(db.session(), subsidy_id)


def steps(subsidy_id: str) -> list[SubsidyStep]:
    """Return an application's steps in their order."""
    return queries.list_steps(db.session(), subsidy_id)


def payment(subsidy_id: str) -> Payment:
    """Return how far the payout of a granted subsidy is."""
    line = queries.payment_of(db.session(), subsidy_id)
    state: Payment = "none" if line is None else line.state  # type: ignore[assignment]  # a CHECK
    return state


def details(subsidy: Subsidy) -> Application:
    """Return what was applied for, decrypted: for reviewers and payout lists alone."""
    told = json.loads(vault().decrypt(subsidy.details_encrypted))
    account = Account(**told.pop("account"))
    day = date.fromisoformat(told.pop("invoice_day"))
    return Application(**told, invoice_day=day, account=account)


def evidence_of(campaign: Campaign) -> tuple[str, ...]:
    """Return the kinds of evidence a campaign wants."""
    return tuple(campaign.evidence or DEFAULT_EVIDENCE)


def held(session: Session, subsidy_id: str, resident_id: int | None) -> Subsidy:
    """Return an application that nobody else changes until the transaction ends, or NotFound."""
    found = queries.lock(session, subsidy_id, resident_id)
    if found is None:
        raise NotFound(f"subsidy {subsidy_id[:40]!r}")
    return found


def refuse_unless(subsidy: Subsidy, states: tuple[SubsidyState, ...]) -> None:
    """Refuse a step that has no place in the application's state."""
    if subsidy.state not in states:
        raise rules.SubsidyStepNotPossible(
            f"{subsidy.id} is {subsidy.state}", details={"state": subsidy.state}
        )


def take_step(
    session: Session, subsidy: Subsidy, state: SubsidyState, *, actor: str, reason: str | None
) -> None:
    """Move a held application on and write the step down."""
    subsidy.state, subsidy.changed_at = state, clock.now()
    session.flush()
    position = len(queries.list_steps(session, subsidy.id)) + 1
    session.add(
        SubsidyStep(
            subsidy_id=subsidy.id,
            position=position,
            state=state,
            actor=actor,
            reason=reason,
            at=clock.now(),
        )
    )
    session.flush()


def _offered(session: Session, campaign_id: str) -> Campaign:
    campaign = campaign_queries.get_campaign(session, campaign_id)
    if campaign is None or campaign.mode != "subsidy" or campaign.state == "draft":
        raise NotFound(f"subsidy campaign {campaign_id[:40]!r}")
    if campaign.state != "running" or not campaign.opens_at <= clock.now() < campaign.ends_at:
        raise rules.SubsidyNotOffered(f"{campaign_id} is {campaign.state}")
    return campaign


def _checked(session: Session, campaign: Campaign, application: Application) -> TierTerms:
    """Return the tier an application reaches, or refuse it with every field that is wrong."""
    merchant = merchants.redeeming(session, application.merchant_id)
    tiers = campaign_queries.terms_of(campaign).tiers
    tier = rules.tier_for(tiers, application.invoice_amount_fen)
    last = (campaign.ends_at - timedelta(microseconds=1)).date()
    in_window = rules.in_window(
        application.invoice_day, first=campaign.opens_at.date(), last=last, today=clock.today()
    )
    fits = {
        "vin": rules.is_vin(application.vin),
        "invoice_day": in_window,
        "invoice_amount_fen": tier is not None,
        "merchant_id": merchant.domain_id in {domain.id for domain in campaign.domains},
    }
    if tier is None or not all(fits.values()):
        wrong = [name for name, right in fits.items() if not right]
        raise rules.SubsidyInvalid(", ".join(wrong), details={"fields": wrong})
    return tier


def _refuse_too_many(session: Session, campaign: Campaign, subsidy: Subsidy) -> None:
    """Refuse above the campaign's limits; the person's row is held, so they are counted."""
    counts = queries.count_reserving(
        session, resident_id=subsidy.resident_id, campaign_id=campaign.id
    )
    whole = campaign.per_person
    if counts.get(subsidy.tier_id, 0) >= campaign.per_person_per_tier or (
        whole is not None and sum(counts.values()) >= whole
    ):
        raise rules.SubsidyLimitReached(f"resident {subsidy.resident_id}")


def _name(resident_id: int) -> str:
    return f"resident:{resident_id}"
