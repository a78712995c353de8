"""Merchants as staff look for them: by what is known of them, and by what they wait for."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from backend.domain.merchant_steps import Step
from backend.extensions import db
from backend.services.listings import Listing
from backend.storage.models.merchants import Merchant
from backend.storage.models.programmes import Domain
from backend.storage.queries import merchant_work as queries

STEPS: Sequence[Step] = tuple(queries.DUE)  # that a merchant can wait for, in the chain's order


def find(
    *,
    status: str = "",
    domain_id: str = "",
    area: str = "",
    name: str = "",
    due: str = "",
    pledge: str = "",
) -> Listing[Merchant]:
    """Return merchants by number, all or those that a filter wants.

    `name` is a part of a name, a number or a code; `due` is one of STEPS; `pledge` is 'outdated'
    for those that are to sign again.
    """
    wanted = {"status": status, "domain_id": domain_id, "area": area, "name": name, "due": due}
    return Listing(queries.find(**wanted, pledge=pledge))


def counts(steps: Sequence[Step] = STEPS) -> Mapping[Step, int]:
    """Return how many merchants wait for each step."""
    session = db.session()
    return {step: queries.count_due(session, step) for step in steps}


def areas() -> Sequence[str]:
    """Return every area that a merchant lies in."""
    return queries.list_areas(db.session())


def domains() -> Sequence[tuple[str, str]]:
    """Return (number, name) of the programme's domains."""
    found = db.session.execute(select(Domain.id, Domain.name).order_by(Domain.id))
    return [(id_, name) for id_, name in found]
