"""Which placards are printed in one go."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Select, and_, func, select

from backend.storage.models.merchants import Merchant, Placard
from backend.storage.models.programmes import Programme


def find(*, domain_id: str, area: str, merchant_ids: Sequence[str]) -> Select[Any]:
    """Return published merchants by number, with the serial of the newest placard if it counts.

    Rows are (id, name, programme_name, serial or None). Empty texts and lists wish nothing.
    """
    newest = (
        select(Placard.merchant_id, func.max(Placard.serial).label("serial"))
        .group_by(Placard.merchant_id)
        .subquery()
    )
    counts = and_(
        Placard.merchant_id == newest.c.merchant_id,
        Placard.serial == newest.c.serial,
        Placard.state == "active",
    )
    wanted = cast(
        "Select[Any]",  # of several columns; a Listing reads rows as they are
        select(
            Merchant.id,
            Merchant.name,
            Programme.name.label("programme_name"),
            Placard.serial,
        )
        .join(Programme, Programme.id == Merchant.programme_id)
        .outerjoin(newest, newest.c.merchant_id == Merchant.id)
        .outerjoin(Placard, counts)
        .where(Merchant.status == "published")
        .order_by(Merchant.id),
    )
    if domain_id:
        wanted = wanted.where(Merchant.domain_id == domain_id)
    if area:
        wanted = wanted.where(Merchant.area == area)
    return wanted.where(Merchant.id.in_(merchant_ids)) if merchant_ids else wanted
