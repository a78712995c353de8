"""How the console says what a programme file says otherwise: each field, and its value."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from backend.edge.console.cells import Money, shown
from backend.edge.public.words import MODE_NAMES
from backend.services.programme_previews import Difference

PART_NAMES = {
    "programme": "方案",
    "domain": "领域",
    "fund": "资金",
    "campaign": "活动",
    "merchant": "商户",
}
FIELD_NAMES = {
    "name": "名称",
    "total_fen": "总额（元）",
    "lead_office": "牵头单位",
    "hotline": "热线",
    "complaint_answer_days": "投诉答复（工作日）",
    "amount_fen": "金额（元）",
    "domain_id": "领域",
    "area": "区域",
    "uscc": "统一社会信用代码",
    "merchant_number": "商户号",
    "fund_id": "资金",
    "quarter": "季度",
    "mode": "方式",
    "opens_at": "开抢",
    "ends_at": "结束",
    "validity_days": "有效天数",
    "claim_day_counts": "领取当日计入有效期",
    "per_person_per_tier": "每人每档次数",
    "one_tier_per_day": "每天只能领一档",
    "per_person": "每人次数",
    "per_person_per_day": "每人每天次数",
    "per_person_per_merchant_per_day": "每人每店每天次数",
    "person_per_natural_month": "每人每月次数",
    "daily_release": "每日投放",
    "carry_over": "余量结转次日",
    "release_minute": "投放时刻",
    "claim_windows": "领取时段",
    "claim_area": "领取区域",
    "use_from_minute": "使用时段自",
    "use_until_minute": "使用时段至",
    "merchant_id": "商户",
    "evidence": "凭证",
    "on_full_refund": "全额退款后",
    "recycle_expired": "过期份额回收",
    "payment_provider": "收款渠道",
    "card_required": "须绑定银行卡",
    "tiers": "档级",
    "domains": "领域",
}


def field(difference: Difference) -> str:
    """Return what a difference is about."""
    if not difference.field:
        return "只在文件中" if difference.loaded is None else "文件中没有"
    quarter, _, figure = difference.field.rpartition(" ")
    if quarter:
        return f"{quarter} {'上限' if figure == 'ceiling_fen' else '下限'}（元）"
    return FIELD_NAMES[difference.field]


def value(difference: Difference, said: object) -> str:
    """Return one side of a difference as people read it; nothing is a dash."""
    name = difference.field.rpartition(" ")[2]
    if said is None:
        return shown(None)
    if name.endswith("_fen"):
        return str(Money(int(str(said))))
    return _SPECIAL.get(name, _plain)(said)


def _plain(said: Any) -> str:
    if isinstance(said, bool):
        return "是" if said else "否"
    if isinstance(said, datetime):
        return f"{said:%Y-%m-%d %H:%M}"
    if isinstance(said, list):
        return "；".join(map(_plain, said))
    if isinstance(said, dict):
        return "，".join(f"{name} {inner}" for name, inner in said.items())
    return str(said)


def _minute(said: Any) -> str:
    return f"{said // 60:02d}:{said % 60:02d}"


def _tiers(said: Any) -> str:
    return "；".join(
        f"满 {Money(threshold)} 减 {Money(face)}，{count:,} 份" for threshold, face, count in said
    )


_SPECIAL: Mapping[str, Callable[[Any], str]] = {
    "tiers": _tiers,
    "mode": MODE_NAMES.__getitem__,
    "release_minute": _minute,
    "use_from_minute": _minute,
    "use_until_minute": _minute,
}
