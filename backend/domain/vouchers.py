"""Vouchers: their number, their validity, and which one an order takes."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from backend.domain.china import CHINA

SERIALS_PER_TIER = 1_000_000_000
SERIALS_PER_EPOCH = 10_000_000  # more than any tier has units

VoucherStatus = Literal["unused", "locked", "used", "expired"]
ReasonCode = Literal[
    "below_threshold",
    "other_domain",
    "other_area",
    "outside_hours",
    "not_yet_valid",
    "expired",
    "held_by_another_order",
    "card_required",
    "merchant_day_limit",
    "limit_reached",
    "exhausted",
    "unavailable",
    "smaller",
]


def voucher_id(tier_id: int, serial: int) -> int:
    """Return the number of the serial-th voucher of a tier; below 2^53, so JSON carries it.

    The claim script counts serials, so the number is fixed at the claim and the same claim
    written twice has the same number.
    """
    if not 1 <= serial < SERIALS_PER_TIER:
        raise ValueError(f"serial {serial} out of range")
    return tier_id * SERIALS_PER_TIER + serial


def first_serial(epoch: int) -> int:
    """Return the serial that the first claim of an epoch takes; epochs count from 1 to 100.

    Each epoch has serials of its own, so a quota that is loaded again never gives a number that
    was given before its loss, known or not (docs/adr/0010).
    """
    if not 1 <= epoch <= SERIALS_PER_TIER // SERIALS_PER_EPOCH:
        raise ValueError(f"epoch {epoch} out of range")
    return (epoch - 1) * SERIALS_PER_EPOCH + 1


def epoch_of(serial: int) -> int:
    """Return the epoch that a serial was given in."""
    return (serial - 1) // SERIALS_PER_EPOCH + 1


def validity(
    claimed_at: datetime, *, days: int, claim_day_counts: bool
) -> tuple[datetime, datetime]:
    """Return the half-open interval [valid_from, valid_until) of a voucher claimed at a time.

    Calendar days in China; the last ends at 24:00. With `claim_day_counts` the claim's own day is
    the first of `days` (the voucher is usable at once in both cases).
    """
    day = claimed_at.astimezone(CHINA).date()
    return claimed_at, _end_of(day, days if claim_day_counts else days + 1)


@functools.lru_cache(maxsize=64)
def _end_of(first_day: date, days: int) -> datetime:
    """Return 24:00 of the last of so many days."""
    if days < 1:
        raise ValueError("validity wants at least one day")
    return datetime.combine(first_day + timedelta(days=days), time(), CHINA)


# What an order takes: a voucher from the wallet, or an instant discount (刷卡满减).
SubsidyKind = Literal["voucher", "instant"]


@dataclass(frozen=True, kw_only=True)
class Voucher:
    """What the choice needs to know of a voucher. Times are aware; amounts in fen.

    Of kind "instant" it is a tier that is open to the buyer, or the unit of it that was taken.
    """

    id: int
    kind: SubsidyKind = "voucher"
    threshold_fen: int
    face_value_fen: int
    valid_from: datetime
    valid_until: datetime
    status: VoucherStatus
    campaign_id: str
    campaign_name: str
    domain_ids: frozenset[str]
    area: str | None
    use_minutes: tuple[int, int] | None  # usable in [from, until) of a China day
    card_required: bool = False


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """What is bought: where, for how much (after merchant and bank discounts), and when."""

    order_amount_fen: int
    domain_id: str
    area: str | None
    at: datetime
    card_bound: bool = False  # whether the buyer has a bound card


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a voucher was not taken: a code, and a sentence for the resident.

    `voucher_id` is None for an instant discount: nobody holds one.
    """

    kind: SubsidyKind
    voucher_id: int | None
    campaign_name: str
    threshold_fen: int
    face_value_fen: int
    code: ReasonCode
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What an order would cost. Without an eligible voucher nothing is taken off."""

    order_amount_fen: int
    discount_fen: int
    payable_fen: int
    voucher: Voucher | None
    reasons: tuple[Reason, ...]


NAMED: dict[SubsidyKind, str] = {"voucher": "本券", "instant": "本优惠"}
SMALLER: dict[SubsidyKind, str] = {
    "voucher": "已为您使用优惠更大的券，本券留待下次使用",
    "instant": "已为您使用优惠更大的补贴，每笔只享受一项",
}


def choose_voucher(vouchers: Sequence[Voucher], purchase: Purchase) -> Quote:
    """Take the eligible voucher that saves the most, and say why not the others.

    Source: plan, part six (三): 系统自动默认享受符合条件的最大优惠补贴面额. Ties: the higher face,
    then the earlier end, then the lower threshold, then what the buyer holds, then the lower id;
    so the same inputs always choose the same voucher. The threshold is inclusive. A voucher never
    exceeds the amount due.
    """
    if purchase.order_amount_fen < 1:
        raise ValueError("an order costs at least one fen")
    ruled_out = [(voucher, _why_not(voucher, purchase)) for voucher in vouchers]
    eligible = [voucher for voucher, why in ruled_out if why is None]
    chosen = min(eligible, key=lambda v: _preference(v, purchase), default=None)
    reasons = [why for _, why in ruled_out if why is not None]
    reasons += [reason(v, "smaller", SMALLER[v.kind]) for v in eligible if v is not chosen]
    discount_fen = min(chosen.face_value_fen, purchase.order_amount_fen) if chosen else 0
    return Quote(
        order_amount_fen=purchase.order_amount_fen,
        discount_fen=discount_fen,
        payable_fen=purchase.order_amount_fen - discount_fen,
        voucher=chosen,
        reasons=tuple(sorted(reasons, key=lambda r: (-r.face_value_fen, r.voucher_id or 0))),
    )


def _preference(voucher: Voucher, purchase: Purchase) -> tuple[int, int, datetime, int, bool, int]:
    saved_fen = min(voucher.face_value_fen, purchase.order_amount_fen)
    return (
        -saved_fen,
        -voucher.face_value_fen,
        voucher.valid_until,
        voucher.threshold_fen,
        voucher.kind == "instant",
        voucher.id,
    )


def _why_not(voucher: Voucher, purchase: Purchase) -> Reason | None:
    """Return the first reason that rules the voucher out, the hardest to mend first."""
    minute = purchase.at.astimezone(CHINA).hour * 60 + purchase.at.astimezone(CHINA).minute
    missing_fen = voucher.threshold_fen - purchase.order_amount_fen
    checks: tuple[tuple[bool, ReasonCode, str], ...] = (
        (
            voucher.status == "expired" or purchase.at >= voucher.valid_until,
            "expired",
            "本券已过期",
        ),
        (voucher.status != "unused", "held_by_another_order", "本券正在另一笔订单中使用"),
        (purchase.at < voucher.valid_from, "not_yet_valid", "本券还没到使用时间"),
        (
            voucher.card_required and not purchase.card_bound,
            "card_required",
            "使用本券须先在合作银行的手机 App 中绑定银联卡",
        ),
        (purchase.domain_id not in voucher.domain_ids, "other_domain", "本店的行业不在本券范围内"),
        (
            voucher.area is not None and voucher.area != purchase.area,
            "other_area",
            f"本券只能在{voucher.area}使用",
        ),
        (not _in_hours(voucher.use_minutes, minute), "outside_hours", _hours(voucher.use_minutes)),
        (missing_fen > 0, "below_threshold", f"再消费{_yuan(missing_fen)}元即可使用本券"),
    )
    for ruled_out, code, sentence in checks:
        if ruled_out:
            return reason(voucher, code, sentence)
    return None


def _in_hours(use_minutes: tuple[int, int] | None, minute: int) -> bool:
    return use_minutes is None or use_minutes[0] <= minute < use_minutes[1]


def _hours(use_minutes: tuple[int, int] | None) -> str:
    start, end = use_minutes or (0, 1440)
    return f"本券限每日{start // 60:02d}:{start % 60:02d}至{end // 60:02d}:{end % 60:02d}使用"


def _yuan(amount_fen: int) -> str:
    whole, fen = divmod(amount_fen, 100)
    return f"{whole}.{fen:02d}" if fen else str(whole)


def reason(voucher: Voucher, code: ReasonCode, sentence: str) -> Reason:
    """Return why a voucher or an instant discount is not taken."""
    return Reason(
        kind=voucher.kind,
        voucher_id=None if voucher.kind == "instant" else voucher.id,
        campaign_name=voucher.campaign_name,
        threshold_fen=voucher.threshold_fen,
        face_value_fen=voucher.face_value_fen,
        code=code,
        sentence=sentence.replace("本券", NAMED[voucher.kind]),
    )
