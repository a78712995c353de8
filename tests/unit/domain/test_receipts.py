"""Receipts: only what we signed is believed, in one spelling."""

import pytest

from backend.domain import receipts, tokens
from backend.domain.macs import mac
from backend.domain.receipts import Receipt, ReceiptRefused

KEY = bytes(range(32))
RECEIPT = Receipt(
    campaign_id="Q2-MAY",
    tier_position=3,
    serial=10_000_001,
    resident_id=123_456,
    claimed_at_ms=1_682_647_260_000,
    epoch=2,
)


def test_a_receipt_reads_as_it_was_signed_and_is_short() -> None:
    text = receipts.sign(RECEIPT, token_key=KEY)
    assert text.startswith("Q2-MAY.3.10000001.123456.1682647260000.2.")
    assert len(text) < 80
    assert receipts.read(text, token_key=KEY) == RECEIPT


def test_the_longest_receipt_fits_the_endpoints_bound() -> None:
    longest = Receipt(
        campaign_id="Q" * 32,
        tier_position=99,
        serial=999_999_999,
        resident_id=2**53,
        claimed_at_ms=10**15 - 1,
        epoch=100,
    )
    text = receipts.sign(longest, token_key=KEY)
    assert len(text) <= 128
    assert receipts.read(text, token_key=KEY) == longest


def test_changing_any_one_character_forges_the_receipt() -> None:
    text = receipts.sign(RECEIPT, token_key=KEY)
    for place, char in enumerate(text):
        for other in {"0", "1", "A", ".", "\u0661"} - {char}:
            with pytest.raises(ReceiptRefused):
                receipts.read(text[:place] + other + text[place + 1 :], token_key=KEY)


@pytest.mark.parametrize("text", ["", ".", "Q2-MAY.1.1.1.1.1.", "a" * 200, "Q2-MAY.01.1.1.1.1.x"])
def test_what_has_not_the_form_is_refused(text: str) -> None:
    with pytest.raises(ReceiptRefused):
        receipts.read(text, token_key=KEY)


def test_another_key_and_the_access_tokens_use_of_the_key_sign_other_texts() -> None:
    text = receipts.sign(RECEIPT, token_key=KEY)
    with pytest.raises(ReceiptRefused):
        receipts.read(text, token_key=bytes(32))
    told, _, signed = text.rpartition(".")
    assert mac(told, key=KEY, purpose=receipts.PURPOSE) == signed
    assert mac(told, key=KEY, purpose=tokens.PURPOSE) != signed


def test_every_field_is_signed() -> None:
    signed = receipts.sign(RECEIPT, token_key=KEY).rpartition(".")[2]
    for name in Receipt._fields:
        value = "Q3-MAY" if name == "campaign_id" else 77
        other = RECEIPT._replace(**{name: value})
        assert receipts.sign(other, token_key=KEY).rpartition(".")[2] != signed
