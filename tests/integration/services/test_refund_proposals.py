"""Refunds that staff make in a merchant's place: two people, one refund a proposal."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from backend.domain.errors import HuiquanError, NotFound
from backend.domain.refunds import RefundAboveOrder, RefundNumberReused, RefundProposalEnded
from backend.domain.second_person import SecondPersonNeeded
from backend.services import ledger, refund_proposals
from backend.storage.models.audit import AuditEntry
from backend.storage.models.refunds import Refund, RefundProposal
from backend.storage.sql import transaction
from tests.factories import City, rows
from tests.integration.services.refunding import ORDER_FEN, goods, redeemed_at_till, refund

NUMBER = "staff-0001"


def propose(order_id: str, amount_fen: int = 10_000, actor: str = "李科长") -> RefundProposal:
    return refund_proposals.propose(order_id=order_id, goods=goods(amount_fen, NUMBER), actor=actor)


def test_a_proposal_moves_nothing_until_another_person_makes_it(city: City) -> None:
    order_id, _ = redeemed_at_till(city)
    for _ in range(2):
        propose(order_id)
    assert [row.number for row in refund_proposals.list_waiting()] == [NUMBER]
    assert rows(Refund) == []
    with pytest.raises(SecondPersonNeeded):
        refund_proposals.make(NUMBER, actor=" 李科长")
    assert rows(Refund) == []
    made = [refund_proposals.make(NUMBER, actor="王主任").refund.id for _ in range(2)]
    assert made == [row.id for row in rows(Refund)] * 2
    assert refund_proposals.list_waiting() == []
    said = [(row.action, row.actor) for row in rows(AuditEntry) if "refund." in row.action]
    assert said == [("refund.propose", "李科长"), ("refund.make", "王主任")]
    assert ledger.check().differences == ()


def test_the_database_refuses_a_refund_that_one_person_proposed_and_made(city: City) -> None:
    propose(redeemed_at_till(city)[0])
    decided = {"state": "made", "decided_by": "李科长", "decided_at": RefundProposal.proposed_at}
    with pytest.raises(IntegrityError, match="two_people"), transaction() as session:
        session.execute(update(RefundProposal).values(**decided))


def test_a_number_is_one_proposal_and_one_refund(city: City) -> None:
    order_id, _ = redeemed_at_till(city)
    propose(order_id)
    for changed in ({"amount_fen": 9_999}, {"actor": "王主任"}):
        with pytest.raises(RefundNumberReused):
            propose(order_id, **changed)  # type: ignore[arg-type]  # one of the two
    with pytest.raises(NotFound):
        refund_proposals.make("staff-0009", actor="王主任")


def test_what_came_back_meanwhile_counts_when_the_refund_is_made(city: City) -> None:
    order_id, clerk = redeemed_at_till(city)
    with pytest.raises(RefundAboveOrder):
        propose(order_id, ORDER_FEN + 1)
    propose(order_id, ORDER_FEN)
    refund(order_id, clerk, 1)
    with pytest.raises(RefundAboveOrder):
        refund_proposals.make(NUMBER, actor="王主任")
    assert [row.state for row in rows(RefundProposal)] == ["proposed"]
    refund_proposals.withdraw(NUMBER, reason="顾客已在店内退货", actor="李科长")
    with pytest.raises(RefundProposalEnded):
        refund_proposals.make(NUMBER, actor="王主任")
    assert len(rows(Refund)) == 1


def test_made_and_withdrawn_at_once_ends_in_one_of_the_two(city: City) -> None:
    propose(redeemed_at_till(city)[0])

    def act(number: int) -> str:
        with city.app.app_context():
            try:
                if number % 2:
                    refund_proposals.withdraw(NUMBER, reason="误报", actor="王主任")
                    return "withdrawn"
                refund_proposals.make(NUMBER, actor="王主任")
                return "made"
            except HuiquanError as refused:
                return refused.code

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(act, range(8)))
    (proposal,) = rows(RefundProposal)
    assert len(rows(Refund)) == (proposal.state == "made")
    assert set(said) <= {proposal.state, "refund_proposal_ended"}
    assert ledger.check().differences == ()
