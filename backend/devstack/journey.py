"""One full journey over HTTP: a resident claims and pays, a clerk collects, a bank
takes a discount off, the books agree.

It knows two addresses and nothing of the programs behind them; each answer is checked, and the
first that is not as it should be ends it.
"""

import secrets
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from backend.devstack.bootstrap_facts import CLERKS
from backend.devstack.http_calls import Answer, Caller
from backend.devstack.journey_bank import Bank, Told
from backend.devstack.journey_steps import Steps
from backend.domain.money import yuan_text

CAMPAIGN = "Q2-MAY"
CARD_CAMPAIGN = "BANK-CARD"
CLERK = CLERKS[0]
PLACARD_ORDER_FEN, CODE_ORDER_FEN = 320_00, 128_00
BANK_MERCHANT_ID, BANK_ORDER_FEN = "TJ0009", 300_00
CARD_KNOWN_WITHIN_S = 15.0  # what claims remember of cards is a second old at most
WRITTEN_WITHIN_S = 60.0  # on a machine under load the claim writer may still be starting


class Journey(Steps):
    """A resident, a clerk and a bank, played once.

    :param bank_secret: of the sample partner's key
    :param ledger_check: runs `flask ledger check`; returns its exit status and what it printed
    """

    def __init__(
        self,
        *,
        base_url: str,
        standin_url: str,
        bank_secret: str,
        tick: Callable[[], None],
        ledger_check: Callable[[], tuple[int, str]],
    ) -> None:
        super().__init__(tick=tick)
        self._ledger_check = ledger_check
        self._phone = Caller(standin_url)  # the stand-in plays the phones
        self._anybody = Caller(base_url)
        self._resident = Caller(base_url)
        self._clerk = Caller(base_url)
        self._run = secrets.token_hex(4)  # each run is another resident with fresh requests
        self._bank = Bank(base_url, secret=bank_secret, run=self._run)
        self._mobile = ""
        self._tickets: dict[int, str] = {}  # by tier

    def play(self) -> None:
        """Play all of it; raises JourneyFailed at the first answer that is not as it should be."""
        self._resident_signs_in()
        self._opens_campaign_page()
        self._wait_for_opening()
        self._claims()
        self._clerk_signs_in()
        self._pays_at_placard()
        self._binds_a_card_and_claims()
        self._pays_at_the_bank()
        self._pays_by_code()
        self._books_agree()

    def _resident_signs_in(self) -> None:
        user = f"resident-{self._run}"
        login = self._phone.post("/_standin/wx-login", user=user)
        answer = self._expect(
            self._anybody.post("/api/v1/sessions/resident", js_code=login.body["js_code"]), 201
        )
        self._resident.token = answer.body["access_token"]
        self._say.step("居民登录", "微信登录码换得访问令牌", answer)
        number = self._phone.post("/_standin/phone-number", user=user)
        answer = self._expect(
            self._resident.post("/api/v1/resident/phone", phone_code=number.body["code"]), 200
        )
        self._resident.token, self._mobile = answer.body["access_token"], number.body["phone"]
        self._say.step("绑定手机号", answer.body["phone"], answer)

    def _opens_campaign_page(self) -> None:
        """Open the page once for each claim: a ticket is good for one."""
        for tier in (1, 2, 3):
            answer = self._expect(self._resident.get(f"/api/v1/resident/campaigns/{CAMPAIGN}"), 200)
            self._tickets[tier] = answer.body["ticket"]
        self._check(len(set(self._tickets.values())) == 3, "每次应得新的领券票", self._tickets)
        until = datetime.fromisoformat(answer.body["ticket_expires_at"])
        self._say.step("活动页", f"附领券票，{until:%H:%M:%S} 前有效，一张领一次", answer)

    def _wait_for_opening(self) -> None:
        answer = self._expect(self._anybody.get(f"/api/v1/campaigns/{CAMPAIGN}"), 200)
        campaign = answer.body["campaign"]
        opens_at = datetime.fromisoformat(campaign["opens_at"])
        if self._now_ms() >= opens_at.timestamp() * 1000:
            self._check(
                campaign["phase"] == "open", f"{campaign['name']}已不在发放中", campaign["phase"]
            )
            return
        answer = self._claim(1, "early")
        self._refused(answer, "campaign_not_open")
        self._say.step("提前领券", f"被拒：{answer.body['error']['message']}", answer)
        while (left_s := opens_at.timestamp() - self._now_ms() / 1000) > 0:
            self._say.countdown(-int(-left_s // 1), opens_at)
            self._pause(max(left_s % 1.0, 0.02))  # the next whole second
        self._say.countdown(0, opens_at)

    def _claims(self) -> None:
        first: Answer | None = None
        for tier in (1, 2, 3):
            answer = self._expect(self._claim(tier, f"tier{tier}"), 201)
            first = first or answer
            claimed = answer.body
            self._check(not claimed["replayed"], "新请求却答为重放", claimed)
            until = datetime.fromisoformat(claimed["valid_until"])
            text = f"{claimed['campaign_name']} {_tier(claimed)}，{until:%m-%d %H:%M} 前有效"
            self._say.step("领券", text, answer)
        again = self._expect(self._claim(1, "tier1"), 201)
        self._check(
            first is not None and again.body == {**first.body, "replayed": True},
            "同一请求号应得同一张券",
            again.body,
        )
        self._say.step("重发同一请求", f"仍是同一张券 {again.body['voucher_id']}", again)
        answer = self._expect(self._resident.get("/api/v1/resident/vouchers"), 200)
        faces_fen = sorted(v["face_value_fen"] for v in answer.body["vouchers"])
        self._check(faces_fen == [10_00, 30_00, 90_00], "卡包应有三张券", answer.body)
        self._say.step("卡包", "、".join(_tier(v) for v in answer.body["vouchers"]), answer)

    def _clerk_signs_in(self) -> None:
        login = self._phone.post("/_standin/wx-login", user=CLERK.user)
        number = self._phone.post("/_standin/phone-number", user=CLERK.user, phone=CLERK.phone)
        answer = self._expect(
            self._anybody.post(
                "/api/v1/sessions/clerk",
                js_code=login.body["js_code"],
                phone_code=number.body["code"],
            ),
            201,
        )
        self._clerk.token = answer.body["access_token"]
        me = self._expect(self._clerk.get("/api/v1/merchant/me"), 200).body
        self._check(me["merchant_id"] == CLERK.merchant_id, "收银员应属于本店", me)
        self._say.step("收银员登录", f"{me['merchant_name']}（{me['merchant_id']}）", answer)

    def _pays_at_placard(self) -> None:
        placard = self._expect(self._clerk.get("/api/v1/merchant/placard"), 200).body["url"]
        answer = self._expect(
            self._resident.get("/api/v1/resident/scanned-merchant", placard=placard), 200
        )
        self._check(answer.body["name"] == CLERK.merchant_name, "码牌应属于本店", answer.body)
        self._say.step("扫码牌", f"{answer.body['name']}，{answer.body['domain_name']}", answer)
        asked = {"placard": placard, "order_amount_fen": PLACARD_ORDER_FEN}
        answer = self._expect(self._resident.post("/api/v1/resident/quotes", **asked), 200)
        self._amounts(answer.body, discount_fen=90_00, payable_fen=230_00)
        chosen = _tier(answer.body["voucher"])
        self._say.step("试算", f"{_sum(answer.body)}，自动用 {chosen}", answer)
        for reason in answer.body["reasons"]:
            self._say.note(f"未用 {_tier(reason)}：{reason['sentence']}")
        self._check(len(answer.body["reasons"]) == 2, "应说明另两张券为何不用", answer.body)
        order = self._order(self._resident, "resident", "placard", asked)
        self._amounts(order, discount_fen=90_00, payable_fen=230_00)
        answer = self._expect(self._clerk.get("/api/v1/merchant/orders"), 200)
        found = [o["order_id"] for o in answer.body["orders"]]
        self._check(order["order_id"] in found, "待收款列表应有此单", found)
        self._say.step("店员待收款", f"{len(found)} 单，含此单", answer)
        self._confirm(order)

    def _binds_a_card_and_claims(self) -> None:
        def claim() -> Answer:
            path = f"/api/v1/resident/campaigns/{CARD_CAMPAIGN}/claims"
            return self._resident.post(path, tier_position=1, request_id=f"{self._run}-card-claim")

        refused = claim()
        self._refused(refused, "card_required", status=403)
        self._say.step("未绑卡领券", f"被拒：{refused.body['error']['message']}", refused)
        self._answered(self._bank.bind_card(self._mobile))
        self._say.step("银行通知绑卡", "尾号 0048：只收卡标记，不收卡号")
        deadline_s = time.monotonic() + CARD_KNOWN_WITHIN_S
        while (answer := claim()).status != 201:
            self._check(time.monotonic() < deadline_s, "绑卡后应能领券", answer.body)
            self._pause(0.2)
        self._say.step("绑卡后领券", f"{answer.body['campaign_name']} {_tier(answer.body)}", answer)

    def _pays_at_the_bank(self) -> None:
        purchase = (BANK_MERCHANT_ID, BANK_ORDER_FEN)
        quote = self._answered(self._bank.quote(*purchase))
        self._amounts(quote, discount_fen=40_00, payable_fen=260_00)
        paid, again = (self._answered(self._bank.confirm(*purchase)) for _ in range(2))
        self._check(paid == again and paid["status"] == "redeemed", "重发应得同一笔", again)
        self._amounts(paid, discount_fen=40_00, payable_fen=260_00)
        self._say.step("银行刷卡立减", f"{_sum(paid)}；重发同一请求仍是同一笔")

    def _answered(self, told: Told) -> dict[str, Any]:
        self._tick()
        status, body = told
        self._check(status == 200, "银行接口应答 200", told)
        return body

    def _pays_by_code(self) -> None:
        answer = self._expect(self._resident.post("/api/v1/resident/payment-codes"), 201)
        code = answer.body["code"]
        groups = " ".join(code[i : i + 4] for i in range(0, len(code), 4))
        self._check(len(code) == 20 and code.isdigit(), "付款码应为20位数字", groups)
        self._say.step("出示付款码", f"{groups}（60 秒内有效，用一次即失效）", answer)
        asked = {"payment_code": code, "order_amount_fen": CODE_ORDER_FEN}
        order = self._order(self._clerk, "merchant", "code", asked)
        self._amounts(order, discount_fen=30_00, payable_fen=98_00)
        self._confirm(order)
        second = self._clerk.post(
            "/api/v1/merchant/orders", **asked, request_id=f"{self._run}-second-use"
        )
        self._refused(second, "payment_code_invalid")
        self._say.step("再扫同一付款码", f"被拒：{second.body['error']['message']}", second)

    def _books_agree(self) -> None:
        answer = self._expect(self._clerk.get("/api/v1/merchant/redemptions", page_size=100), 200)
        rows, totals = answer.body["redemptions"], answer.body["totals"]
        if totals["count"] <= len(rows):  # all on this page
            for name in ("order_amount_fen", "discount_fen", "payable_fen"):
                together_fen = sum(row[name] for row in rows)
                self._check(totals[name] == together_fen, "当日合计应等于各笔之和", totals)
        self._check(totals["count"] >= 2, "核销记录应有这两笔", totals)
        self._say.step("核销记录", f"今日 {totals['count']} 笔，{_sum(totals)}", answer)
        rule = f"领券流水应在 {WRITTEN_WITHIN_S:.0f} 秒内写入账库，请查看 claim-writer 的日志"
        deadline_s = time.monotonic() + WRITTEN_WITHIN_S
        while (ready := self._anybody.get("/readyz")).body.get("claims_backlog") != 0:
            self._check(time.monotonic() < deadline_s, rule, ready.body)
            self._pause(0.1)
        status, shown = self._ledger_check()
        self._check(status == 0, "账本核对应通过", shown)
        self._say.step("账本核对", "flask ledger check")
        for line in shown.splitlines():
            print(f"      {line}", flush=True)

    def _order(self, caller: Caller, side: str, tag: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Place an order, twice with one request number: the second answer is the first."""
        path, request_id = f"/api/v1/{side}/orders", f"{self._run}-{tag}-order"
        answer = self._expect(caller.post(path, **asked, request_id=request_id), 201)
        order: dict[str, Any] = answer.body
        self._check(order["status"] == "locked", "订单应已锁券待付", order)
        title = "居民下单" if side == "resident" else "店员扫付款码"
        self._say.step(title, f"{_sum(order)}，锁券 300 秒", answer)
        again = self._expect(caller.post(path, **asked, request_id=request_id), 201)
        self._check(again.body == order, "同一请求号应得同一订单", again.body)
        self._say.step("重发同一请求", "仍是同一订单，券只锁一次", again)
        return order

    def _confirm(self, order: dict[str, Any]) -> None:
        path = f"/api/v1/merchant/orders/{order['order_id']}/confirm"
        answer = self._expect(self._clerk.post(path), 200)
        self._check(answer.body["status"] == "redeemed", "订单应已核销", answer.body)
        again = self._expect(self._clerk.post(path), 200)
        self._check(again.body == answer.body, "重复确认应得同一结果", again.body)
        paid = yuan_text(order["payable_fen"])
        self._say.step("店员确认收款", f"收到 {paid} 元，券已核销；重复确认结果相同", answer)

    def _claim(self, tier: int, tag: str) -> Answer:
        return self._resident.post(
            f"/api/v1/resident/campaigns/{CAMPAIGN}/claims",
            tier_position=tier,
            request_id=f"{self._run}-{tag}",
            ticket=self._tickets[tier],
        )

    def _now_ms(self) -> int:
        return int(self._expect(self._anybody.get("/api/v1/time"), 200).body["now_ms"])

    def _amounts(self, found: dict[str, Any], *, discount_fen: int, payable_fen: int) -> None:
        amounts = (found["discount_fen"], found["payable_fen"])
        self._check(amounts == (discount_fen, payable_fen), "优惠与应付金额不符", found)


def _tier(found: dict[str, Any]) -> str:
    threshold, face = (found[name] // 100 for name in ("threshold_fen", "face_value_fen"))
    return f"满{threshold}减{face}"


def _sum(found: dict[str, Any]) -> str:
    amounts = (found[name] for name in ("order_amount_fen", "discount_fen", "payable_fen"))
    order, discount, payable = map(yuan_text, amounts)
    return f"消费 {order}，优惠 {discount}，应付 {payable} 元"
