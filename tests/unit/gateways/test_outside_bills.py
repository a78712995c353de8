"""Providers' bills as outside records: whose, of which day, what a row is to us."""

import base64
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backend.domain.reconciliation import OutsideFileRefused
from backend.gateways import outside_bills

VECTORS = Path(__file__).parents[2] / "contracts" / "vectors"
ZM = json.loads((VECTORS / "unionpay_recon.json").read_text())["official_zm"]
ZM_CONTENT = base64.b64decode(ZM["base64"])
MERCHANT, ZM_DAY = "802310048993424", date(2015, 9, 5)
MCHID, DAY = "1900000109", date(2023, 4, 28)
COLUMNS = (
    *("交易时间", "公众账号ID", "商户号", "微信订单号", "商户订单号", "交易类型", "交易状态"),
    *("货币种类", "应结订单金额", "代金券金额", "微信退款单号", "商户退款单号", "退款金额"),
    *("充值券退款金额", "退款状态", "手续费", "订单金额", "申请退款金额"),
)
SUMS = (
    "总交易单数",
    "应结订单总金额",
    "退款总金额",
    "充值券退款总金额",
    "手续费总金额",
    "订单总金额",
    "申请退款总金额",
)


def row(number: str, state: str = "SUCCESS", refund: str = "0", **changed: str) -> list[str]:
    paid, back = ("70.00", "0.00") if state == "SUCCESS" else ("0.00", "70.00")
    cells = (
        *("2023-04-28 10:01:00", "wx1", MCHID, f"42000{number[-8:]}", number, "JSAPI", state),
        *("CNY", paid, "0.00", "0" if refund == "0" else "5030000001", refund, back),
        *("0.00", "", "0.00000", paid, back),
    )
    return list({**dict(zip(COLUMNS, cells, strict=True)), **changed}.values())


def bill(*rows: list[str]) -> bytes:
    totals = [str(len(rows))]
    for name in (
        "应结订单金额",
        "退款金额",
        "充值券退款金额",
        "手续费",
        "订单金额",
        "申请退款金额",
    ):
        at = COLUMNS.index(name)
        fen = sum(round(float(one[at]) * 100) for one in rows)
        totals.append(f"{fen // 100}.{fen % 100:02d}" + ("000" if name == "手续费" else ""))
    lines = [",".join(COLUMNS), *("`" + ",`".join(one) for one in rows)]
    lines += [",".join(SUMS), "`" + ",`".join(totals)]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def places(content: bytes, party: str = MCHID, day: date = DAY) -> list[tuple[int, str]]:
    with pytest.raises(OutsideFileRefused) as refused:
        list(outside_bills.of_trade_bill(content, party=party, day=day))
    faults: Any = refused.value.details["faults"]
    return [(fault["line"], fault["where"]) for fault in faults]


def test_a_trade_bill_tells_payments_refunds_and_reversals_by_our_numbers() -> None:
    content = bill(
        row("order10000001"),
        row("order10000001", "REFUND", "refund10000001"),
        row("order10000002", "REVOKED", "R0002"),
    )
    found = list(outside_bills.of_trade_bill(content, party=MCHID, day=DAY))
    assert [(r.line, r.type, r.our_number, r.amount_fen) for r in found] == [
        (2, "payment", "order10000001", 7_000),
        (3, "refund", "refund10000001", 7_000),
        (4, "reversal", "order10000002", 7_000),
    ]


def test_a_trade_bill_of_another_merchant_or_day_or_state_is_refused_by_its_lines() -> None:
    content = bill(row("order10000001"), row("order10000002", 交易时间="2023-04-29 00:00:00"))
    assert places(content) == [(3, "交易时间")]
    assert places(content, party="1900000110") == [(2, "商户号"), (3, "商户号"), (3, "交易时间")]
    assert places(bill(row("order10000001", 交易状态="CLOSED"))) == [(2, "交易状态")]
    assert places(bill(row("order10000001", "REFUND"))) == [(2, "商户退款单号")]


def test_a_damaged_trade_bill_is_refused_by_its_line() -> None:
    assert places(bill(row("order10000001", 微信订单号="4.2E+27"))) == [(2, "账单")]


def test_a_zm_file_is_read_to_the_fen_by_our_numbers() -> None:
    name = ZM["file_name"]
    found = list(outside_bills.of_zm(ZM_CONTENT, name=name, party=MERCHANT, day=ZM_DAY))
    assert sum(record.signed_fen for record in found) == ZM["expect_totals"]["txn_fen"]
    assert {record.type for record in found} == {"payment"}
    assert found[0].our_number == "10078087"


@pytest.mark.parametrize(
    ("party", "day", "content"),
    [
        ("802310048993425", ZM_DAY, ZM_CONTENT),
        (MERCHANT, date(2015, 9, 6), ZM_CONTENT),
        (MERCHANT, ZM_DAY, ZM_CONTENT[:-1]),
    ],
    ids=["other merchant", "other day", "cut off"],
)
def test_a_zm_file_that_is_not_ours_or_damaged_is_refused(
    party: str, day: date, content: bytes
) -> None:
    with pytest.raises(OutsideFileRefused):
        list(outside_bills.of_zm(content, name=ZM["file_name"], party=party, day=day))
