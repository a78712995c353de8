"""The stand-in's trade bill of a day: as WeChat Pay writes it, from the stand-in's own orders."""

import gzip
from collections.abc import Iterable
from datetime import date

from backend import clock
from backend.gateways.standins.wechat_pay_state import PayState, Transaction

FEE_PER_FEN = 6  # 0.60 %, in thousandths of a fen
_HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
_SUMS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


def bill_of(state: PayState, day: date) -> bytes | None:
    """Return the bill's bytes, unpacked; None for a day on which nobody paid and nothing went back.

    Hold the state's lock.
    """
    rows: list[list[str]] = []
    order_fen = refund_fen = 0
    for order in state.orders.values():
        if order.paid_at_s is not None and clock.from_s(order.paid_at_s).date() == day:
            rows.append(_row(state, order, at_s=order.paid_at_s))
            order_fen += order.total_fen
        for refund in order.refunds:
            if clock.from_s(refund.created_at_s).date() == day:
                told = (refund.refund_id, refund.out_refund_no, refund.amount_fen, refund.status)
                rows.append(_row(state, order, at_s=refund.created_at_s, refund=told))
                refund_fen += refund.amount_fen
    if not rows:
        return None
    fee = _yuan5((order_fen - refund_fen) * FEE_PER_FEN)
    sums = [str(len(rows)), _yuan(order_fen), _yuan(refund_fen), _yuan(0), fee]
    sums += [_yuan(order_fen), _yuan(refund_fen)]
    lines = [_HEADER, *map(_values, sorted(rows)), _SUMS, _values(sums)]
    return ("\ufeff" + "".join(f"{line}\r\n" for line in lines)).encode()


def packed(content: bytes) -> bytes:
    """Return the file as it is downloaded."""
    return gzip.compress(content, mtime=0)


def _row(
    state: PayState,
    order: Transaction,
    *,
    at_s: int,
    refund: tuple[str, str, int, str] | None = None,
) -> list[str]:
    refund_id, out_refund_no, refund_fen, refund_status = refund or ("0", "0", 0, "")
    paid_fen = 0 if refund else order.total_fen
    return [
        f"{clock.from_s(at_s):%Y-%m-%d %H:%M:%S}",
        *(state.appid, state.mchid, "0", ""),
        *(str(order.transaction_id), order.out_trade_no, str(order.openid), order.kind),
        *("REFUND" if refund else "SUCCESS", "OTHERS", "CNY", _yuan(paid_fen), _yuan(0)),
        *(refund_id, out_refund_no, _yuan(refund_fen), _yuan(0)),
        *("ORIGINAL" if refund else "", refund_status, str(order.content["description"]), ""),
        *(_yuan5((paid_fen - refund_fen) * FEE_PER_FEN), "0.60%"),
        *(_yuan(paid_fen), _yuan(refund_fen), ""),
    ]


def _values(values: Iterable[str]) -> str:
    return ",".join(f"`{value}" for value in values)


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _yuan5(milli_fen: int) -> str:
    sign = "-" if milli_fen < 0 else ""
    return f"{sign}{abs(milli_fen) // 100_000}.{abs(milli_fen) % 100_000:05d}"
