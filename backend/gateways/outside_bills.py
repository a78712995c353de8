"""Providers' bills as outside records: WeChat Pay's trade bill and UnionPay's ZM file.

The parsers beside them judge the form; here is said what a row is to us.
"""

from collections.abc import Iterator
from datetime import date

from backend.domain.reconciliation import Fault, OutsideFileRefused, OutsideRecord, RecordType
from backend.gateways.payments.unionpay_bill import ZmRefused, ZmRow, parse_zm
from backend.gateways.payments.wechat_pay_bill import BillFaulty, BillRow, parse_trade_bill

_TRADE_TYPES: dict[str, RecordType] = {
    "SUCCESS": "payment",
    "REFUND": "refund",
    "REVOKED": "reversal",
}


def of_trade_bill(content: bytes, *, party: str, day: date) -> Iterator[OutsideRecord]:
    """Yield the records of WeChat Pay's trade bill of a day.

    :param party: our merchant number at WeChat Pay; a bill of another is refused
    :raises OutsideFileRefused: with every fault and its line
    """
    try:
        rows = parse_trade_bill(content).rows
    except BillFaulty as faulty:
        raise OutsideFileRefused(
            [Fault(line=line, where="账单", reason=what) for line, what in faulty.faults]
        ) from None
    faults = [fault for row in rows for fault in _trade_faults(row, party, day)]
    _refuse(faults)
    return (_of_trade(row) for row in rows)


def _trade_faults(row: BillRow, party: str, day: date) -> Iterator[Fault]:
    if row.mchid != party:
        yield Fault(line=row.line, where="商户号", reason=f"不是 {party} 的账单")
    if row.at.date() != day:
        yield Fault(line=row.line, where="交易时间", reason=f"不是 {day} 的账单")
    if row.state not in _TRADE_TYPES:
        yield Fault(line=row.line, where="交易状态", reason="不认识的交易状态")
    if row.state == "REFUND" and not row.out_refund_no:
        yield Fault(line=row.line, where="商户退款单号", reason="退款没有退款单号")


def _of_trade(row: BillRow) -> OutsideRecord:
    kind = _TRADE_TYPES[row.state]
    refund = kind == "refund"
    return OutsideRecord(
        line=row.line,
        type=kind,
        our_number=(row.out_refund_no or "") if refund else row.out_trade_no,
        outside_number=row.refund_id if refund else row.transaction_id,
        at=row.at,
        amount_fen=abs(row.asked_refund_fen if kind != "payment" else row.order_fen),
    )


def of_zm(content: bytes, *, name: str, party: str, day: date) -> Iterator[OutsideRecord]:
    """Yield the records of UnionPay's ZM file of a day.

    A transaction that is neither payment nor refund counts as a reversal when money went back,
    and as a payment otherwise: nothing is passed over, and people see it.

    :param party: our merchant number at UnionPay; a file of another is refused
    :raises OutsideFileRefused: with every fault and its line
    """
    try:
        file = parse_zm(name, content)
    except ZmRefused as refused:
        raise OutsideFileRefused(
            [Fault(line=f.line, where="对账文件", reason=f.message) for f in refused.faults]
        ) from None
    faults = []
    if file.merchant_number != party:
        faults.append(Fault(line=0, where="文件名", reason=f"不是 {party} 的文件"))
    if file.day != day:
        faults.append(Fault(line=0, where="文件名", reason=f"是 {file.day} 的文件，不是 {day} 的"))
    _refuse(faults)
    return (_of_zm(row) for row in file.rows)


def _of_zm(row: ZmRow) -> OutsideRecord:
    other: RecordType = "reversal" if row.settle_fen < 0 else "payment"
    return OutsideRecord(
        line=row.line,
        type=other if row.kind == "other" else row.kind,
        our_number=row.order_id,
        outside_number=row.reference,
        at=row.sent_at,
        amount_fen=row.amount_fen,
    )


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise OutsideFileRefused(faults)
