"""A published merchant's standing: suspended at once, resumed, disqualified for good.

Source: plan, part eight (四): 一旦发现有套现、作弊、虚假交易、洗钱等情况的，立即取消参与资格.
"""

from backend.domain.merchant_steps import Office, Step
from backend.services import disqualifications, merchant_files, merchant_steps
from backend.services.merchant_steps import Act
from backend.storage.sql import transaction


def suspend(
    merchant_id: str,
    *,
    actor: str,
    reason: str,
    evidence: bytes | None = None,
    office: Office = "bureau",
) -> None:
    """Refuse a published merchant's new orders from this moment; one person is enough.

    What was begun may be finished within its lock. The next publication leaves the merchant out.
    """
    _take(Step.SUSPENDED, merchant_id, actor, reason, evidence, office)


def resume(merchant_id: str, *, actor: str, reason: str, evidence: bytes | None = None) -> None:
    """Let a suspended merchant redeem again; another person than who suspended it."""
    _take(Step.RESUMED, merchant_id, actor, reason, evidence, "bureau")


def propose_disqualification(
    merchant_id: str,
    *,
    actor: str,
    reason: str,
    evidence: bytes | None = None,
    office: Office = "bureau",
) -> None:
    """Propose that a merchant loses its place for good; nothing changes until it is confirmed."""
    _take(Step.DISQUALIFICATION_PROPOSED, merchant_id, actor, reason, evidence, office)


def withdraw_disqualification(
    merchant_id: str, *, actor: str, reason: str, office: Office = "bureau"
) -> None:
    """Take such a proposal back."""
    _take(Step.DISQUALIFICATION_WITHDRAWN, merchant_id, actor, reason, None, office)


def confirm_disqualification(merchant_id: str, *, actor: str, reason: str) -> None:
    """Disqualify a merchant as the second person. There is no way back.

    From the commit on nothing is redeemed; what was redeemed and is not with the bank yet is held
    back from settlement. Then open orders end: who collects is asked first, vouchers go back, and
    what was paid after all goes back to the payer.
    """
    with transaction() as session:
        merchant = merchant_steps.locked(session, merchant_id)
        act = Act(step=Step.DISQUALIFIED, actor=actor, office="bureau", reason=reason)
        merchant_steps.take(session, merchant, act)
        disqualifications.hold_unpaid(session, merchant_id, reason=reason, actor=actor)
    disqualifications.release_due(merchant_id)


def _take(
    step: Step, merchant_id: str, actor: str, reason: str, evidence: bytes | None, office: Office
) -> None:
    act = Act(
        step=step,
        actor=actor,
        office=office,
        reason=reason,
        evidence_digest=merchant_files.keep(evidence),
    )
    with transaction() as session:
        merchant_steps.take(session, merchant_steps.locked(session, merchant_id), act)
