"""The home page, the campaigns as the public may know them, and the server's time."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response, render_template
from pydantic import AwareDatetime, BaseModel

from backend import clock
from backend.edge.public import campaign_facts, pages, words
from backend.edge.public.campaign_facts import CampaignFacts
from backend.services import merchant_lists, programmes, public_notices

blueprint = APIBlueprint("programme", __name__, tag="公开 public")
blueprint.after_request(pages.dress)
blueprint.app_context_processor(pages.variables)
blueprint.add_app_template_filter(words.moment)

# The order in which a visitor cares: what can be had now comes first.
PHASES: tuple[words.Phase, ...] = ("open", "upcoming", "paused", "ended")
YEAR_S = 365 * 24 * 3600
NOTICES_SHOWN = 3


class ServerTime(BaseModel):
    """服务器时间：now 为北京时间，now_ms 为 1970 年以来的毫秒数，两者为同一时刻。"""

    now: AwareDatetime
    now_ms: int


class Campaigns(ServerTime):
    """全部已批准的活动，按开始时间排列。"""

    campaigns: list[CampaignFacts]


class OneCampaign(ServerTime):
    """一档活动。"""

    campaign: CampaignFacts


@blueprint.get("/")
@blueprint.doc(responses=pages.document("首页", "text/html"))
def home() -> str:
    """首页：消费券是什么、有哪些活动、在哪里能用。"""
    programme = programmes.current()
    if programme is None:
        return render_template("not_yet.html", what="消费券活动")
    now = clock.now()
    found = campaign_facts.list_public(now)
    groups = [(name, [c for c in found if c.phase == name]) for name in PHASES]
    versions = merchant_lists.list_publications()
    return render_template(
        "home.html",
        programme=programme,
        total=words.large_sum(programme.total_fen),
        groups=[(words.PHASE_NAMES[name], members) for name, members in groups if members],
        notices=public_notices.list_public().page(1, NOTICES_SHOWN),
        list_number=versions[0].number if versions else None,
        now_text=words.moment(now),
    )


@blueprint.get("/accessibility")
@blueprint.doc(responses=pages.document("无障碍说明", "text/html"))
def accessibility() -> str:
    """无障碍说明：网页怎样方便所有人使用，用不了时找谁。"""
    return render_template("accessibility.html")


@blueprint.get("/api/v1/time")
@blueprint.output(ServerTime)
def server_time() -> dict[str, object]:
    """服务器时间，倒计时以此为准。"""
    return _time(clock.now())


@blueprint.get("/api/v1/campaigns")
@blueprint.output(Campaigns)
def list_campaigns() -> dict[str, object]:
    """全部活动及各档剩余份数。"""
    now = clock.now()
    found = campaign_facts.list_public(now)
    campaign_facts.fill_left(found)
    return _time(now) | {"campaigns": found}


@blueprint.get("/api/v1/campaigns/<campaign_id:campaign_id>")
@blueprint.output(OneCampaign)
def get_campaign(campaign_id: str) -> dict[str, object]:
    """一档活动及各档剩余份数。"""
    now = clock.now()
    return _time(now) | {"campaign": campaign_facts.one_public(campaign_id, now)}


@blueprint.get("/assets/<string(length=12):digest>/huiquan.css")
@blueprint.doc(hide=True)  # a part of the pages, not of the API
def stylesheet(digest: str) -> Response:
    """Return the stylesheet; an address from another release gets this one, not to be kept."""
    response = Response(pages.STYLESHEET, content_type="text/css; charset=utf-8")
    if digest == pages.STYLESHEET_DIGEST:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    return response


def _time(now: datetime) -> dict[str, object]:
    now_ms = clock.to_ms(now)
    return {"now": clock.from_ms(now_ms), "now_ms": now_ms}
