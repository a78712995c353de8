"""The parser of ZM files against UnionPay's own sample, whole and damaged."""

import base64
from datetime import date, datetime

import pytest

from backend.clock import CHINA
from backend.gateways.payments.unionpay_bill import (
    RECORD_BYTES,
    WIDTHS,
    ZmFile,
    ZmRefused,
    parse_zm,
)
from tests.contracts.wechat_parts import load

VECTORS = load("unionpay_recon.json")
SAMPLE = VECTORS["official_zm"]
NAME = SAMPLE["file_name"]
CONTENT = base64.b64decode(SAMPLE["base64"])
BEGINS = [sum(WIDTHS[:n]) + n for n in range(len(WIDTHS))]
POSITIONS = {name: n for n, name in enumerate(VECTORS["layout"]["names"])}


def changed(record: int, **fields: str) -> bytes:
    """The sample with fields of one record (counted from 1) replaced."""
    lines = CONTENT.split(b"\r\n")
    line = bytearray(lines[record - 1])
    for name, text in fields.items():
        begin, width = BEGINS[POSITIONS[name]], WIDTHS[POSITIONS[name]]
        encoded = text.encode("gbk")
        line[begin : begin + width] = encoded + b" " * (width - len(encoded))
    lines[record - 1] = bytes(line)
    return b"\r\n".join(lines)


def faults(content: bytes, name: str = NAME) -> list[tuple[int, str]]:
    with pytest.raises(ZmRefused) as refused:
        parse_zm(name, content)
    return [(fault.line, fault.message) for fault in refused.value.faults]


def sent_at(name: str, content: bytes) -> datetime:
    return parse_zm(name, content).rows[0].sent_at


def test_the_layout_is_unionpays() -> None:
    assert list(WIDTHS) == VECTORS["layout"]["lengths"]
    assert RECORD_BYTES == 607


def test_unionpays_sample_is_read_to_the_fen() -> None:
    sample: ZmFile = parse_zm(NAME, CONTENT)
    expected = SAMPLE["expect_totals"]
    assert (sample.day, sample.merchant_number) == (date(2015, 9, 5), "802310048993424")
    assert len(sample.rows) == expected["records"]
    assert sample.paid_fen == expected["txn_fen"]
    assert sample.fee_fen == expected["fee_fen"]
    assert sample.settle_fen == expected["settle_fen"]
    assert sample.refunded_fen == 0
    first, told = sample.rows[0], SAMPLE["expect_first"]
    assert first.trace_number == told["系统跟踪号"]
    assert first.order_id == told["商户订单号"]
    assert first.reference == told["查询流水号"]
    assert first.mcc == told["商户类别"]
    assert first.terminal_number == told["终端号"]
    assert (first.amount_fen, first.fee_fen, first.settle_fen) == (476_800, 2_861, 473_939)
    assert first.sent_at == datetime(2015, 9, 6, 11, 22, 3, tzinfo=CHINA)
    assert (first.line, first.kind, first.charge_reference) == (1, "payment", None)


def test_of_a_card_four_digits_are_kept() -> None:
    assert parse_zm(NAME, CONTENT).rows[0].card_last4 == "0048"
    assert "622609" not in repr(parse_zm(NAME, CONTENT))


def test_a_refund_is_counted_apart_and_leaves_the_merchant() -> None:
    content = changed(
        2,
        交易代码="S30",
        结算金额="D000000083800",
        商户手续费="C000000000503",
        原交易查询流水号="201509061122031906248",
    )
    found = parse_zm(NAME, content)
    refund = found.rows[1]
    assert refund.kind == "refund"
    assert refund.charge_reference == "201509061122031906248"
    assert (refund.fee_fen, refund.settle_fen) == (-503, -83_800)
    assert found.refunded_fen == 83_800
    assert found.paid_fen == 1_322_700 - 83_800


def test_a_shops_chinese_name_is_counted_in_bytes_and_moves_nothing() -> None:
    found = parse_zm(NAME, changed(1, 二级商户简称="同江市示范超市", 优惠金额=" 000000000100"))
    assert found.rows[0].terminal_number == "01080209"
    assert found.rows[0].discount_fen == 100


def test_the_year_is_the_one_nearest_to_the_files_day() -> None:
    new_year = "INN24010188ZM_802310048993424"
    assert sent_at(new_year, changed(1, 交易传输时间="1231235959")).year == 2023
    assert (
        sent_at("INN23123188ZM_802310048993424", changed(1, 交易传输时间="0101000001")).year == 2024
    )
    assert sent_at("INN24030188ZM_802310048993424", changed(1, 交易传输时间="0229120000")).day == 29


def test_an_empty_file_is_a_day_without_payments() -> None:
    assert parse_zm(NAME, b"").rows == ()


@pytest.mark.parametrize(
    "name",
    ["", "x.txt", "INN15093188ZM_802310048993424", "INN15090588ZM_80231004899342", f"{NAME}.txt"],
)
def test_a_name_that_tells_no_day_or_merchant_is_refused(name: str) -> None:
    assert [line for line, _ in faults(CONTENT, name)] == [0]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"交易代码": "56"}, "交易代码"),
        ({"交易金额": "0000004768.0"}, "交易金额"),
        ({"交易金额": ""}, "交易金额"),
        ({"商户手续费": "X000000002861"}, "商户手续费"),
        ({"结算金额": "000000473939"}, "结算金额"),
        ({"查询流水号": "2.01509E+20"}, "查询流水号"),
        ({"商户订单号": ""}, "商户订单号"),
        ({"交易传输时间": "0230112203"}, "交易传输时间"),
        ({"交易传输时间": "0906256003"}, "交易传输时间"),
        ({"商户代码": "802310048993425"}, "商户代码"),
        ({"优惠金额": "1.00"}, "优惠金额"),
        ({"帐号": "6226 0900 0048"}, "帐号"),
    ],
)
def test_a_field_that_is_none_is_named_with_its_line(fields: dict[str, str], named: str) -> None:
    ((line, message),) = faults(changed(3, **fields))
    assert line == 3
    assert named in message


def test_all_faults_come_together_and_nothing_is_taken() -> None:
    lines = changed(2, 交易金额="x").split(b"\r\n")
    lines[4] = lines[4][:-1]
    lines[5] = lines[5].replace(b" ", b"0", 1)
    lines[6] = lines[7]
    assert [line for line, _ in faults(b"\r\n".join(lines))] == [2, 5, 6, 8]


def test_a_record_cut_off_or_with_other_line_ends_is_refused() -> None:
    assert [line for line, _ in faults(CONTENT[:-2])] == [8]
    assert [line for line, _ in faults(CONTENT[:-100])] == [8]
    assert [line for line, _ in faults(CONTENT.replace(b"\r\n", b"\n"))] == [1]
    # A space more in a Chinese name: every field behind it would be read one byte off.
    shifted = CONTENT.split(b"\r\n")
    shifted[0] = shifted[0][:100] + b"0" + shifted[0][100:-1]
    assert [line for line, _ in faults(b"\r\n".join(shifted))] == [1]


def test_what_is_not_gbk_is_refused() -> None:
    begin = BEGINS[POSITIONS["二级商户简称"]]
    content = CONTENT[:begin] + b"\xff\xff" + CONTENT[begin + 2 :]
    assert faults(content) == [(1, "不是 GBK 编码")]
