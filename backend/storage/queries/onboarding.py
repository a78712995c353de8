"""Merchants on their way into the programme: pledges, histories, terminals, the partner's lists."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.storage.models.merchants import Merchant
from backend.storage.models.onboarding import (
    MerchantReport,
    MerchantStep,
    MerchantTerminal,
    PartnerList,
    PlacementCheck,
    PlacementClearing,
    Pledge,
    PledgeText,
)
from backend.storage.models.partners import MerchantProposal
from backend.storage.models.payouts import PayoutAccount
from backend.storage.models.programmes import Domain, Programme


def lock_programme(session: Session) -> Programme | None:
    """Return the programme; one transaction at a time numbers merchants and lists under it."""
    return session.scalars(select(Programme).with_for_update(key_share=True)).one_or_none()


def lock_merchant(session: Session, merchant_id: str) -> Merchant | None:
    """Return a merchant that nobody else moves, and at which no order begins, till the end."""
    return session.get(
        Merchant, merchant_id, with_for_update={"of": Merchant}, populate_existing=True
    )


def lock_by_status(session: Session, statuses: Collection[str]) -> list[Merchant]:
    """Return merchants at some statuses, ascending by number; orders of theirs go on."""
    return list(
        session.scalars(
            select(Merchant)
            .where(Merchant.status.in_(statuses))
            .order_by(Merchant.id)
            .with_for_update(of=Merchant, key_share=True)
            .execution_options(populate_existing=True)
        )
    )


def list_by_status(session: Session, statuses: Collection[str]) -> list[Merchant]:
    """Return merchants at some statuses, ascending by number."""
    query = select(Merchant).where(Merchant.status.in_(statuses)).order_by(Merchant.id)
    return list(session.scalars(query))


def lock_applied(session: Session, uscc: str) -> Merchant | None:
    """Return the merchant of a code as `lock_by_status` does, if it has applied."""
    return session.scalar(
        select(Merchant)
        .where(Merchant.uscc == uscc, Merchant.status == "applied")
        .with_for_update(of=Merchant, key_share=True)
        .execution_options(populate_existing=True)
    )


def history(session: Session, merchant_id: str) -> list[MerchantStep]:
    """Return a merchant's steps in their order."""
    return list(
        session.scalars(
            select(MerchantStep)
            .where(MerchantStep.merchant_id == merchant_id)
            .order_by(MerchantStep.position)
        )
    )


def sent_with(session: Session, number: int) -> list[str]:
    """Return the merchants that a partner's list names, ascending."""
    return list(
        session.scalars(
            select(MerchantStep.merchant_id)
            .where(MerchantStep.partner_list == number, MerchantStep.step == "sent")
            .order_by(MerchantStep.merchant_id)
        )
    )


def sent_last_with(session: Session, number: int) -> frozenset[str]:
    """Return the merchants that were sent with a list and with none after it."""
    return frozenset(
        session.scalars(
            select(MerchantStep.merchant_id)
            .where(MerchantStep.step == "sent")
            .group_by(MerchantStep.merchant_id)
            .having(func.max(MerchantStep.partner_list) == number)
        )
    )


def partner_lists_counted() -> Select[*tuple[Any, ...]]:
    """Return the partner's lists with how many were sent, passed and returned, the newest first."""
    sent, passed, returned = (
        func.count(MerchantStep.id).filter(MerchantStep.step == step).label(step)
        for step in ("sent", "partner_passed", "partner_returned")
    )
    return (
        select(PartnerList, sent, passed, returned)
        .join(MerchantStep, MerchantStep.partner_list == PartnerList.number)
        .group_by(PartnerList.number)
        .order_by(PartnerList.number.desc())
    )


def answers_to(session: Session, number: int) -> dict[str, MerchantStep]:
    """Return what the partner said of each merchant of a list."""
    found = session.scalars(
        select(MerchantStep).where(
            MerchantStep.partner_list == number, MerchantStep.office == "partner"
        )
    )
    return {row.merchant_id: row for row in found}


def list_texts(session: Session) -> list[PledgeText]:
    """Return all texts of the pledge, the newest first."""
    return list(session.scalars(select(PledgeText).order_by(PledgeText.version.desc())))


def newest_partner_list(session: Session) -> int:
    """Return the number of the list sent last; 0 before the first."""
    return int(session.scalar(select(func.max(PartnerList.number))) or 0)


def newest_text(session: Session) -> PledgeText | None:
    """Return the pledge's text in force, or None before the first."""
    return session.scalar(select(PledgeText).order_by(PledgeText.version.desc()).limit(1))


def text_versions(session: Session) -> frozenset[int]:
    """Return the numbers of all texts of the pledge."""
    return frozenset(session.scalars(select(PledgeText.version)))


def domain_ids(session: Session) -> frozenset[str]:
    """Return the domains of the programme."""
    return frozenset(session.scalars(select(Domain.id)))


def merchant_ids(session: Session) -> list[str]:
    """Return the numbers of all merchants."""
    return list(session.scalars(select(Merchant.id)))


def get_report(session: Session, digest: str) -> MerchantReport | None:
    """Return the report of a file's bytes, or None."""
    return session.get(MerchantReport, digest)


def list_reports(session: Session) -> list[MerchantReport]:
    """Return all reports, the newest first."""
    query = select(MerchantReport).order_by(
        MerchantReport.reported_at.desc(), MerchantReport.digest
    )
    return list(session.scalars(query))


def get_pledge(session: Session, merchant_id: str) -> Pledge | None:
    """Return what a merchant signed last, or None for one that came with the programme."""
    signed = select(Pledge).where(Pledge.merchant_id == merchant_id)
    return session.scalar(signed.order_by(Pledge.text_version.desc()).limit(1))


def pledged_before(merchant_id: str | None = None) -> Select[str]:
    """Return merchants, one or all, that signed an earlier text than the one in force."""
    newest = select(func.max(PledgeText.version)).scalar_subquery()
    signed = (
        select(Pledge.merchant_id)
        .join(Merchant, Merchant.id == Pledge.merchant_id)
        .where(Merchant.status != "disqualified")
        .group_by(Pledge.merchant_id)
        .having(func.max(Pledge.text_version) < newest)
    )
    return signed if merchant_id is None else signed.where(Pledge.merchant_id == merchant_id)


def has_paper(session: Session, merchant_id: str, digest: str) -> bool:
    """Return whether a step, a pledge or a placement check of a merchant names a file."""
    named: Sequence[tuple[InstrumentedAttribute[str], InstrumentedAttribute[str | None]]] = (
        (MerchantStep.merchant_id, MerchantStep.evidence_digest),
        (Pledge.merchant_id, Pledge.scan_digest),
        (PlacementCheck.merchant_id, PlacementCheck.photo_digest),
    )
    found = (select(of).where(of == merchant_id, file == digest).exists() for of, file in named)
    return bool(session.scalar(select(or_(*found))))


def list_photos_due(session: Session, *, until: datetime, limit: int) -> list[tuple[str, str, str]]:
    """Return (check, merchant, digest) of photos recorded until then that are not removed yet."""
    found = session.execute(
        select(PlacementCheck.id, PlacementCheck.merchant_id, PlacementCheck.photo_digest)
        .where(
            PlacementCheck.photo_digest.is_not(None),
            PlacementCheck.recorded_at <= until,
            ~_is_cleared(),
        )
        .order_by(PlacementCheck.recorded_at, PlacementCheck.id)
        .limit(limit)
    )
    return [(check_id, merchant_id, digest or "") for check_id, merchant_id, digest in found]


def list_cleared(session: Session, merchant_id: str) -> set[str]:
    """Return the checks of a merchant whose photos were removed."""
    wanted = select(PlacementCheck.id).where(
        PlacementCheck.merchant_id == merchant_id, _is_cleared()
    )
    return set(session.scalars(wanted))


def is_named_beside(session: Session, digest: str, *, check_id: str) -> bool:
    """Return whether any other paper that is still kept is the same file as a check's photo."""
    found = (
        select(MerchantStep.id).where(MerchantStep.evidence_digest == digest),
        select(Pledge.merchant_id).where(Pledge.scan_digest == digest),
        select(PlacementCheck.id).where(
            PlacementCheck.photo_digest == digest, PlacementCheck.id != check_id, ~_is_cleared()
        ),
    )
    return bool(session.scalar(select(or_(*(wanted.exists() for wanted in found)))))


def _is_cleared() -> ColumnElement[bool]:
    return (
        select(PlacementClearing.check_id)
        .where(PlacementClearing.check_id == PlacementCheck.id)
        .exists()
    )


def holder_of(session: Session, condition: ColumnElement[bool]) -> str | None:
    """Return the merchant that meets a condition, or None."""
    return session.scalar(select(Merchant.id).where(condition).limit(1))


def holders_of_terminals(session: Session, numbers: Sequence[str]) -> list[MerchantTerminal]:
    """Return terminals that are some merchant's already."""
    return list(
        session.scalars(
            select(MerchantTerminal)
            .where(MerchantTerminal.number.in_(numbers))
            .order_by(MerchantTerminal.number)
        )
    )


def terminals(session: Session, merchant_id: str) -> list[str]:
    """Return a merchant's terminals."""
    return list(
        session.scalars(
            select(MerchantTerminal.number)
            .where(MerchantTerminal.merchant_id == merchant_id)
            .order_by(MerchantTerminal.number)
        )
    )


def waiting_proposals(session: Session) -> list[MerchantProposal]:
    """Return proposals of partners whose merchant has applied by now."""
    return list(
        session.scalars(
            select(MerchantProposal)
            .join(Merchant, Merchant.uscc == MerchantProposal.uscc)
            .where(MerchantProposal.state == "bank_qualified", Merchant.status == "applied")
            .order_by(MerchantProposal.id)
        )
    )


def barred_account(session: Session, number_hash: str) -> str | None:
    """Return the disqualified merchant that was ever to be paid to an account, or None."""
    return session.scalar(
        select(PayoutAccount.merchant_id)
        .join(Merchant, Merchant.id == PayoutAccount.merchant_id)
        .where(
            PayoutAccount.number_hash == number_hash,
            PayoutAccount.state.in_(("active", "replaced")),
            Merchant.status == "disqualified",
        )
        .limit(1)
    )


def list_placements(session: Session, merchant_id: str | None) -> list[PlacementCheck]:
    """Return placement checks, the newest first; all, or one merchant's."""
    query = select(PlacementCheck).order_by(PlacementCheck.seen_at.desc(), PlacementCheck.id)
    if merchant_id is not None:
        query = query.where(PlacementCheck.merchant_id == merchant_id)
    return list(session.scalars(query))


def find_placements(
    *, merchant_id: str, material: str, found: bool | None
) -> Select[PlacementCheck]:
    """Return placement checks, the newest first; the empty text and None are no wish."""
    query = select(PlacementCheck).order_by(PlacementCheck.seen_at.desc(), PlacementCheck.id)
    exactly = {"merchant_id": merchant_id, "material": material}
    query = query.filter_by(**{name: text for name, text in exactly.items() if text})
    return query if found is None else query.where(PlacementCheck.found == found)
