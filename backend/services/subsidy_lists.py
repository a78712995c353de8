"""Subsidies as staff look for them, and what one of them shares with others (疑似重复)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import func, select

from backend.domain.subsidies import Payment
from backend.extensions import db
from backend.services import subsidies
from backend.services.listings import Listing
from backend.services.personal_data import vault
from backend.storage.models.subsidies import Subsidy, SubsidyPayout
from backend.storage.queries import subsidy_lists as queries

Shared = Literal["invoice", "vin", "account", "file"]
_INVOICE, _VIN_END = re.compile("[0-9]{20}"), re.compile(".{4}")


@dataclass(frozen=True, kw_only=True)
class SubsidyLine:
    """An application in a list; `is_correcting` while another account waits for its review."""

    subsidy: Subsidy
    payment: Payment
    is_correcting: bool


@dataclass(frozen=True, kw_only=True)
class PayoutList:
    """A payout list, and how many of its lines wait for the bank's word, are paid, came back."""

    payout: SubsidyPayout
    sent: int
    paid: int
    returned: int


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Something that an application shares with another one, which a reviewer looks into."""

    shared: Shared
    other: Subsidy


def find(
    *,
    state: str = "",
    campaign_id: str = "",
    since: date | None = None,
    through: date | None = None,
    resident_id: int | None = None,
    paper: str = "",
) -> Listing[SubsidyLine]:
    """Return applications by the day they were drafted, both days included, the newest first.

    :param state: a state, or `payable`, `sent`, `paid`, `returned`, `correcting` of granted ones
    :param paper: an invoice's 20 digits, a vehicle's number, or that number's last four letters
    """
    statement = queries.find(
        state=state,
        campaign_id=campaign_id,
        since=since,
        through=through,
        resident_id=resident_id,
        **_column(paper.strip().upper()),
    )
    return Listing(
        statement,
        lambda row: SubsidyLine(
            subsidy=row[0], payment=row[1] or "none", is_correcting=bool(row[2])
        ),
    )


def payouts() -> Listing[PayoutList]:
    """Return payout lists, the newest first."""
    return Listing(
        queries.payouts(),
        lambda row: PayoutList(payout=row[0], sent=row[1], paid=row[2], returned=row[3]),
    )


def count_payable() -> int:
    """Return how many granted subsidies the next payout list would hold."""
    counted = select(func.count()).select_from(Subsidy).where(queries.payable())
    return db.session.scalar(counted) or 0


def doubts(subsidy: Subsidy) -> Sequence[Doubt]:
    """Return what an application shares with others that were handed in, whatever became of them.

    The same invoice or vehicle, another person's bank account, a file of the same bytes. None of it
    refuses anything: an invoice that was refused comes again rightly, a couple has one account.
    """
    return list(_doubts(subsidy))


def _doubts(subsidy: Subsidy) -> Iterator[Doubt]:
    session = db.session()
    for other, is_invoice, is_vin in queries.same_paper(session, subsidy):
        if is_invoice:
            yield Doubt(shared="invoice", other=other)
        if is_vin:
            yield Doubt(shared="vin", other=other)
    account = subsidies.details(subsidy).account.number
    for other in queries.same_account_end(session, subsidy):
        if subsidies.details(other).account.number == account:
            yield Doubt(shared="account", other=other)
    for other in queries.same_file(session, subsidy):
        yield Doubt(shared="file", other=other)


def _column(paper: str) -> dict[str, str]:
    """Return which column a paper's number is looked for in; what fits none finds nothing."""
    if not paper:
        return {}
    if _INVOICE.fullmatch(paper):
        return {"invoice_hash": vault().hash("invoice", paper)}
    if _VIN_END.fullmatch(paper):
        return {"vin_last4": paper}
    return {"vin_hash": vault().hash("vin", paper)}
