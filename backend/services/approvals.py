"""What the offices say of a merchant that its bank has reported: confirmed, screened, listed.

Source: plan, part seven (经确认商户信息后报市商务和口岸局), part eight (二) (企业筛选工作).
"""

from typing import Literal

from backend.domain.merchant_steps import Confirming, Screening, Step
from backend.services import merchant_files, merchant_steps
from backend.services.merchant_steps import Act
from backend.storage.models.merchants import Merchant
from backend.storage.sql import transaction

Word = Literal["passed", "vetoed", "lifted"]


def confirm(merchant_id: str, *, office: Confirming, actor: str) -> Merchant:
    """Confirm what a bank has reported, as the superior bank or the bureau, in any order."""
    return _take(merchant_id, Act(step=Step(f"{office}_confirmed"), actor=actor, office=office))


def screen(
    merchant_id: str,
    word: Word,
    *,
    office: Screening,
    actor: str,
    reason: str | None = None,
    evidence: bytes | None = None,
) -> Merchant:
    """Let a merchant pass, veto it, or lift the office's own veto; the last two with a reason.

    A veto stops a merchant until it is published; once lifted, the office looks at it anew, and
    the bureau lists it again.
    """
    act = Act(
        step=Step(f"{office}_{word}"),
        actor=actor,
        office=office,
        reason=reason,
        evidence_digest=merchant_files.keep(evidence),
    )
    return _take(merchant_id, act)


def put_on_list(merchant_id: str, *, actor: str) -> Merchant:
    """Put a merchant on the bureau's next list for the partner, once all have said yes."""
    return _take(merchant_id, Act(step=Step.LISTED, actor=actor, office="bureau"))


def _take(merchant_id: str, act: Act) -> Merchant:
    with transaction() as session:
        merchant = merchant_steps.locked(session, merchant_id)
        merchant_steps.take(session, merchant, act)
    return merchant
