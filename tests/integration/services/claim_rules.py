"""What the tests of a campaign's rules share: a campaign with other terms, and its refusals."""

from flask import Flask
from sqlalchemy import update

from backend.domain.errors import HuiquanError
from backend.extensions import redis_handle
from backend.services import campaigns, claims, ledger, quota_checks, quota_rebuilds
from backend.storage.models.campaigns import Campaign
from backend.storage.sql import transaction
from tests.factories import MAY, City


def with_terms(**changes: object) -> None:
    """Give 五一乐购券 other terms, and load its quota anew by them."""
    with transaction() as session:
        session.execute(update(Campaign).where(Campaign.id == MAY).values(**changes))
    rebuild()


def rebuild() -> None:
    """Empty Valkey and rebuild the quota from SQL."""
    redis_handle.client.flushall()
    campaigns.forget_snapshots()
    quota_rebuilds.run(MAY, actor="test")


def agree() -> bool:
    """Whether Valkey, SQL and the ledger say the same."""
    return (quota_checks.check(looks=1).differences, ledger.check().differences) == ((), ())


def outcome(
    app: Flask, resident_id: int, tier: int, request_id: str
) -> HuiquanError | claims.ClaimedVoucher:
    """Claim, and return the voucher or the refusal."""
    with app.app_context():
        try:
            return claims.claim_voucher(
                campaign_id=MAY, tier_position=tier, resident_id=resident_id, request_id=request_id
            )
        except HuiquanError as refused:
            return refused


def code(city: City, resident_id: int, tier: int, request_id: str) -> str:
    """Claim, and return "taken", "replayed" or the refusal's code."""
    found = outcome(city.app, resident_id, tier, request_id)
    if isinstance(found, HuiquanError):
        return found.code
    return "replayed" if found.replayed else "taken"
