"""A campaign's preflight (活动预检): what an approver should know, found now."""

from backend import clock
from backend.domain import preflights as domain
from backend.domain.errors import NotFound
from backend.domain.postings import pot_account
from backend.domain.preflights import Facts, Finding
from backend.extensions import db
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import preflights as queries


def of_campaign(campaign_id: str) -> list[Finding]:
    """Return what was looked at, and what of it is a fault. Raises NotFound."""
    session = db.session()
    campaign = campaign_queries.get_campaign(session, campaign_id)
    if campaign is None:
        raise NotFound(f"campaign {campaign_id!r}")
    terms = campaign_queries.terms_of(campaign)
    names = {found.id: found.name for found in campaign.domains}
    shops = queries.published_by_domain(session, list(names), area=campaign.area)
    pot = pot_account(campaign.fund_id, campaign.quarter, "available")
    return domain.findings(
        Facts(
            mode=campaign.mode,
            tiers=terms.tiers,
            amount_fen=campaign.amount_fen,
            available_fen=ledger_queries.balance(session, pot),
            quarter=campaign.quarter,
            opens_at=campaign.opens_at,
            ends_at=campaign.ends_at,
            now=clock.now(),
            shops={names[domain_id]: count for domain_id, count in shops.items()},
            people=queries.people(session, card_required=campaign.card_required),
            card_required=campaign.card_required,
            per_person=campaign.per_person,
            per_person_per_tier=campaign.per_person_per_tier,
        )
    )
