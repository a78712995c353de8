"""Complaints as staff's lists and counts: what is due first stands first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, case, func, select

from backend import clock
from backend.domain import complaints as rules
from backend.domain.complaints import ComplaintState
from backend.extensions import db
from backend.services.listings import Listing
from backend.storage.models.complaints import Complaint

MAX_COUNT = 1_000  # more are not counted for a heading


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Which complaints are wanted; days of filing are China's, both included.

    :param overdue: only those without an answer whose last day is over
    """

    state: ComplaintState | None = None
    office: str = ""
    category: str = ""
    since: date | None = None
    through: date | None = None
    number: str = ""
    overdue: bool = False


def find(wanted: Sought) -> Listing[Complaint]:
    """Return complaints: those without an answer, the answered, the closed; each by last day."""
    equals = {
        Complaint.state: wanted.state,
        Complaint.office: wanted.office,
        Complaint.category: wanted.category,
        Complaint.number: rules.folded_number(wanted.number),
    }
    conditions = [column == value for column, value in equals.items() if value]
    if wanted.since:
        conditions.append(Complaint.filed_on >= wanted.since)
    if wanted.through:
        conditions.append(Complaint.filed_on <= wanted.through)
    if wanted.overdue:
        conditions.append(_is_overdue())
    rank = case(
        (Complaint.state.in_(rules.UNANSWERED), 0), (Complaint.state == "answered", 1), else_=2
    )
    found = select(Complaint).where(*conditions)
    return Listing(found.order_by(rank, Complaint.due_on, Complaint.number))


def count(wanted: Sought) -> int:
    """Return how many there are, at most MAX_COUNT."""
    return find(wanted).count(at_most=MAX_COUNT)


def counts() -> Mapping[str, tuple[int, int]]:
    """Return by office how many wait for an answer, and how many of these are overdue.

    What no office has yet is under the empty text.
    """
    found = db.session.execute(
        select(Complaint.office, func.count(), func.sum(case((_is_overdue(), 1), else_=0)))
        .where(Complaint.state.in_(rules.UNANSWERED))
        .group_by(Complaint.office)
    )
    known = {office or "": (waiting, overdue) for office, waiting, overdue in found}
    return {office: known.get(office, (0, 0)) for office in ("", *rules.OFFICES)}


def _is_overdue() -> ColumnElement[bool]:
    return and_(Complaint.state.in_(rules.UNANSWERED), Complaint.due_on < clock.today())
