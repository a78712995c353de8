"""The programme (消费季): its budget, calendar, domains and faults; loading its file."""

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

from flask import Response, render_template, request, url_for
from pydantic import Field

from backend.domain.campaigns import STATE_NAMES
from backend.domain.china import CHINA
from backend.domain.permissions import Permission
from backend.edge.console import access
from backend.edge.console import programme_words as words
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done, form_again, see
from backend.edge.console.cells import Link, Money
from backend.edge.console.forms import Form, uploaded
from backend.edge.console.tables import Column, Filter, Table
from backend.edge.http import takes_files
from backend.edge.public.words import MODE_NAMES
from backend.services import (
    campaigns,
    programme_overview,
    programme_previews,
    programmes,
)
from backend.services.listings import Computed
from backend.services.programme_files import ProgrammeFileRefused
from backend.services.programme_overview import CampaignMoney

if TYPE_CHECKING:
    from backend.storage.models.campaigns import Campaign

blueprint = ConsoleBlueprint("programme", __name__)
SHOWN = 200  # faults or differences of a file: who mends those sends it again


class KeptFile(Form):
    """A file that was looked at, by its SHA-256."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


TABLE: Table[CampaignMoney] = Table(
    name="programme_budget",
    title="活动预算",
    permission=Permission.BUDGETS_READ,
    filter=Filter,
    find=lambda _: Computed(programme_overview.money()[1]),
    columns=(
        Column(
            "活动",
            lambda row: Link(row.campaign.name, "campaigns.one", {"campaign_id": row.campaign.id}),
            width=30,
        ),
        Column("方式", lambda row: MODE_NAMES[row.campaign.mode]),
        Column("季度", lambda row: row.campaign.quarter or "全年"),
        Column("状态", lambda row: STATE_NAMES[row.campaign.state]),  # type: ignore[index]  # a CHECK
        Column("计划（元）", lambda row: Money(row.planned_fen)),
        Column("已承诺未领（元）", lambda row: Money(row.committed_fen)),
        Column("已领未用（元）", lambda row: Money(row.locked_fen)),
        Column("已用（元）", lambda row: Money(row.spent_fen)),
        Column("剩余（元）", lambda row: Money(row.left_fen)),
    ),
)


@blueprint.get("/programme")
@permitted(Permission.PROGRAMMES_READ)
def page() -> Response | str:
    """Show the programme; its money to whoever may see budgets."""
    if "format" in request.args:
        access.refuse_unless(TABLE.permission)
    if programmes.current() is None:
        return render_template("console/programme_none.html")
    pots, rows = programme_overview.money() if access.may(TABLE.permission) else ([], [])
    return replace(TABLE, find=lambda _: Computed(rows)).answer(
        "console/programme.html",
        programme=programmes.current(),
        loaded=programme_overview.loaded(),
        pots=pots,
        months=_months(),
        domains=programme_overview.domains(),
        faults=programme_overview.faults(),
    )


@blueprint.get("/programme/file")
@permitted(Permission.PROGRAMMES_LOAD)
def new() -> str:
    """Offer to look at a file."""
    return render_template("console/programme_new.html", known=programmes.current())


@blueprint.post("/programme/file")
@takes_files(programme_previews.FORM_BYTES)
@permitted(Permission.PROGRAMMES_LOAD)
def look() -> Response:
    """Take a file to look at; nothing is loaded."""
    sent = uploaded()
    digest = programme_previews.keep(sent.stream)
    try:
        programme_previews.preview(digest)
    except ProgrammeFileRefused as error:
        faults: Any = error.details["faults"]
        return form_again(
            "console/programme_new.html",
            error,
            known=programmes.current(),
            file_name=sent.filename,
            faults=faults[:SHOWN],
            fault_count=len(faults),
        )
    return see(url_for("programme.preview", digest=digest))


@blueprint.get("/programme/file/<digest>")
@permitted(Permission.PROGRAMMES_LOAD)
def preview(digest: str) -> str:
    """Show what a file says, and how it differs from what is loaded."""
    found = programme_previews.preview(digest)
    said = found.programme
    return render_template(
        "console/programme_preview.html",
        preview=found,
        programme=said,
        figures=[
            ("总额（元）", Money(said.total_fen), None),
            ("资金（项）", len(said.funds), None),
            ("活动（场）", len(said.campaigns), None),
            ("商户（家）", len(said.merchants), None),
        ],
        modes=MODE_NAMES,
        differences=[
            (
                words.PART_NAMES[one.part],
                one.id,
                words.field(one),
                words.value(one, one.loaded),
                words.value(one, one.in_file),
            )
            for one in found.differences[:SHOWN]
        ],
        shown=SHOWN,
    )


@blueprint.post("/programme/load")
@permitted(Permission.PROGRAMMES_LOAD)
def load() -> Response:
    """Load a file that was looked at."""
    loaded = programme_previews.load(KeptFile.read().digest, actor=current_staff().name)
    sentence = (
        f"已载入：资金 {loaded.funds} 项，活动 {loaded.campaigns} 场，商户 {loaded.merchants} 家"
        if loaded.new
        else "这份方案此前已载入，未作改动"
    )
    return done(sentence, "programme.page")


def _months() -> "list[tuple[str, list[Campaign]]]":
    """Return the calendar: the campaigns by the month in which they open."""
    return [
        (month, list(found))
        for month, found in groupby(
            campaigns.list_all(), key=lambda c: f"{c.opens_at.astimezone(CHINA):%Y-%m}"
        )
    ]
