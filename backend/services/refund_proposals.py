"""Refunds by staff in a merchant's place (代办退款): one proposes, another makes them.

At the shop's or the bank's own till a refund stays one person's act; here nobody saw the goods.
"""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.refunds import RefundNumberReused, RefundProposalEnded
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.services import audit, refunds
from backend.services.refunds import Goods, Shown
from backend.storage.models.refunds import RefundProposal
from backend.storage.sql import transaction


def propose(*, order_id: str, goods: Goods, actor: str) -> RefundProposal:
    """Propose a refund; nothing moves until another person makes it. The same again is the same.

    Raises what the refund itself would be refused with now, and RefundNumberReused.
    """
    try:
        return _propose(order_id, goods, actor)
    except IntegrityError:  # the same number at once: the other one is written
        return _propose(order_id, goods, actor)


def make(number: str, *, actor: str) -> Shown:
    """Make a proposed refund, as another person than who proposed it; again is the same refund.

    The rules are looked at anew: what came back meanwhile counts. Raises SecondPersonNeeded,
    RefundProposalEnded for one that was withdrawn, and what `services/refunds.py` refuses.
    """
    with transaction() as session:
        proposal = _locked(session, number)
        if proposal.state == "withdrawn":
            raise RefundProposalEnded(f"{number} was withdrawn")
        refuse_own_work(made_by=proposal.proposed_by, checked_by=actor)
        goods = Goods(
            number=number,
            refund_amount_fen=proposal.refund_amount_fen,
            reason=proposal.reason,
        )
        refund = refunds.accept_by_staff(
            session, order_id=proposal.order_id, goods=goods, actor=actor
        )
        if proposal.state == "proposed":
            _decide(proposal, "made", actor)
    return refunds.on_its_way(refund)


def withdraw(number: str, *, reason: str, actor: str) -> None:
    """End a proposal that nobody is to make, by whoever sees that; RefundProposalEnded if late."""
    with transaction() as session:
        proposal = _locked(session, number)
        if proposal.state != "proposed":
            raise RefundProposalEnded(f"{number} is {proposal.state}")
        _decide(proposal, "withdrawn", actor)
        audit.record(session, actor=actor, action="refund.withdraw", subject=number, reason=reason)


def list_waiting() -> list[RefundProposal]:
    """Return the proposals that wait for a second person, the oldest first."""
    return list(
        db.session.scalars(
            select(RefundProposal)
            .where(RefundProposal.state == "proposed")
            .order_by(RefundProposal.proposed_at, RefundProposal.number)
        )
    )


def _propose(order_id: str, goods: Goods, actor: str) -> RefundProposal:
    said = (order_id, goods.refund_amount_fen, goods.reason, actor)
    with transaction() as session:
        if known := session.get(RefundProposal, goods.number):
            before = (known.order_id, known.refund_amount_fen, known.reason, known.proposed_by)
            if before != said:
                raise RefundNumberReused(f"number {goods.number} is proposed")
            return known
        if refunds.get_by_staff(session, goods.number):
            raise RefundNumberReused(f"number {goods.number} is a refund")
        refunds.refuse_impossible(session, order_id=order_id, goods=goods)
        proposal = RefundProposal(
            number=goods.number,
            order_id=order_id,
            refund_amount_fen=goods.refund_amount_fen,
            reason=goods.reason,
            proposed_by=actor,
            proposed_at=clock.now(),
        )
        session.add(proposal)
        session.flush()
        audit.record(
            session,
            actor=actor,
            action="refund.propose",
            subject=goods.number,
            reason=goods.reason,
            order_id=order_id,
            amount_fen=goods.refund_amount_fen,
        )
    return proposal


def _locked(session: Session, number: str) -> RefundProposal:
    proposal = session.get(RefundProposal, number, with_for_update=True)
    if proposal is None:
        raise NotFound(f"refund proposal {number[:64]!r}")
    return proposal


def _decide(proposal: RefundProposal, state: str, actor: str) -> None:
    proposal.state, proposal.decided_by, proposal.decided_at = state, actor, clock.now()


def get(number: str) -> RefundProposal:
    """Return one by its number, or raise NotFound."""
    found = db.session.get(RefundProposal, number)
    if found is None:
        raise NotFound(f"refund proposal {number[:40]!r}")
    return found
