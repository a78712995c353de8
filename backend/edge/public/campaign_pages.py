"""A campaign's own page, which posters lead to; the calendar of all rounds, for people and phones.

What opens when is told from the campaigns' rows, as everything that the public is told of them
(plan, parts two and five: 各档期活动).
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response, current_app, render_template, url_for
from icalendar import Alarm, Calendar, Event, vText
from pydantic import BaseModel, Field

from backend import clock
from backend.domain.china import CHINA
from backend.domain.errors import NotFound
from backend.edge.public import campaign_facts, campaign_rules, pages
from backend.edge.public.campaign_facts import CampaignFacts
from backend.services import campaigns, merchants, programmes
from backend.settings import Settings

blueprint = APIBlueprint("campaign_pages", __name__, tag="公开 public")
blueprint.after_request(pages.dress)

REMINDER = timedelta(minutes=10)  # before an opening
FILE_KEPT_S = 300  # a calendar file may be as old as this


class MonthWanted(BaseModel):
    """哪个月，如 2023-05；不写为本月。"""

    month: Annotated[str | None, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")] = None


@dataclass(frozen=True)
class Day:
    """A day of the grid: what opens and what ends on it."""

    date: date
    in_month: bool
    is_today: bool
    opening: Sequence[CampaignFacts]
    ending: Sequence[CampaignFacts]


@blueprint.get("/c/<campaign_id:campaign_id>")
@blueprint.doc(responses=pages.document("一档活动及其规则", "text/html"))
def campaign_page(campaign_id: str) -> str:
    """一档活动的页面：海报上的码指向这里。规则由活动本身的设定逐句生成。"""
    found = campaign_facts.one_public(campaign_id, clock.now())
    row = next(row for row in campaigns.list_all() if row.id == campaign_id)
    place = merchants.get(row.merchant_id).name if row.merchant_id else None
    return render_template(
        "campaign.html",
        campaign=found,
        programme=programmes.current(),
        rules=campaign_rules.rules(row, place=place),
        summary=_summary(found),
    )


@blueprint.get("/c/<path:text>")
@blueprint.doc(hide=True)
def no_campaign(text: str) -> str:
    """Answer what is no campaign's id with a page, not with JSON."""
    raise NotFound(f"{len(text)} characters that are no campaign")


@blueprint.get("/calendar")
@blueprint.input(MonthWanted, location="query")
@blueprint.doc(responses=pages.document("活动日历", "text/html"))
def calendar_page(query_data: MonthWanted) -> str:
    """活动日历：一个月里哪天几点开始，哪天结束；以及全部活动。"""
    programme = programmes.current()
    if programme is None:
        return render_template("not_yet.html", what="活动日历")
    now = clock.now()
    found = campaign_facts.list_public(now)
    wanted = query_data.month
    month = date.fromisoformat(f"{wanted}-01") if wanted else now.date().replace(day=1)
    months = sorted({_first_day(at) for c in found for at in (c.opens_at, _last_moment(c))})
    weeks = _weeks(month, found, today=now.date())
    return render_template(
        "calendar.html",
        programme=programme,
        month=month,
        before=max((m for m in months if m < month), default=None),
        after=min((m for m in months if m > month), default=None),
        weeks=weeks,
        is_quiet=not any(d.in_month and (d.opening or d.ending) for week in weeks for d in week),
        campaigns=found,
    )


@blueprint.get("/calendar.ics")
@blueprint.doc(responses=pages.document("各场活动的开始时间，可加入手机日历", "text/calendar"))
def calendar_file() -> Response:
    """各场活动的开始时间，可加入手机日历，提前 10 分钟提醒。"""
    programme = programmes.current()
    if programme is None:
        raise NotFound("no programme is loaded")
    settings: Settings = current_app.extensions["settings"]
    file = Calendar()
    file.add("prodid", "-//Huiquan//calendar//ZH")
    file.add("version", "2.0")
    file.add("x-wr-calname", vText(programme.name))  # escaped, as no other X- property is
    for campaign in campaign_facts.list_public(clock.now()):
        event = Event()
        event.add("uid", f"{campaign.id}@{settings.public_base_url.partition('://')[2]}")
        event.add("dtstamp", programme.loaded_at.astimezone(UTC))
        event.add("dtstart", campaign.opens_at.astimezone(UTC))
        event.add("summary", f"{campaign.name} 开始")
        event.add("description", _summary(campaign))
        address = url_for(".campaign_page", campaign_id=campaign.id)
        event.add("url", settings.public_base_url + address)
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", f"{campaign.name} 即将开始")
        alarm.add("trigger", -REMINDER)
        event.add_component(alarm)
        file.add_component(event)
    response = Response(file.to_ical(), content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="huiquan.ics"'
    response.headers["Cache-Control"] = f"public, max-age={FILE_KEPT_S}"
    return response


def _weeks(month: date, found: Sequence[CampaignFacts], *, today: date) -> list[list[Day]]:
    """Return a month's weeks from Monday, whole: days of its neighbours fill the first and last."""
    return [
        [
            Day(
                date=day,
                in_month=day.month == month.month,
                is_today=day == today,
                opening=[c for c in found if c.opens_at.astimezone(CHINA).date() == day],
                ending=[c for c in found if _last_moment(c).date() == day],
            )
            for day in week
        ]
        for week in calendar.Calendar().monthdatescalendar(month.year, month.month)
    ]


def _last_moment(campaign: CampaignFacts) -> datetime:
    """Return the last moment that counts, in China: midnight belongs to the day before."""
    return campaign.ends_at.astimezone(CHINA) - timedelta(microseconds=1)


def _first_day(at: datetime) -> date:
    return at.astimezone(CHINA).date().replace(day=1)


def _summary(campaign: CampaignFacts) -> str:
    """Return a campaign in one sentence, for whoever is shown the link alone."""
    tiers = "、".join(tier.text for tier in campaign.tiers)
    return f"{campaign.opens_text} 开始，{tiers}，{campaign.domains_text}。先到先得，用完即止。"
