"""Merchants as staff look for them, and the step that each of them waits for."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from backend.domain.merchant_steps import Step
from backend.storage.models.merchants import Merchant
from backend.storage.queries import onboarding

_UNDER_REVIEW = Merchant.status.in_(("reported", "vetoed"))
# What the rules of domain/onboarding.py would let somebody do now, as SQL; a test compares them.
DUE: Mapping[Step, ColumnElement[bool]] = {
    Step.APPLIED: Merchant.status == "pledged",
    Step.REPORTED: Merchant.status == "applied",
    Step.SUPERIOR_BANK_CONFIRMED: and_(_UNDER_REVIEW, ~Merchant.superior_bank_confirmed),
    Step.BUREAU_CONFIRMED: and_(_UNDER_REVIEW, ~Merchant.bureau_confirmed),
    Step.TAX_PASSED: and_(_UNDER_REVIEW, Merchant.tax_screening == "open"),
    Step.MARKET_REGULATOR_PASSED: and_(
        _UNDER_REVIEW, Merchant.market_regulator_screening == "open"
    ),
    Step.LISTED: and_(
        Merchant.status == "reported",
        Merchant.superior_bank_confirmed,
        Merchant.bureau_confirmed,
        Merchant.tax_screening == "passed",
        Merchant.market_regulator_screening == "passed",
    ),
    Step.SENT: Merchant.status == "listed",
    Step.PARTNER_PASSED: Merchant.status == "sent",
    Step.PUBLISHED: Merchant.status == "passed",
    Step.RESUMED: Merchant.status == "suspended",
    Step.DISQUALIFIED: and_(Merchant.disqualification_proposed, Merchant.status != "disqualified"),
}


def find(
    *, status: str, domain_id: str, area: str, name: str, due: str, pledge: str
) -> Select[Merchant]:
    """Return merchants by number; the empty text is no wish, `name` is a part of name or number.

    :param pledge: 'outdated' for those that are to sign the pledge again
    """
    found = select(Merchant).order_by(Merchant.id)
    exactly = {"status": status, "domain_id": domain_id, "area": area}
    found = found.filter_by(**{field: text for field, text in exactly.items() if text})
    if name:
        named = (Merchant.name, Merchant.legal_name, Merchant.id, Merchant.uscc)
        found = found.where(or_(*(text.icontains(name, autoescape=True) for text in named)))
    if pledge:
        found = found.where(Merchant.id.in_(onboarding.pledged_before()))
    return found.where(DUE[Step(due)]) if due else found


def count_due(session: Session, step: Step) -> int:
    """Return how many merchants wait for a step."""
    return session.scalar(select(func.count()).select_from(Merchant).where(DUE[step])) or 0


def list_areas(session: Session) -> list[str]:
    """Return every area that a merchant lies in."""
    query = select(Merchant.area).where(Merchant.area.is_not(None)).distinct()
    return sorted(filter(None, session.scalars(query)))
