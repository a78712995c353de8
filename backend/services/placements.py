"""Placement checks (张贴检查): staff look whether a shop shows its placard and posters.

Source: plan, part eight (三): 参与活动商家在门店布放活动宣传海报、展架、电子屏.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals
from backend.domain.errors import HuiquanError
from backend.extensions import db
from backend.services import audit, merchant_files, merchants
from backend.services.listings import Listing
from backend.storage.models.onboarding import PlacementCheck
from backend.storage.queries import onboarding as queries
from backend.storage.sql import transaction

Material = Literal["placard", "poster", "roll_up", "screen"]
MATERIAL_NAMES = {"placard": "码牌", "poster": "海报", "roll_up": "展架", "screen": "电子屏"}
MAX_PLACE = 200  # characters


class PlacementInvalid(HuiquanError):
    code = "placement_invalid"
    message = "请写明检查位置（200 字以内），检查时间不能晚于现在"
    category = "invalid"


def record(
    *,
    check_id: str,
    merchant_id: str,
    material: Material,
    found: bool,
    place: str,
    actor: str,
    seen_at: datetime | None = None,
    photo: bytes | None = None,
) -> PlacementCheck:
    """Write down that a shop shows its material, or that it is missing; by default seen just now.

    The same number again is the same check; with other contents it is refused (RequestReused).
    """
    merchants.get(merchant_id)
    now, said = clock.now(), place.strip()
    if not 1 <= len(said) <= MAX_PLACE or (seen_at is not None and seen_at > now):
        raise PlacementInvalid(f"{merchant_id}: {len(said)} characters, {seen_at}")
    made = PlacementCheck(
        id=check_id,
        merchant_id=merchant_id,
        material=material,
        found=found,
        place=said,
        photo_digest=merchant_files.keep(photo),
        seen_at=seen_at or now,
        checked_by=actor,
        recorded_at=now,
    )
    try:
        with transaction() as session:
            if known := _known(session, made):
                return known
            session.add(made)
            session.flush()
            audit.record(
                session,
                actor=actor,
                action="placement.record",
                subject=merchant_id,
                check_id=check_id,
                material=material,
                found=found,
            )
    except IntegrityError:
        if known := _known(db.session(), made):  # the same check, sent twice at once
            return known
        raise
    return made


def list_checks(merchant_id: str | None = None) -> list[PlacementCheck]:
    """Return checks, the newest first; all, or one merchant's."""
    return queries.list_placements(db.session(), merchant_id)


def cleared(merchant_id: str) -> set[str]:
    """Return the numbers of a merchant's checks whose photos are no longer kept."""
    return queries.list_cleared(db.session(), merchant_id)


def find(
    *, merchant_id: str = "", material: str = "", found: bool | None = None
) -> Listing[PlacementCheck]:
    """Return checks, the newest first, all or those that a filter wants."""
    return Listing(queries.find_placements(merchant_id=merchant_id, material=material, found=found))


def _known(session: Session, made: PlacementCheck) -> PlacementCheck | None:
    known = session.get(PlacementCheck, made.id)
    if known is not None:
        for name in ("merchant_id", "material", "found", "place", "photo_digest", "checked_by"):
            if getattr(known, name) != getattr(made, name):
                raise refusals.RequestReused(f"placement check {made.id[:40]}")
    return known
