"""What a partner may say of a card, and that a card's number is never taken."""

import pytest

from backend.domain.cards import CardNumberRefused, check_binding, check_token
from backend.domain.errors import InvalidRequest

NUMBER = "6216261000000000018"


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        "6216 2610 0000 0000 018",
        "6216-2610-0000-0000-018",
        "６２１６２６１００００００００００１８",
        "6216261000000000019",  # its check digit is wrong: a card number mistyped
        "123456789012",
    ],
)
def test_what_may_be_a_cards_number_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(CardNumberRefused) as refused:
        check_token(text)
    assert text not in f"{refused.value!r} {refused.value.details}"


@pytest.mark.parametrize("text", ["tok-1", "12345678901", "12345678901234567890", "T" * 128])
def test_a_token_is_taken_as_it_came(text: str) -> None:
    assert check_token(text) == text


@pytest.mark.parametrize("text", ["", "T" * 129, "with space", "令牌"])
def test_a_token_that_no_partner_would_send_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        check_token(text)


@pytest.mark.parametrize(
    "wrong", [{"partner_id": ""}, {"last4": "00181"}, {"last4": "001"}, {"request_number": "r-1"}]
)
def test_a_notice_is_written_as_agreed(wrong: dict[str, str]) -> None:
    right = {"partner_id": "bank", "last4": "0018", "request_number": "notice-1"}
    check_binding(**right)
    with pytest.raises(InvalidRequest):
        check_binding(**{**right, **wrong})
