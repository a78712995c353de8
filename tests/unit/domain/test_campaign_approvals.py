"""Where a campaign stands, in words."""

from backend.domain.campaign_approvals import stage_name


def test_only_a_draft_that_was_sent_waits() -> None:
    assert stage_name("draft", submitted=False) == "草稿"
    assert stage_name("draft", submitted=True) == "待审批"
    assert stage_name("approved", submitted=False) == "已批准"
