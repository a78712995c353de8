"""Whom and which shops a campaign would reach now."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.storage.models.merchants import Merchant, MerchantListEntry, MerchantListVersion
from backend.storage.models.residents import Resident, ResidentIdentity


def published_by_domain(
    session: Session, domain_ids: Sequence[str], *, area: str | None
) -> dict[str, int]:
    """Return how many merchants of the newest list may redeem, by domain; 0 for none."""
    newest = select(func.max(MerchantListVersion.number)).scalar_subquery()
    listed = (
        select(MerchantListEntry.domain_id, func.count())
        .join(Merchant, Merchant.id == MerchantListEntry.merchant_id)
        .where(
            MerchantListEntry.version == newest,
            MerchantListEntry.domain_id.in_(domain_ids),
            Merchant.status == "published",
        )
        .group_by(MerchantListEntry.domain_id)
    )
    if area is not None:
        listed = listed.where(MerchantListEntry.area == area)
    found = {row[0]: row[1] for row in session.execute(listed)}
    return {domain_id: found.get(domain_id, 0) for domain_id in domain_ids}


def people(session: Session, *, card_required: bool) -> int:
    """Return how many residents there are, or how many of them have a bound card."""
    counted = select(func.count()).select_from(Resident)
    if card_required:
        counted = select(func.count(ResidentIdentity.resident_id.distinct())).where(
            ResidentIdentity.kind == "card", ResidentIdentity.unbound_at.is_(None)
        )
    return session.scalar(counted) or 0
