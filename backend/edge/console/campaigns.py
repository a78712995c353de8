"""Campaigns (活动): the list, one with its preflight, and the acts of its life."""

from typing import TYPE_CHECKING, Annotated

from flask import Response, render_template, request, url_for
from pydantic import Field

from backend.domain.campaign_approvals import DECISION_NAMES, SUBMITTED
from backend.domain.campaigns import STATE_NAMES
from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done, see
from backend.edge.console.cells import Badge, Link, Money, Tone
from backend.edge.console.tables import Column, Filter, Table
from backend.edge.public.words import MODE_NAMES
from backend.services import campaign_approvals, campaigns, preflights

if TYPE_CHECKING:
    from backend.services.campaign_approvals import Staged
    from backend.services.listings import Listing

blueprint = ConsoleBlueprint("campaigns", __name__)
TONES: dict[str, Tone] = {"running": "good", "approved": "busy", "paused": "bad"}


class CampaignFilter(Filter):
    """Which campaigns are wanted."""

    stage: Annotated[str, Field(title="状态", max_length=16)] = ""
    mode: Annotated[str, Field(title="方式", max_length=16)] = ""
    name: Annotated[str, Field(title="名称", max_length=64)] = ""


def _find(wanted: CampaignFilter) -> "Listing[Staged]":
    return campaign_approvals.listing(
        stage=wanted.stage,
        mode=wanted.mode,
        name=wanted.name,
        latest_first=wanted.sort == "-opens_at",
    )


def _stage(row: "Staged") -> Badge:
    tone = "busy" if row.submitted else TONES.get(row.campaign.state, "plain")
    return Badge(row.stage_name, tone)


TABLE: "Table[Staged]" = Table(
    name="campaigns",
    title="活动",
    permission=Permission.CAMPAIGNS_READ,
    filter=CampaignFilter,
    find=_find,
    columns=(
        Column(
            "名称",
            lambda row: Link(row.campaign.name, "campaigns.one", {"campaign_id": row.campaign.id}),
            width=30,
        ),
        Column("编号", lambda row: row.campaign.id),
        Column("状态", _stage),
        Column("方式", lambda row: MODE_NAMES[row.campaign.mode]),
        Column("开抢", lambda row: row.campaign.opens_at, sort="opens_at"),
        Column("结束", lambda row: row.campaign.ends_at),
        Column("季度", lambda row: row.campaign.quarter),
        Column("总额（元）", lambda row: Money(row.campaign.amount_fen)),
    ),
    choices={
        "stage": lambda: [*STATE_NAMES.items(), ("submitted", SUBMITTED)],
        "mode": lambda: list(MODE_NAMES.items()),
    },
)


@blueprint.get("/campaigns")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List all campaigns in the order of their opening."""
    return TABLE.answer("console/campaigns.html")


@blueprint.get("/campaigns/waiting")
@permitted(Permission.CAMPAIGNS_APPROVE)
def waiting() -> Response:
    """Lead who decides to the list of what waits."""
    return see(url_for("campaigns.page", stage="submitted"))


@blueprint.get("/campaigns/<campaign_id:campaign_id>")
@permitted(Permission.CAMPAIGNS_READ)
def one(campaign_id: str) -> str:
    """Show a campaign, what is to be known before it is approved, and what may be done now."""
    found = campaign_approvals.one(campaign_id)
    campaign = found.campaign
    return render_template(
        "console/campaign.html",
        campaign=campaign,
        mode_name=MODE_NAMES[campaign.mode],
        stage=_stage(found),
        submitted=found.submitted,
        history=campaign_approvals.history(campaign_id),
        decision_names=DECISION_NAMES,
        findings=preflights.of_campaign(campaign_id) if campaign.state == "draft" else (),
    )


@blueprint.post("/campaigns/<campaign_id:campaign_id>/submit")
@permitted(Permission.CAMPAIGNS_PREPARE)
def submit(campaign_id: str) -> Response:
    """Send a draft for approval, with what its preflight warns of."""
    faults = [f"{f.title}：{f.detail}" for f in preflights.of_campaign(campaign_id) if f.is_fault]
    campaign_approvals.submit(campaign_id, actor=current_staff().name, faults=faults)
    return _done("已送审，请审批人处理", campaign_id)


@blueprint.post("/campaigns/<campaign_id:campaign_id>/approve")
@permitted(Permission.CAMPAIGNS_APPROVE)
def approve(campaign_id: str) -> Response:
    """Approve what another has sent: its money is committed, its terms are fixed."""
    campaign_approvals.approve(campaign_id, actor=current_staff().name)
    return _done("已批准，活动资金已承诺", campaign_id)


@blueprint.post("/campaigns/<campaign_id:campaign_id>/send-back")
@permitted(Permission.CAMPAIGNS_APPROVE)
def send_back(campaign_id: str) -> Response:
    """Leave what another has sent a draft, and say why."""
    campaign_approvals.send_back(campaign_id, reason=_reason(), actor=current_staff().name)
    return _done("已退回经办人", campaign_id)


@blueprint.post("/campaigns/<campaign_id:campaign_id>/run")
@permitted(Permission.CAMPAIGNS_RUN)
def run(campaign_id: str) -> Response:
    """Load the quota; residents can claim from the opening second."""
    campaigns.run(campaign_id, actor=current_staff().name)
    return _done("名额已装入，到开抢时间即可领取", campaign_id)


@blueprint.post("/campaigns/<campaign_id:campaign_id>/pause")
@permitted(Permission.WAR_ROOM_PAUSE)
def pause(campaign_id: str) -> Response:
    """Stop claims at once."""
    campaigns.pause(campaign_id, actor=current_staff().name, reason=_reason())
    return _done("已暂停领取，已领的券照常可用", campaign_id)


@blueprint.post("/campaigns/<campaign_id:campaign_id>/resume")
@permitted(Permission.CAMPAIGNS_RUN)
def resume(campaign_id: str) -> Response:
    """Let residents claim again."""
    campaigns.resume(campaign_id, actor=current_staff().name, reason=_reason())
    return _done("已恢复领取", campaign_id)


@blueprint.post("/campaigns/<campaign_id:campaign_id>/stop")
@permitted(Permission.CAMPAIGNS_RUN)
def stop(campaign_id: str) -> Response:
    """End claims for good."""
    campaigns.stop(campaign_id, actor=current_staff().name, reason=_reason())
    return _done("活动已终止，已领的券照常可用", campaign_id)


def _reason() -> str:
    return request.form.get("reason", "")


def _done(sentence: str, campaign_id: str) -> Response:
    return done(sentence, "campaigns.one", campaign_id=campaign_id)
