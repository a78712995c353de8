"""Other systems' payment codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant_qr.foreign import crc16, emv_fields, payment_system_of

VECTORS = json.loads(
    (Path(__file__).parents[2] / "contracts/vectors/barcodes.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", VECTORS["crc16"], ids=lambda case: case["text"])
def test_the_crc_is_the_published_one(case: dict[str, str]) -> None:
    assert crc16(case["text"].encode()) == case["expect"]


@pytest.mark.parametrize("case", VECTORS["emv"], ids=lambda case: case["id"])
def test_an_emv_code_is_read_only_with_its_crc(case: dict[str, Any]) -> None:
    fields = emv_fields(case["payload"])
    assert (fields is not None) == case["expect_crc_ok"]
    assert payment_system_of(case["payload"]) == ("emv" if case["expect_crc_ok"] else None)
    if fields is not None:
        assert fields == case["expect"]
        assert fields["63"] == case["expect_crc"]


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("wxp://f2f0abc", "wechat_pay"),
        ("weixin://wxpay/bizpayurl?pr=x", "wechat_pay"),
        ("HTTPS://QR.ALIPAY.COM/FKX0", "alipay"),
        ("https://qr.95516.com/00010000/6222", "unionpay"),
        ("https://qr.95516.com.evil.cn/", None),
        ("https://xfq.example.gov.cn/m/TJ000123", None),
        ("", None),
    ],
)
def test_each_systems_links_are_known_by_their_beginning(text: str, system: str | None) -> None:
    assert payment_system_of(text) == system


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    fields = emv_fields(text)
    assert fields is None or crc16(text[:-4].encode()) == fields["63"]
