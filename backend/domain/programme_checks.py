"""What must hold in a programme before one fen of it is handed out.

The checks return faults and raise nothing, so whoever wrote the programme sees all at once.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from backend.domain.identifiers import is_merchant_number, is_uscc
from backend.domain.money import yuan_text
from backend.domain.programme_campaign_checks import COUNT, campaign_faults
from backend.domain.programme_fields import (
    CODE,
    HOTLINE_NUMBER,
    MERCHANT_CODE,
    Path,
    amount_faults,
    form_faults,
    range_faults,
    text_faults,
)
from backend.domain.programmes import (
    TIMEZONE,
    Campaign,
    Defaults,
    Domain,
    Fault,
    Fund,
    Merchant,
    Programme,
)

Section = Literal["funds", "domains", "campaigns", "merchants"]

LIFE_S = range(1, 86_401)
ANSWER_DAYS = range(1, 61)
ANY_ID = "*"  # no legal id


def find_faults(
    programme: Programme,
    *,
    whole: bool = True,
    unreadable_ids: frozenset[tuple[Section, str]] = frozenset(),
) -> list[Fault]:
    """Return everything that is wrong with the programme; an empty list means it may be loaded.

    :param whole: False when parts of the file could not be read and are missing here; then only
        faults are told that stay faults whatever the missing parts say
    :param unreadable_ids: (section, id) of missing parts: they may be referred to; ANY_ID when
        nobody can say which id was meant
    """
    funds, domains = programme.funds, programme.domains
    campaigns, merchants = programme.campaigns, programme.merchants
    known: set[tuple[str, str]] = set(unreadable_ids)
    known.update(("funds", fund.id) for fund in funds)
    known.update(("domains", domain.id) for domain in domains)
    known.update(("merchants", merchant.id) for merchant in merchants)
    return [
        *_head_faults(programme),
        *(_total_faults(programme) if whole else ()),
        *_identity_faults("funds", funds),
        *_identity_faults("domains", domains),
        *_identity_faults("campaigns", campaigns),
        *_identity_faults("merchants", merchants),
        *_same_name_faults("campaigns", campaigns),
        *_same_name_faults("merchants", merchants),
        *_business_faults(merchants),
        *(fault for i, fund in enumerate(funds) for fault in _fund_faults(("funds", i), fund)),
        *(
            fault
            for i, campaign in enumerate(campaigns)
            for fault in campaign_faults(("campaigns", i), campaign, programme.defaults)
        ),
        *_reference_faults(known, campaigns, merchants),
        *_quarter_faults(funds, campaigns),
        *_domain_faults(domains, campaigns),
        *_spending_faults(funds, campaigns),
        *_defaults_faults(programme.defaults),
    ]


def _defaults_faults(defaults: Defaults) -> Iterator[Fault]:
    """The limits can be met, and a payment takes one subsidy (plan for vouchers, six (三))."""
    path: Path = ("defaults",)
    if defaults.subsidies_per_payment != 1:
        yield Fault(
            path=(*path, "subsidies_per_payment"), reason="每笔付款只享受一项补贴，只能写 1"
        )
    for key in ("per_person_per_tier", "per_person_per_merchant_per_day"):
        yield from range_faults((*path, key), getattr(defaults, key), COUNT, "份")
    for key in ("payment_code_ttl_s", "voucher_lock_ttl_s"):
        yield from range_faults((*path, key), getattr(defaults, key), LIFE_S, "秒")


def _head_faults(programme: Programme) -> Iterator[Fault]:
    path: Path = ("programme",)
    yield from form_faults((*path, "id"), programme.id, CODE)
    yield from text_faults((*path, "name"), programme.name)
    yield from text_faults((*path, "lead_office"), programme.lead_office)
    if programme.timezone != TIMEZONE:
        yield Fault(path=(*path, "timezone"), reason=f"时区只能是 {TIMEZONE}")
    yield from amount_faults((*path, "total"), programme.total_fen)
    yield from form_faults((*path, "hotline"), programme.hotline, HOTLINE_NUMBER)
    yield from range_faults(
        (*path, "complaint_answer_days"),
        programme.complaint_answer_days,
        ANSWER_DAYS,
        "个工作日",
    )
    for key in ("bank", "superior_bank", "network"):
        yield from text_faults(("partners", key), getattr(programme.partners, key))


def _total_faults(programme: Programme) -> Iterator[Fault]:
    funds_fen = sum(fund.amount_fen for fund in programme.funds)
    if funds_fen != programme.total_fen:
        yield Fault(
            path=("programme", "total"),
            reason=f"各项资金合计 {yuan_text(funds_fen)} 元，"
            f"与方案总额 {yuan_text(programme.total_fen)} 元不相等",
        )


def _identity_faults(
    section: Section, parts: Sequence[Fund | Domain | Campaign | Merchant]
) -> Iterator[Fault]:
    """Ids have their form and are used once; texts are fit to be shown."""
    seen: set[str] = set()
    for i, part in enumerate(parts):
        form = MERCHANT_CODE if section == "merchants" else CODE
        yield from form_faults((section, i, "id"), part.id, form)
        if part.id in seen:
            yield Fault(path=(section, i, "id"), reason="编号已被前面的条目使用")
        seen.add(part.id)
        for key in ("name", "lead_office", "area"):
            if (text := getattr(part, key, None)) is not None:
                yield from text_faults((section, i, key), text)


def _same_name_faults(section: Section, parts: Sequence[Campaign | Merchant]) -> Iterator[Fault]:
    """Names that a person would take for one another: width, case and spaces do not count."""
    first_ids: dict[str, str] = {}
    for i, part in enumerate(parts):
        looks = "".join(unicodedata.normalize("NFKC", part.name).casefold().split())
        if looks in first_ids:
            yield Fault(
                path=(section, i, "name"),
                reason=f"名称与 {first_ids[looks][:32]} 的相同，容易混淆，请改名",
            )
        first_ids.setdefault(looks, part.id)


def _business_faults(merchants: Sequence[Merchant]) -> Iterator[Fault]:
    """A licence or an acquirer's number that is wrong, or that two shops share."""
    seen: set[str] = set()
    for i, merchant in enumerate(merchants):
        for key, text, fits, words in (
            ("uscc", merchant.uscc, is_uscc, "不是有效的统一社会信用代码"),
            ("merchant_number", merchant.merchant_number, is_merchant_number, "应为 15 位数字"),
        ):
            if text is None:
                continue
            if not fits(text):
                yield Fault(path=("merchants", i, key), reason=words)
            elif text in seen:
                yield Fault(path=("merchants", i, key), reason="已被前面的商户使用")
            seen.add(text)


def _fund_faults(path: Path, fund: Fund) -> Iterator[Fault]:
    yield from amount_faults((*path, "amount"), fund.amount_fen)
    for quarter in fund.quarters:
        yield from amount_faults((*path, "quarter_ceilings", quarter.name), quarter.ceiling_fen)
        floor_path = (*path, "quarter_floors", quarter.name)
        if quarter.floor_fen:  # 0 says that there is no floor
            yield from amount_faults(floor_path, quarter.floor_fen)
        if quarter.floor_fen > quarter.ceiling_fen:
            yield Fault(
                path=floor_path,
                reason=f"下限 {yuan_text(quarter.floor_fen)} 元"
                f"高于上限 {yuan_text(quarter.ceiling_fen)} 元",
            )
    ceilings_fen = sum(quarter.ceiling_fen for quarter in fund.quarters)
    if ceilings_fen > fund.amount_fen:
        yield _too_much(
            (*path, "quarter_ceilings"), "各季度上限", ceilings_fen, "资金总额", fund.amount_fen
        )


def _reference_faults(
    known: set[tuple[str, str]], campaigns: Sequence[Campaign], merchants: Sequence[Merchant]
) -> Iterator[Fault]:
    """Every id that is referred to stands in the file. `known` holds (section, id)."""
    references: list[tuple[Path, Section, str]] = []
    for i, merchant in enumerate(merchants):
        references.append((("merchants", i, "domain"), "domains", merchant.domain_id))
    for i, campaign in enumerate(campaigns):
        path: Path = ("campaigns", i)
        references.append(((*path, "fund"), "funds", campaign.fund_id))
        if campaign.merchant_id is not None:
            references.append(((*path, "merchant"), "merchants", campaign.merchant_id))
        for k, domain_id in enumerate(campaign.domain_ids):
            references.append(((*path, "domains", k), "domains", domain_id))
    for path, section, id_ in references:
        if not known & {(section, id_), (section, ANY_ID)}:
            yield Fault(path=path, reason=f"本文件的 {section} 里没有“{id_[:32]}”")


def _quarter_faults(funds: Sequence[Fund], campaigns: Sequence[Campaign]) -> Iterator[Fault]:
    """A campaign names a quarter if, and only if, its fund is arranged by quarters."""
    funds_by_id = {fund.id: fund for fund in reversed(funds)}  # of two, the first has the id
    for i, campaign in enumerate(campaigns):
        fund = funds_by_id.get(campaign.fund_id)
        if fund is None:
            continue
        path: Path = ("campaigns", i, "quarter")
        if campaign.quarter is None and fund.quarters:
            # Without its quarter the campaign would spend past every ceiling.
            yield Fault(path=path, reason="所用资金按季度安排，须写明季度 quarter")
        if campaign.quarter is not None and campaign.quarter not in {q.name for q in fund.quarters}:
            yield Fault(path=path, reason=f"所用资金没有安排 {campaign.quarter} 的额度")


def _domain_faults(domains: Sequence[Domain], campaigns: Sequence[Campaign]) -> Iterator[Fault]:
    """Each campaign has domains, each once, and 汽车 only as a subsidy.

    The action plan (four (一)) supports cars; the voucher plan (three) does not list them.
    """
    car_ids = {domain.id for domain in domains if domain.is_cars}
    for i, campaign in enumerate(campaigns):
        path: Path = ("campaigns", i, "domains")
        if not campaign.domain_ids:
            yield Fault(path=path, reason="活动至少要有一个适用领域")
        seen: set[str] = set()
        for k, domain_id in enumerate(campaign.domain_ids):
            if domain_id in seen:
                yield Fault(path=(*path, k), reason="与前面的领域重复")
            seen.add(domain_id)
            if domain_id in car_ids and campaign.mode != "subsidy":
                reason = "汽车领域只能办专项补贴（mode: subsidy），不能发券、满减或免门票"
                yield Fault(path=(*path, k), reason=reason)


def _spending_faults(funds: Sequence[Fund], campaigns: Sequence[Campaign]) -> Iterator[Fault]:
    """Campaigns ≤ quarter and campaigns ≤ fund: no more is promised than there is."""
    fund_fen: Counter[str] = Counter()
    quarter_fen: Counter[tuple[str, str]] = Counter()
    for campaign in campaigns:
        fund_fen[campaign.fund_id] += campaign.amount_fen
        if campaign.quarter is not None:
            quarter_fen[campaign.fund_id, campaign.quarter] += campaign.amount_fen
    for i, fund in enumerate(funds):
        if (spent_fen := fund_fen[fund.id]) > fund.amount_fen:
            path: Path = ("funds", i, "amount")
            yield _too_much(path, "所列活动", spent_fen, "资金总额", fund.amount_fen)
        for quarter in fund.quarters:
            if (spent_fen := quarter_fen[fund.id, quarter.name]) > quarter.ceiling_fen:
                path = ("funds", i, "quarter_ceilings", quarter.name)
                yield _too_much(path, "本季度活动", spent_fen, "上限", quarter.ceiling_fen)


def _too_much(path: Path, what: str, sum_fen: int, bound: str, bound_fen: int) -> Fault:
    reason = f"{what}合计 {yuan_text(sum_fen)} 元，超过{bound} {yuan_text(bound_fen)} 元"
    return Fault(path=path, reason=reason)
