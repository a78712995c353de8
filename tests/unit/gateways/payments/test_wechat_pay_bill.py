"""WeChat Pay's trade bill: taken whole, to the fen, or refused with every fault and its line."""

from collections.abc import Callable

import pytest

from backend.gateways.payments.wechat_pay_bill import BillFaulty, parse_trade_bill

HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


def row(number: int, yuan: str = "80.00", fee: str = "0.48000", name: str = "消费券收款") -> str:
    return (
        f"`2026-01-01 08:00:04,`wx8888888888888888,`1900000001,`0,`,`42000{number:023d},"
        f"`TJ20260101{number:06d},`openid,`JSAPI,`SUCCESS,`OTHERS,`CNY,`{yuan},`0.00,`0,`0,`0.00,"
        f"`0.00,`,`,`{name},`,`{fee},`0.60%,`{yuan},`0.00,`"
    )


def sums(count: int, yuan: str, fee: str) -> str:
    return f"`{count},`{yuan},`0.00,`0.00,`{fee},`{yuan},`0.00"


def good() -> list[str]:
    return [HEADER, row(1), row(2, "25.50", "0.15300"), SUMS, sums(2, "105.50", "0.63300")]


def content(lines: list[str]) -> bytes:
    return ("\ufeff" + "".join(f"{line}\r\n" for line in lines)).encode()


def faults(lines: list[str]) -> list[tuple[int, str]]:
    with pytest.raises(BillFaulty) as caught:
        parse_trade_bill(content(lines))
    return list(caught.value.faults)


def test_amounts_are_whole_fen_and_fees_whole_thousandths_of_a_fen() -> None:
    bill = parse_trade_bill(content(good()))
    assert [(r.line, r.order_fen, r.fee_milli_fen) for r in bill.rows] == [
        (2, 8000, 48_000),
        (3, 2550, 15_300),
    ]
    assert bill.sums["order_fen"] == 10_550
    assert bill.rows[0].at.isoformat() == "2026-01-01T08:00:04+08:00"
    assert bill.rows[0].refund_id is None


def test_a_comma_or_an_odd_line_end_in_a_name_harms_nothing() -> None:
    lines = [HEADER, row(1, name="大米,5斤\u2028新米"), SUMS, sums(1, "80.00", "0.48000")]
    assert parse_trade_bill(content(lines)).rows[0].order_fen == 8000


def test_columns_are_found_by_name_wherever_they_stand() -> None:
    lines = good()
    lines[0] += ",新字段"
    lines[1] += ",`x"
    lines[2] += ",`"
    assert len(parse_trade_bill(content(lines)).rows) == 2
    moved = [",".join(reversed(line.split(","))) for line in good()[:3]]
    assert len(parse_trade_bill(content([*moved, *good()[3:]])).rows) == 2


def test_an_empty_line_at_the_end_and_no_mark_at_the_beginning_are_fine() -> None:
    assert len(parse_trade_bill(content([*good(), ""])[3:]).rows) == 2


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (lambda s: s.replace("42000", "4.2E+", 1), 3, "微信订单号"),
        (lambda s: s.replace("`TJ20260101000002", "`8.98E+14"), 3, "商户订单号"),
        (lambda s: s.replace("25.50", "25.5", 1), 3, "应结订单金额"),
        (lambda s: s.replace("25.50", "２５.50", 1), 3, "应结订单金额"),
        (lambda s: s.replace("CNY", "USD"), 3, "货币种类"),
        (lambda s: s.replace("SUCCESS", "", 1), 3, "交易状态"),
        (lambda s: s.replace("2026-01-01 ", "2026/1/1 "), 3, "交易时间"),
        (lambda s: s.replace("`", ""), 3, "没有反引号"),
        (lambda s: s[:60], 3, "表头有 27 列"),
        (lambda s: row(1, "25.50", "0.15300"), 3, "与第 2 行是同一笔交易"),
    ],
)
def test_a_damaged_value_is_named_with_its_line(
    change: Callable[[str], str], line: int, words: str
) -> None:
    lines = good()
    lines[2] = change(lines[2])
    assert any(at == line and words in what for at, what in faults(lines))


def test_all_faults_are_named_at_once() -> None:
    lines = good()
    lines[1] = lines[1].replace("CNY", "USD")
    lines[2] = lines[2].replace("0.15300", "x")
    lines[4] = sums(3, "105.51", "0.63300")
    assert sorted({line for line, _ in faults(lines)}) == [2, 3, 5]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (sums(3, "105.50", "0.63300"), "总交易单数"),
        (sums(2, "105.51", "0.63300"), "订单总金额"),
        (sums(2, "105.50", "0.63299"), "手续费总金额"),
        ("`2", "有 1 个值，表头有 7 列"),
    ],
)
def test_sums_that_differ_from_the_rows_refuse_the_file(changed: str, words: str) -> None:
    assert any(words in what for line, what in faults([*good()[:4], changed]) if line == 5)


def test_a_file_that_is_cut_off_is_refused_wherever_it_is_cut() -> None:
    whole = content(good()).removesuffix(b"\r\n")
    for end in range(len(whole)):
        with pytest.raises(BillFaulty):
            parse_trade_bill(whole[:end])


def test_a_missing_or_doubled_column_and_other_encodings_are_named() -> None:
    lines = good()
    lines[0] = lines[0].replace(",商户订单号", ",商户单号")
    assert (1, "须恰有一列“商户订单号”，现有 0 列") in faults(lines)
    lines[0] = HEADER.replace("设备号", "商户号")
    assert (1, "须恰有一列“商户号”，现有 2 列") in faults(lines)
    with pytest.raises(BillFaulty, match="line 1: 不是 UTF-8 编码"):
        parse_trade_bill("\r\n".join(good()).encode("gbk"))
    for nothing in (b"", b"\n\n"):
        with pytest.raises(BillFaulty, match="line 1: 文件不完整"):
            parse_trade_bill(nothing)
