"""The home page (首页): what awaits whoever signs in, and the pages of their role."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import render_template, url_for

from backend.edge.console import access, complaint_queues, merchant_work, staff_checks
from backend.edge.console.access import SIGNED_IN, ConsoleBlueprint, permitted
from backend.services import campaign_approvals, exports, public_notices

blueprint = ConsoleBlueprint("home", __name__)


@dataclass(frozen=True)
class Awaiting:
    """Work that waits: its words, the page where it is done, how many there are for a person."""

    title: str
    endpoint: str
    count: Callable[[str], int]  # of a login name


# A page adds its own line: whoever may open the page sees it, unless nothing waits.
AWAITING = (
    Awaiting("导出文件可下载", "exports.page", exports.count_ready),
    Awaiting("活动待审批", "campaigns.waiting", campaign_approvals.count_waiting),
    Awaiting("商户等您办理", "merchant_work.page", merchant_work.count_own),
    Awaiting("公告待发布", "notices.waiting", public_notices.count_to_publish),
    *(Awaiting(q.title, f"complaints.{q.name}", q.count) for q in complaint_queues.QUEUES),
    Awaiting("账号申请待您复核", "staff_checks.page", staff_checks.count_for),
)


@blueprint.get("/")
@permitted(SIGNED_IN)
def page() -> str:
    """Show what waits."""
    name = access.current_staff().name
    waiting = [
        (entry.title, url_for(entry.endpoint), count)
        for entry in AWAITING
        if access.may_open(entry.endpoint) and (count := entry.count(name))
    ]
    return render_template("console/home.html", waiting=waiting)
