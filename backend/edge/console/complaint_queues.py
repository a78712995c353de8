"""Which complaints wait for whom: what the home page counts, each a filter of the list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Response, url_for

from backend.domain.complaints import FIRST_OFFICE
from backend.domain.permissions import Permission
from backend.edge.console import complaints
from backend.edge.console.access import permitted
from backend.edge.console.answers import see
from backend.edge.console.complaints import ComplaintFilter
from backend.services.complaint_lists import MAX_COUNT


@dataclass(frozen=True)
class Queue:
    """Complaints that wait for who is signed in; `wish` is their filter as the address has it."""

    name: str
    title: str
    permission: Permission
    wish: Callable[[], Mapping[str, str]]

    def count(self, _: str) -> int:
        """Return how many wait."""
        return complaints.find(ComplaintFilter.read(self.wish())).count(at_most=MAX_COUNT)


def _office() -> str:
    return complaints.own_office() or ""


def _late() -> Mapping[str, str]:
    """The bureau sees to all offices' answers in time, each other office to its own."""
    office = _office()
    return {"overdue": "yes"} | ({} if office == FIRST_OFFICE else {"office": office})


QUEUES = (
    Queue("to_assign", "投诉待交办", Permission.COMPLAINTS_ASSIGN, lambda: {"state": "received"}),
    Queue(
        "to_answer",
        "投诉待本单位答复",
        Permission.COMPLAINTS_ANSWER,
        lambda: {"state": "assigned", "office": _office()},
    ),
    Queue("late", "投诉已超期", Permission.COMPLAINTS_ANSWER, _late),
    Queue("to_close", "投诉待办结", Permission.COMPLAINTS_CLOSE, lambda: {"state": "answered"}),
)


def _leading_to(queue: Queue) -> Callable[[], Response]:
    def view() -> Response:
        return see(url_for("complaints.page", **queue.wish()))  # type: ignore[arg-type]  # any is a value

    return permitted(queue.permission)(view)


for _queue in QUEUES:
    complaints.blueprint.add_url_rule(
        f"/complaints/{_queue.name.replace('_', '-')}", _queue.name, view_func=_leading_to(_queue)
    )
