"""The two rails: what a payer, a bank and a bad day do at each stand-in."""

from dataclasses import dataclass

from backend.gateways.payments.unionpay_calls import BACK_PATH
from backend.gateways.payments.wechat_pay import WeChatPay
from tests.unionpay_parts import UnionPayStandin, charge_of_now, provider_of
from tests.wechat_pay_parts import PayStandin, make_charge

REFUND_PATH = "/v3/refund/domestic/refunds"
STRANGE_FEN = 4_321


@dataclass
class WeChatRail:
    """WeChat Pay's: refunds are worked on until a control call ends them."""

    standin: PayStandin
    provider: WeChatPay | None = None
    name: str = "wechat_pay"

    @property
    def url(self) -> str:
        return self.standin.base_url

    def advance(self, seconds: float) -> int:
        return int(self.standin.control("clock", advance_s=seconds)["unix_s"])

    def pays(self, order_id: str, *, told: bool) -> None:
        self.standin.control("pay", out_trade_no=order_id, notify=told)

    def end_refunds(self, *, told: bool = False, well: bool = True) -> None:
        status = "SUCCESS" if well else "CLOSED"
        self.standin.control("finish-refunds", status=status, notify=told)

    def refunds(self) -> list[tuple[str, int]]:
        told = self.standin.api("GET", "/_standin/refunds").json()
        return [(r["out_refund_no"], r["amount_fen"]) for r in told if r["status"] != "CLOSED"]

    def lose_answers_to_refunds(self) -> None:
        self.standin.mood(REFUND_PATH, "unsigned", times=1)

    def unheard_of_payment(self) -> tuple[str, int]:
        assert self.provider is not None
        charge = make_charge(STRANGE_FEN)
        assert self.provider.charge(charge).status == "pending"
        self.pays(charge.order_id, told=False)
        return charge.order_id, STRANGE_FEN


@dataclass
class UnionPayRail:
    """UnionPay's: what follows ends as its behaviour says."""

    standin: UnionPayStandin
    name: str = "unionpay"

    @property
    def url(self) -> str:
        return self.standin.base_url

    def advance(self, seconds: float) -> int:
        return int(self.standin.control("clock", advance_s=seconds)["unix_s"])

    def pays(self, order_id: str, *, told: bool) -> None:
        self.standin.behave(notices=int(told))
        self.standin.control("pay", order_id=order_id)
        self.standin.behave()

    def end_refunds(self, *, told: bool = False, well: bool = True) -> None:
        self.standin.behave(notices=int(told), outcome="00" if well else "61")

    def refunds(self) -> list[tuple[str, int]]:
        told = self.standin.transactions("04")
        return [(r["order_id"], r["amount_fen"]) for r in told if r["code"] in ("00", "05")]

    def lose_answers_to_refunds(self) -> None:
        self.standin.spoil("lost", path=BACK_PATH)

    def unheard_of_payment(self) -> tuple[str, int]:
        provider = provider_of(self.standin.keys, self.url)
        charge = charge_of_now(amount_fen=STRANGE_FEN)
        try:
            assert provider.charge(charge).status == "pending"
        finally:
            provider.close_connections()
        self.pays(charge.order_id, told=False)
        return charge.order_id, STRANGE_FEN
