"""What the stand-in of UnionPay remembers, and its rules for transactions."""

import re
import threading
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Literal

from backend import clock
from backend.gateways.standins.control import StandinClock

CONSUME, REFUND, CANCEL, REVERSAL = "01", "04", "31", "99"
DONE = ("00", "A6")
_NEEDED = ("merId", "orderId", "txnTime")
_NEEDED_BY_KIND = {
    CONSUME: ("txnSubType", "txnAmt", "currencyCode", "channelType", "backUrl"),
    REFUND: ("txnAmt", "origQryId", "backUrl"),
    CANCEL: ("txnAmt", "origQryId", "backUrl"),
    REVERSAL: ("txnAmt",),
}

DAY_BEGINS_EARLIER = timedelta(hours=1)  # a settlement day runs from 23:00 to 23:00
FILE_READY_AT = time(9)  # of the next day

Fields = dict[str, str]


def settlement_day(at: datetime) -> date:
    """Return the day in whose file a transaction stands."""
    return (at + DAY_BEGINS_EARLIER).date()


class Refuse(Exception):
    """The stand-in answers this respCode."""

    def __init__(self, resp_code: str, resp_msg: str) -> None:
        super().__init__(resp_msg)
        self.resp_code = resp_code
        self.resp_msg = resp_msg


@dataclass
class Behaviour:
    """What becomes of the transactions that follow.

    :ivar outcome: respCode in the end; `00`, `A6` with a defect, anything else fails
    :ivar takes_s: so long a query says 05
    :ivar notices: how many copies of a notification go out at once; 0: none ever
    :ivar notice_delay_s: how long after the end
    :ivar discount_fen: what UnionPay gives itself
    """

    outcome: str = "00"
    takes_s: float = 0.3
    notices: int = 1
    notice_delay_s: float = 0.0
    discount_fen: int = 0


@dataclass
class Transaction:
    """One transaction, by UnionPay's names for its fields."""

    asked: Fields
    query_id: str
    behaviour: Behaviour
    ends_at_s: float | None = None  # on the steady clock; None: its code was not scanned yet
    ended_at: datetime | None = None
    undone: Literal["", "cancelled", "reversed"] = ""
    original: "Transaction | None" = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        return self.asked["txnType"]

    @property
    def amount_fen(self) -> int:
        return int(self.asked["txnAmt"])

    def code(self, now_s: float) -> str | None:
        """What a query says of it; None: there is no such transaction yet."""
        if self.undone == "reversed":
            return "35"
        if self.ends_at_s is None:
            return None
        return "05" if now_s < self.ends_at_s else self.behaviour.outcome

    def stands(self, now_s: float) -> bool:
        """Whether its money has moved and was not brought back; a query alone does not tell."""
        return not self.undone and self.code(now_s) in DONE


class UnionPayState:
    """All that the stand-in remembers. Hold `lock` around any use."""

    def __init__(self, *, merchant_number: str, clock: StandinClock) -> None:
        self.merchant_number = merchant_number
        self.clock = clock
        self.lock = threading.RLock()
        self.behaviour = Behaviour()
        self.transactions: dict[str, Transaction] = {}  # by orderId
        self._spent_codes: set[str] = set()

    def now(self) -> datetime:
        return clock.from_s(self.clock.unix_s())

    def accept(self, asked: Fields) -> Transaction:
        """Take on a consumption, refund, cancellation or reversal, or raise Refuse."""
        kind = asked.get("txnType", "")
        if kind not in _NEEDED_BY_KIND:
            raise Refuse("10", "txnType")
        self._check_form(asked, (*_NEEDED, *_NEEDED_BY_KIND[kind]))
        if kind == REVERSAL:
            return self._reverse(asked)
        if asked["orderId"] in self.transactions:
            raise Refuse("12", "重复交易")
        original = None
        if kind == CONSUME:
            self._check_consume(asked)
        else:
            original = self._original(asked)
            self._check_return(asked, original)
        made = Transaction(asked, self._new_query_id(), self.behaviour, original=original)
        self.transactions[asked["orderId"]] = made
        if asked.get("txnSubType") != "07":
            self._end_soon(made)
        if kind == CANCEL and original is not None and made.behaviour.outcome in DONE:
            original.undone = "cancelled"
        return made

    def find(self, asked: Fields) -> Transaction:
        """Return the transaction that a query names by merId, orderId and txnTime."""
        self._check_form(asked, _NEEDED)
        found = self.transactions.get(asked["orderId"])
        if found is None or found.asked["txnTime"] != asked["txnTime"]:
            raise Refuse("34", "查无此交易")
        if found.code(self.clock.now_s()) is None:
            raise Refuse("34", "查无此交易")
        return found

    def pay(self, order_id: str) -> Transaction:
        """The payer scans an order's code and pays."""
        found = self.transactions.get(order_id)
        if found is None or found.ends_at_s is not None or found.undone:
            raise Refuse("35", "no code that waits for its payer")
        timeout = found.asked.get("payTimeout")
        if timeout and timeout <= f"{self.now():%Y%m%d%H%M%S}":
            raise Refuse("39", "the code has run out")
        found.behaviour = self.behaviour
        self._end_soon(found)
        return found

    def settled_on(self, day: date) -> list[Transaction]:
        """Return the payments and refunds of a settlement day; what was undone cancels out."""
        now_s = self.clock.now_s()
        return [
            one
            for one in self.transactions.values()
            if one.kind in (CONSUME, REFUND)
            and one.stands(now_s)
            and one.ended_at is not None
            and settlement_day(one.ended_at) == day
        ]

    def _check_form(self, asked: Fields, needed: tuple[str, ...]) -> None:
        if missing := [name for name in needed if not asked.get(name)]:
            raise Refuse("13", missing[0])
        if asked["merId"] != self.merchant_number:
            raise Refuse("31", "商户状态不正确")
        looks = {"orderId": r"[0-9A-Za-z]{8,40}", "txnTime": r"\d{14}", "txnAmt": r"[1-9]\d{0,11}"}
        for name, look in looks.items():
            if name in asked and not re.fullmatch(look, asked[name]):
                raise Refuse("10", name)

    def _check_consume(self, asked: Fields) -> None:
        timeout = asked.get("payTimeout")
        if timeout and timeout <= f"{self.now():%Y%m%d%H%M%S}":
            raise Refuse("39", "交易不在受理时间范围")
        if asked["txnSubType"] == "07":
            return
        code = asked.get("qrNo", "")
        if asked["txnSubType"] != "06" or not re.fullmatch(r"62\d{17}", code):
            raise Refuse("10", "qrNo")
        if code in self._spent_codes:
            raise Refuse("30", "the code was used")
        self._spent_codes.add(code)

    def _original(self, asked: Fields) -> Transaction:
        for one in self.transactions.values():
            if one.query_id == asked["origQryId"] and one.kind == CONSUME:
                return one
        raise Refuse("35", "原交易不存在或状态不正确")

    def _check_return(self, asked: Fields, original: Transaction) -> None:
        """Cancel: whole, on its day, before any refund. Refund: never more than was paid."""
        now_s = self.clock.now_s()
        if not original.stands(now_s):
            raise Refuse("35", "原交易不存在或状态不正确")
        returned_fen = sum(
            one.amount_fen
            for one in self.transactions.values()
            if one.original is original and one.code(now_s) in (*DONE, "05")
        )
        if asked["txnType"] == REFUND:
            if returned_fen + int(asked["txnAmt"]) > original.amount_fen:
                raise Refuse("36", "与原交易信息不符")
            return
        if returned_fen or int(asked["txnAmt"]) != original.amount_fen:
            raise Refuse("36", "与原交易信息不符")
        self._refuse_other_day(original)

    def _reverse(self, asked: Fields) -> Transaction:
        found = self.transactions.get(asked["orderId"])
        if found is None or found.asked["txnTime"] != asked["txnTime"]:
            raise Refuse("34", "查无此交易")
        self._refuse_other_day(found)
        found.undone = "reversed"
        return found

    def _refuse_other_day(self, original: Transaction) -> None:
        if original.asked["txnTime"][:8] != f"{self.now():%Y%m%d}":
            raise Refuse("39", "交易不在受理时间范围")

    def _end_soon(self, one: Transaction) -> None:
        one.ends_at_s = self.clock.now_s() + one.behaviour.takes_s
        one.ended_at = clock.from_s(self.clock.unix_s() + one.behaviour.takes_s)

    def _new_query_id(self) -> str:
        return f"{self.now():%Y%m%d%H%M%S}{len(self.transactions) + 1:07d}"
