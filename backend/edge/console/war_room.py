"""The war room (开抢实况): an opening as it happens, and the switch that pauses it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify, render_template, request
from redis.exceptions import RedisError

from backend.domain.campaigns import MODES_WITH_QUOTA, STATE_NAMES
from backend.domain.china import CHINA
from backend.domain.permissions import Permission
from backend.edge.console import streams, words
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.charts import Chart
from backend.services import campaigns, live

blueprint = ConsoleBlueprint("war_room", __name__)
WATCHED = ("approved", "running", "paused")
PARTS = ("state", "figures", "tiers", "refusals", "seconds")


@blueprint.get("/war-room")
@permitted(Permission.WAR_ROOM_READ)
def page() -> str:
    """List the campaigns that can be watched, the next to open first."""
    found = [c for c in campaigns.list_all(WATCHED) if c.mode in MODES_WITH_QUOTA]
    return render_template("console/war_rooms.html", campaigns=found, states=STATE_NAMES)


@blueprint.get("/war-room/<campaign_id:campaign_id>")
@permitted(Permission.WAR_ROOM_READ)
def room(campaign_id: str) -> str:
    """Show one opening on a dark screen; its figures come by themselves afterwards."""
    return render_template("console/war_room.html", **_shown(campaign_id))


@blueprint.get("/war-room/<campaign_id:campaign_id>/live")
@permitted(Permission.WAR_ROOM_READ)
def stream(campaign_id: str) -> Response:
    """Send the figures once a second, to as many as there are places for."""
    _shown(campaign_id)  # refused before it begins
    return streams.answer(lambda: _payload(campaign_id))


@blueprint.get("/war-room/<campaign_id:campaign_id>/figures")
@permitted(Permission.WAR_ROOM_READ)
def figures(campaign_id: str) -> Response:
    """Send the figures once: for pages that found no place among the streams."""
    return jsonify(_payload(campaign_id))


@blueprint.post("/war-room/<campaign_id:campaign_id>/pause")
@permitted(Permission.WAR_ROOM_PAUSE)
def pause(campaign_id: str) -> Response:
    """Stop claims at once."""
    campaigns.pause(campaign_id, actor=current_staff().name, reason=request.form.get("reason", ""))
    return done("已暂停领取，已领的券照常可用", "war_room.room", campaign_id=campaign_id)


def _payload(campaign_id: str) -> dict[str, object]:
    """Return each part of the page as its markup, and the chart as its data."""
    shown = _shown(campaign_id)
    return {
        "parts": {
            part: render_template(f"console/_war_room_{part}.html", **shown) for part in PARTS
        },
        "chart": shown["chart"].data,
    }


def _shown(campaign_id: str) -> dict[str, Any]:
    """Return what the templates show; without an answer of Valkey no figures."""
    terms = campaigns.terms(campaign_id)
    try:
        found = live.of_campaign(campaign_id)
    except RedisError:
        found = None
    return {
        "terms": terms,
        "live": found,
        "state_name": STATE_NAMES[terms.state],
        "chart": _chart(found.by_second if found else ()),
        "refusal_names": words.REFUSALS,
    }


def _chart(seconds: Sequence[live.Second]) -> Chart:
    return Chart(
        title="最近 60 秒",
        kind="line",
        unit="次/秒",
        labels=[
            f"{datetime.fromtimestamp(second.at_s, UTC).astimezone(CHINA):%H:%M:%S}"
            for second in seconds
        ],
        series={
            "领取成功": [second.taken for second in seconds],
            "未成功": [second.refused for second in seconds],
        },
    )
