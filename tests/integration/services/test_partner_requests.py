"""One number, one answer. With discounts and deaths: test_partner_discounts.py."""

import pytest
from apiflask import APIFlask

from backend.domain.errors import NotFound, Unavailable
from backend.domain.partners import PartnerRequestInProgress
from backend.domain.refusals import NoEligibleVoucher, RequestReused
from backend.services import partner_requests
from backend.services.partner_requests import Numbered
from backend.storage.models.partners import PartnerRequest
from tests.bank_parts import enter
from tests.factories import MovableClock, rows

PHONE = "13800000001"


def asked(number: str = "number-01", act: str = "test", **body: object) -> Numbered:
    return Numbered(partner_id="BANK01", number=number, act=act, body=body or {"phone": PHONE})


@pytest.fixture(autouse=True)
def bank(app: APIFlask) -> None:
    enter()


def test_an_act_is_carried_out_once_and_a_fault_says_nothing() -> None:
    done: list[int] = []

    def act() -> dict[str, object]:
        done.append(1)
        if len(done) == 1:
            raise Unavailable
        if len(done) == 2:
            raise RuntimeError("a fault of ours")
        return {"done": len(done), "text": "好"}

    with pytest.raises(Unavailable):
        partner_requests.answer(asked(), act)
    with pytest.raises(RuntimeError):
        partner_requests.answer(asked(), act)
    for _ in range(3):
        assert partner_requests.answer(asked(), act) == {"done": 3, "text": "好"}
    assert len(done) == 3


def test_a_refusal_is_told_again_as_it_was(moment: MovableClock) -> None:
    def act() -> dict[str, object]:
        raise NoEligibleVoucher("once", details={"reasons": [{"code": "exhausted"}]})

    for _ in range(2):
        with pytest.raises(partner_requests.Refused) as refused:
            partner_requests.answer(asked(), act)
        told = refused.value
        assert (told.code, told.category) == ("no_eligible_voucher", "rule")
        assert told.message == NoEligibleVoucher.message
        assert told.details == {"reasons": [{"code": "exhausted"}]}
        act = dict  # not asked any more


def test_another_act_or_body_under_a_number_is_refused() -> None:
    partner_requests.answer(asked(), dict)
    for other in (asked(act="other"), asked(phone="13800000002")):
        with pytest.raises(RequestReused):
            partner_requests.answer(other, dict)


def test_what_was_asked_is_kept_as_a_keyed_digest() -> None:
    partner_requests.answer(asked(), dict)
    [row] = rows(PartnerRequest)
    assert PHONE not in " ".join(str(value) for value in vars(row).values())


def test_while_one_is_at_it_others_are_told_to_ask_again_until_its_lease_ends(
    moment: MovableClock,
) -> None:
    def slow() -> dict[str, object]:
        with pytest.raises(PartnerRequestInProgress):
            partner_requests.answer(asked(), lambda: pytest.fail("twice"))
        with pytest.raises(PartnerRequestInProgress):
            partner_requests.withdraw("BANK01", "number-01", act="test")
        moment.move(seconds=30)
        assert partner_requests.answer(asked(), lambda: {"by": "the second"})
        return {"by": "the first"}

    assert partner_requests.answer(asked(), slow) == {"by": "the second"}


def test_a_number_of_another_act_is_not_withdrawn() -> None:
    partner_requests.answer(asked(), dict)
    with pytest.raises(NotFound):
        partner_requests.withdraw("BANK01", "number-01", act="discount.confirm")
