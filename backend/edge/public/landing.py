"""Where a link of a placard or an amount code leads in any browser, and WeChat's proof of address.

A placard pasted over another is noticed by the registered name shown here; and only merchants on
the list in force take vouchers (plan, part six (三): 在指定合作商家消费).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from apiflask import APIBlueprint
from flask import Response, current_app, render_template

from backend import clock
from backend.domain import refusals
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.vouchers import validity
from backend.edge.public import campaign_facts, pages, words
from backend.services import amount_codes, campaigns, programmes
from backend.settings import Settings
from merchant_qr.payload import AmountCode, scheme_link

if TYPE_CHECKING:
    from backend.storage.models.campaigns import Campaign
    from backend.storage.models.merchants import Merchant

log = structlog.get_logger()
blueprint = APIBlueprint("landing", __name__, tag="公开 public")
blueprint.after_request(pages.dress)

MERCHANT_PAGE = "pages/merchant/index"  # of the mini-program


@dataclass(frozen=True)
class Refusal:
    """A code that leads to no payment: the page's status and what it says.

    HOTLINE in a step stands for the programme's number.
    """

    status: int
    title: str
    reason: str
    steps: tuple[str, ...]


# 410: a revoked placard never counts again. 409: a merchant may be listed again, with this very
# placard, so neither "gone" nor "not found" would be true.
REFUSALS: dict[type[HuiquanError], Refusal] = {
    refusals.PlacardInvalid: Refusal(
        404,
        "这不是有效的商户码牌",
        "这个码不是本活动发出的，可能印错了、被改过，或被人调换过。",
        (
            "先不要付款，请店员核实店里的码牌。",
            "对照参与商户名单，看看本店是否在内。",
            "怀疑码牌被人调换的，请拨打 HOTLINE 反映。",
        ),
    ),
    refusals.PlacardRevoked: Refusal(
        410,
        "该码牌已停用",
        "这块码牌已经作废，不能再用来付款。",
        ("请店员出示新的码牌，再扫一次。", "也可以打开小程序的付款码，请店员来扫。"),
    ),
    refusals.AmountCodeInvalid: Refusal(
        404,
        "这不是有效的金额码",
        "这个码不是本活动发出的，或金额被人改过。",
        ("先不要付款，请店员重新出示金额码。", "怀疑被人调换的，请拨打 HOTLINE 反映。"),
    ),
    refusals.AmountCodeExpired: Refusal(
        410,
        "金额码已过期",
        "金额码 5 分钟内有效，这个码已经过时，没有扣款。",
        ("请店员重新出示金额码，再扫一次。", "也可以扫店里的码牌，自己输入金额。"),
    ),
    refusals.AmountCodeUsed: Refusal(
        409,
        "这个金额码已经用过",
        "每个金额码只能下一笔订单，这个码已经下过单，不会重复扣款。",
        ("如果是您下的单，请在小程序“我的订单”中查看。", "不是您下的单，请店员重新出示金额码。"),
    ),
    refusals.MerchantNotPublished: Refusal(
        409,
        "本店目前不能使用消费券",
        "本店不在现行的参与商户名单内，或正在暂停参与。",
        ("您的券还在卡包里，不会因此减少。", "可以到名单内的其他商户使用，有效期以券面为准。"),
    ),
}
STATES_WITH_VOUCHERS = ("running", "paused", "stopped", "ended")


@blueprint.get("/m/<placard:code>")
@blueprint.doc(
    responses=pages.document("码牌落地页，或微信要求的校验文件", "text/html", "text/plain")
)
def placard(code: str) -> str | Response:
    """码牌或金额码的落地页：核对店名和金额，打开小程序；以 .txt 结尾时为微信校验文件。"""
    if code.endswith(".txt"):
        return _verification_file(code)
    settings: Settings = current_app.extensions["settings"]
    merchant, said = amount_codes.scanned(code)
    now = clock.now()
    return render_template(
        "landing.html",
        merchant=merchant,
        amount_text=words.yuan(said.order_amount_fen) if said else None,
        expires_text=_minute_of(said) if said else None,
        programme=programmes.current(),
        campaigns=[
            campaign_facts.facts(row, now)
            for row in campaigns.list_all(STATES_WITH_VOUCHERS)
            if _usable(row, merchant, now)
        ],
        scheme=scheme_link(appid=settings.wechat_appid, path=MERCHANT_PAGE, query={"m": code}),
    )


@blueprint.get("/m/<path:text>")
@blueprint.doc(hide=True)
def unreadable(text: str) -> str:
    """Answer what cannot be a placard's code as a forged one: with a page, not with JSON."""
    raise refusals.PlacardInvalid(f"{len(text)} characters that are no code")


@blueprint.errorhandler(refusals.PlacardInvalid)
@blueprint.errorhandler(refusals.PlacardRevoked)
@blueprint.errorhandler(refusals.AmountCodeInvalid)
@blueprint.errorhandler(refusals.AmountCodeExpired)
@blueprint.errorhandler(refusals.AmountCodeUsed)
@blueprint.errorhandler(refusals.MerchantNotPublished)
def refused(error: HuiquanError) -> tuple[str, int]:
    """Say in plain words why no voucher is to be used by this placard, and what to do."""
    log.info("refused", code=error.code, why=str(error))
    refusal = REFUSALS[type(error)]
    return render_template("placard_refused.html", refusal=refusal), refusal.status


def _verification_file(name: str) -> Response:
    settings: Settings = current_app.extensions["settings"]
    known, content = settings.wechat_verify_file or ("", "")
    if name != known:
        raise NotFound(f"no verification file {name}")
    return Response(content, content_type="text/plain; charset=utf-8")


def _minute_of(said: AmountCode) -> str:
    return words.moment(clock.from_ms(said.expires_s * 1000))


def _usable(row: "Campaign", merchant: "Merchant", at: datetime) -> bool:
    """Tell whether somebody may hold a voucher of the campaign that this merchant takes now.

    By domain and area, as when an order chooses a voucher; and until the last voucher that could
    have been claimed runs out, which may be days after the campaign's end. Use hours are shown
    instead: a visitor at noon wants to know of the evening.
    """
    if row.mode != "claim" or row.validity_days is None or at < row.opens_at:
        return False
    last_claim = row.ends_at - timedelta(microseconds=1)
    _, valid_until = validity(
        last_claim, days=row.validity_days, claim_day_counts=bool(row.claim_day_counts)
    )
    return (
        at < valid_until
        and merchant.domain_id in {domain.id for domain in row.domains}
        and row.area in (None, merchant.area)
    )
