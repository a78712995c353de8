"""Approval of a campaign (送审、批准): one sends the draft, another approves or sends it back."""

from typing import Literal

from backend.domain.campaigns import STATE_NAMES, State
from backend.domain.errors import HuiquanError

Decision = Literal["approved", "sent_back"]
DECISION_NAMES: dict[Decision, str] = {"approved": "批准", "sent_back": "退回"}
SUBMITTED = "待审批"


class CampaignAlreadySubmitted(HuiquanError):
    code = "campaign_already_submitted"
    message = "活动已经送审，请等待审批人处理"
    category = "conflict"


class CampaignNotSubmitted(HuiquanError):
    code = "campaign_not_submitted"
    message = "活动还没有送审，请先由经办人送审"
    category = "conflict"


def stage_name(state: State, *, submitted: bool) -> str:
    """Return where a campaign stands in words: a draft that was sent waits for the second."""
    return SUBMITTED if state == "draft" and submitted else STATE_NAMES[state]
