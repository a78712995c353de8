"""What partners sign, to the byte, and what their names and addresses may be."""

import hashlib
import hmac

import pytest

from backend.domain import partners as rules
from backend.domain.partners import PartnerAddressRefused, PartnerInvalid, PartnerTimeWrong

SECRET = "0123456789abcdef" * 4


def test_a_call_is_signed_over_five_lines_and_an_answer_over_five_others() -> None:
    text = rules.request_text(
        method="GET", target="/a?b=1", timestamp="1682647260", nonce="n" * 16, body=b""
    )
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert text == f"GET\n/a?b=1\n1682647260\n{'n' * 16}\n{empty}".encode()
    text = rules.answer_text(status=200, timestamp="1682647260", nonce="n" * 16, body=b"")
    assert text == f"ANSWER\n200\n1682647260\n{'n' * 16}\n{empty}".encode()


def test_the_key_is_the_32_bytes_that_the_secret_spells() -> None:
    made = hmac.new(bytes.fromhex(SECRET), b"text", hashlib.sha256).hexdigest()
    assert rules.signature(SECRET, b"text") == made
    assert rules.is_signature(made, secret=SECRET, text=b"text")
    for wrong in (made[:-1], made + "0", made[::-1], ""):
        assert not rules.is_signature(wrong, secret=SECRET, text=b"text")


@pytest.mark.parametrize(("off_s", "believed"), [(-301, 0), (-300, 1), (300, 1), (301, 0)])
def test_five_minutes_are_believed_and_a_second_more_is_not(off_s: int, believed: int) -> None:
    if believed:
        rules.check_time(str(1_682_647_260 + off_s), now_s=1_682_647_260)
        return
    with pytest.raises(PartnerTimeWrong):
        rules.check_time(str(1_682_647_260 + off_s), now_s=1_682_647_260)


def test_an_address_is_allowed_by_its_network_and_an_empty_list_allows_nobody() -> None:
    allowed = ["203.0.113.0/28", "2001:db8::/32"]
    for inside in ("203.0.113.0", "203.0.113.15", "::ffff:203.0.113.1", "2001:db8::1"):
        rules.check_address(inside, allowed)
    for outside in ("203.0.113.16", "2001:db9::1", "", "unknown"):
        with pytest.raises(PartnerAddressRefused):
            rules.check_address(outside, allowed)
    with pytest.raises(PartnerAddressRefused):
        rules.check_address("203.0.113.0", [])


def test_a_network_has_one_spelling_and_no_stray_bits() -> None:
    assert rules.network(" 203.0.113.7 ") == "203.0.113.7/32"
    assert rules.network("2001:DB8::/32") == "2001:db8::/32"
    for wrong in ("203.0.113.7/28", "203.0.113.256", "example.com", ""):
        with pytest.raises(PartnerInvalid):
            rules.network(wrong)


def test_a_partner_is_named_as_its_daily_files_are() -> None:
    rules.check_partner(partner_id="BANK01", name="示例银行")
    for partner_id, name in (("bank01", "x"), ("B", "x"), ("BANK 1", "x"), ("BANK01", " ")):
        with pytest.raises(PartnerInvalid):
            rules.check_partner(partner_id=partner_id, name=name)
    rules.check_key_id("BANK01-1")
    with pytest.raises(PartnerInvalid):
        rules.check_key_id("a b c d")
