"""A campaign's rules in plain words, each sentence made from the terms that the till obeys.

Pure functions of a campaign's row: nobody writes these sentences, so they cannot differ from what
is claimed, taken off and refunded (plan, part six).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.domain.china import CHINA
from backend.domain.claim_rules import first_release
from backend.domain.refunds import PERIOD
from backend.edge.public import words
from backend.services import subsidies

if TYPE_CHECKING:
    from backend.storage.models.campaigns import Campaign

WEEKDAYS = "一二三四五六日"
EVIDENCE_NAMES = {
    "invoice_number": "发票号码",
    "vin": "车架号",
    "photo": "购买凭证的照片",
}
# Plan, part eight (四): 强化企业监管.
FORBIDDEN = (
    "不得买卖消费券，不得套现、作弊、虚假交易、洗钱。",
    "商户和员工不得自己或者帮助别人套取活动资源。",
    "一经发现，立即取消商户的参与资格，并由相关部门按规定严肃处理。",
)


@dataclass(frozen=True)
class Rule:
    """What people ask of a campaign, and the answers in short sentences."""

    question: str
    answers: Sequence[str]


def rules(row: "Campaign", *, place: str | None = None) -> list[Rule]:
    """Return a campaign's rules. `place` names the only merchant where there is but one."""
    return [
        Rule("谁可以参加", list(_who(row))),
        Rule("什么时候", list(_when(row))),
        Rule("能减多少", list(_how_much(row))),
        Rule("每人限几次", list(_limits(row))),
        Rule("在哪里用", list(_where(row, place))),
        Rule("退款怎么算", list(_refunds(row))),
        Rule("哪些行为不允许", FORBIDDEN),
    ]


def _who(row: "Campaign") -> Iterator[str]:
    if row.mode == "subsidy":
        yield "在本活动商户消费、符合条件并提交材料的消费者，不限户籍。"
        kinds = "、".join(EVIDENCE_NAMES.get(k, k) for k in subsidies.evidence_of(row))
        yield f"申请时要提交：{kinds}。经两人先后审核，通过后补贴付到您的银行账户。"
        return
    if row.mode == "entry":
        yield "来景区游玩、在小程序中绑定了手机号的游客，不限户籍。"
        yield "本来就免票的游客按原规定入园，不占名额。"
        return
    yield "在本地消费的人都可以参加，不限户籍。须在小程序中绑定手机号。"
    if row.mode == "instant":
        yield "不用领券。须先在合作银行的手机 App 中绑定银联卡，付款达到金额直接减。"
    elif row.card_required:
        yield "领券前须先在合作银行的手机 App 中绑定银联卡。"


def _when(row: "Campaign") -> Iterator[str]:
    act = {"claim": "领取", "instant": "参加", "subsidy": "申请", "entry": "入园享受"}[row.mode]
    yield (
        f"{words.moment(row.opens_at)} 至 {words.end(row.ends_at)} 可{act}，"
        "先到先得，名额用完即止；时间以北京时间为准。"
    )
    for window in row.claim_windows or ():
        days = "、".join(f"周{WEEKDAYS[day - 1]}" for day in window["weekdays"])
        hours = _hours(window["from_minute"], window["until_minute"])
        yield f"{days}的 {hours} 可以领取。"
    if row.daily_release is not None:
        first = first_release(row.opens_at, row.release_minute).astimezone(CHINA)
        rest = "当天没用完的转到第二天" if row.carry_over else "当天没用完的不转到第二天"
        yield f"每天 {first:%H:%M} 起，每档投放 {row.daily_release} 份，{rest}。"
    if row.validity_days is not None:
        valid = f"{row.validity_days} 天"
        if row.claim_day_counts:
            yield f"领到的券立即可用，有效期 {valid}，领取当天算第 1 天，到最后一天 24:00 为止。"
        else:
            yield f"领到的券立即可用，领取当天不算，再往后 {valid}有效，到最后一天 24:00 为止。"
    if row.use_from_minute is not None and row.use_until_minute is not None:
        yield f"只在每天 {_hours(row.use_from_minute, row.use_until_minute)} 可以使用。"
    if row.recycle_expired:
        yield "过期没用的券收回名额，由其他人再领一次。"


def _how_much(row: "Campaign") -> Iterator[str]:
    for tier in row.tiers:
        threshold, face = words.yuan(tier.threshold_fen), words.yuan(tier.face_value_fen)
        if row.mode == "subsidy":
            yield f"购买金额达到 {threshold} 元，补贴 {face} 元，共 {tier.count} 份。"
        elif row.mode == "entry":
            yield f"免首道门票 {face} 元，共 {tier.count} 人次。"
        else:
            yield f"满 {threshold} 元减 {face} 元，共 {tier.count} 份。"
    if row.mode in ("claim", "instant"):
        yield "先扣商家让利和银行优惠，剩下的金额达到门槛（含本数）就能减。"
        yield "一笔付款只享受一份政府补贴，系统自动选减得最多的，不用您挑。"


def _limits(row: "Campaign") -> Iterator[str]:
    if row.mode == "entry":
        yield f"每人每个自然月 {row.person_per_natural_month or 1} 次。"
        return
    what = {"claim": "领", "instant": "享受", "subsidy": "申请"}[row.mode]
    unit = {"claim": "张", "instant": "次", "subsidy": "份"}[row.mode]
    if row.mode in ("claim", "subsidy"):
        yield f"每档每人限{what} {row.per_person_per_tier} {unit}。"
    if row.per_person is not None:
        yield f"整个活动每人最多{what} {row.per_person} {unit}。"
    if row.one_tier_per_day:
        yield f"每人每天只能{what} 1 {unit}。"
    if row.per_person_per_day is not None:
        yield f"每人每天最多{what} {row.per_person_per_day} {unit}。"
    if row.mode in ("claim", "instant"):
        yield f"同一人在同一家商户每天最多享受 {row.per_person_per_merchant_per_day} 次补贴。"


def _where(row: "Campaign", place: str | None) -> Iterator[str]:
    if place is not None:
        yield f"只在{place}。"
    else:
        domains = "、".join(domain.name for domain in row.domains)
        yield f"只在公布的参与商户名单内、领域为{domains}的商户。"
    if row.area:
        yield f"只在{row.area}区域的商户使用。"
    if row.claim_area:
        yield f"领取时您要在{row.claim_area['name']}，小程序会请您允许使用位置；不保存您的位置。"


def _refunds(row: "Campaign") -> Iterator[str]:
    if row.mode == "subsidy":
        yield "补贴付到申请人本人的账户。账户有误被银行退回的，可以更正账户，重新发放。"
        return
    if row.mode == "entry":
        yield "登记错了的，请景区当天撤销；撤销后不占您当月的次数。"
        return
    yield f"付款后 {PERIOD.days} 天内可以到原商户办理退款，您实际付的钱按退货的比例退给您。"
    yield "补贴的部分退回政府资金，不退现金。"
    if row.mode == "instant":
        yield "享受过的次数不因退款恢复。"
    elif row.on_full_refund == "restore_within_validity":
        yield "一次全部退款、且券还在有效期内的，券退回卡包，有效期不变；其他退款不退券。"
    else:
        yield "退款后券算已经使用，不再退回。"


def _hours(from_minute: int, until_minute: int) -> str:
    return f"{words.minute_of_day(from_minute)} 至 {words.minute_of_day(until_minute)}"
