"""What staff may do with one merchant: each step of the chain as a button, for whoever may take it.

A merchant goes to the partner, and comes from there to the public list, together with others: those
steps are taken on the pages of the lists.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import request

from backend.domain.applicants import AppliedFor, Tills
from backend.domain.merchant_steps import REASONED, Confirming, Office, Screening, Step
from backend.domain.onboarding import MerchantStepOutOfOrder
from backend.domain.permissions import Permission as P
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.staff import Role
from backend.edge.console import access
from backend.services import approvals, merchant_reports, merchant_steps, pledges, standings

if TYPE_CHECKING:
    from backend.storage.models.merchants import Merchant
    from backend.storage.models.onboarding import MerchantStep

OFFICE_OF: Mapping[Role, Office] = {
    Role.BANK: "bank",
    Role.SUPERIOR_BANK: "superior_bank",
    Role.BUREAU_OPERATOR: "bureau",
    Role.BUREAU_APPROVER: "bureau",
    Role.TAX: "tax",
    Role.MARKET_REGULATOR: "market_regulator",
    Role.PARTNER: "partner",
}


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a form gives: who, for which office, why, with which paper."""

    actor: str
    office: Office
    reason: str
    evidence: bytes | None


@dataclass(frozen=True, kw_only=True)
class Deed:
    """A step as a button. `name` stands in its address; `warns` says what it will do."""

    name: str
    step: Step
    title: str
    permission: P
    take: Callable[[str, Given], object]
    evidence: bool = False
    danger: bool = False
    warns: str = ""

    @property
    def reason(self) -> bool:
        """Whether it wants a reason."""
        return self.step in REASONED


def _confirm(office: Confirming) -> Callable[[str, Given], object]:
    return lambda merchant_id, given: approvals.confirm(
        merchant_id, office=office, actor=given.actor
    )


def _screen(office: Screening, word: approvals.Word) -> Callable[[str, Given], object]:
    return lambda merchant_id, given: approvals.screen(
        merchant_id,
        word,
        office=office,
        actor=given.actor,
        reason=given.reason,
        evidence=given.evidence,
    )


def _apply(merchant_id: str, given: Given) -> object:
    wanted: AppliedFor = "pos" if request.form.get("applied_for") == "pos" else "placard"
    return pledges.apply(merchant_id, wanted, actor=given.actor)


def _report(merchant_id: str, given: Given) -> object:
    tills = Tills(
        merchant_number=request.form.get("merchant_number", "").strip(),
        terminal_numbers=tuple(request.form.get("terminals", "").split()),
    )
    return merchant_reports.report(merchant_id, tills, actor=given.actor)


def _list(merchant_id: str, given: Given) -> object:
    return approvals.put_on_list(merchant_id, actor=given.actor)


def _standing(act: Callable[..., None], *kept: str) -> Callable[[str, Given], object]:
    """Make a deed of a service of standings; `kept` names what it takes besides the reason."""

    def take(merchant_id: str, given: Given) -> None:
        more = {name: getattr(given, name) for name in kept}
        act(merchant_id, actor=given.actor, reason=given.reason, **more)

    return take


_SCREENING: Sequence[tuple[Screening, str, P]] = (
    ("tax", "税务", P.MERCHANTS_SCREEN_TAX),
    ("market_regulator", "市场监管", P.MERCHANTS_SCREEN_MARKET),
)
DEEDS: Sequence[Deed] = (
    Deed(
        name="apply",
        step=Step.APPLIED,
        title="登记申请",
        permission=P.MERCHANTS_REPORT,
        take=_apply,
    ),
    Deed(
        name="report", step=Step.REPORTED, title="提报", permission=P.MERCHANTS_REPORT, take=_report
    ),
    Deed(
        name="confirm-superior",
        step=Step.SUPERIOR_BANK_CONFIRMED,
        title="确认（上级银行）",
        permission=P.MERCHANTS_CONFIRM_SUPERIOR,
        take=_confirm("superior_bank"),
    ),
    Deed(
        name="confirm-bureau",
        step=Step.BUREAU_CONFIRMED,
        title="确认（商务局）",
        permission=P.MERCHANTS_CONFIRM_BUREAU,
        take=_confirm("bureau"),
    ),
    *(
        deed
        for office, words, permission in _SCREENING
        for deed in (
            Deed(
                name=f"{office}-pass",
                step=Step(f"{office}_passed"),
                title=f"{words}筛选通过",
                permission=permission,
                take=_screen(office, "passed"),
            ),
            Deed(
                name=f"{office}-veto",
                step=Step(f"{office}_vetoed"),
                title=f"{words}否决",
                permission=permission,
                take=_screen(office, "vetoed"),
                evidence=True,
                danger=True,
                warns="否决后商户停在这里，直到本单位解除否决并重新筛选。",
            ),
            Deed(
                name=f"{office}-lift",
                step=Step(f"{office}_lifted"),
                title=f"{words}解除否决",
                permission=permission,
                take=_screen(office, "lifted"),
                evidence=True,
                warns="解除后须重新筛选，并由商务局重新列入名单。",
            ),
        )
    ),
    Deed(
        name="list",
        step=Step.LISTED,
        title="列入名单",
        permission=P.MERCHANTS_SEND_TO_PARTNER,
        take=_list,
    ),
    Deed(
        name="suspend",
        step=Step.SUSPENDED,
        title="暂停商户",
        permission=P.MERCHANTS_SUSPEND,
        take=_standing(standings.suspend, "evidence", "office"),
        evidence=True,
        danger=True,
        warns="立即不能开始新的订单；已开始的订单可在锁券时间内付完。下次公布时不在名单上。",
    ),
    Deed(
        name="resume",
        step=Step.RESUMED,
        title="恢复商户",
        permission=P.MERCHANTS_RESUME,
        take=_standing(standings.resume, "evidence"),
        evidence=True,
        warns="须由暂停之外的另一人办理。恢复后立即可以核销。",
    ),
    Deed(
        name="propose-disqualify",
        step=Step.DISQUALIFICATION_PROPOSED,
        title="提出取消参与资格",
        permission=P.MERCHANTS_PROPOSE_DISQUALIFY,
        take=_standing(standings.propose_disqualification, "evidence", "office"),
        evidence=True,
        danger=True,
        warns="提出后不会立即生效，须由另一人复核。如需马上停止核销，请先暂停商户。",
    ),
    Deed(
        name="withdraw-disqualify",
        step=Step.DISQUALIFICATION_WITHDRAWN,
        title="撤回取消资格提议",
        permission=P.MERCHANTS_PROPOSE_DISQUALIFY,
        take=_standing(standings.withdraw_disqualification, "office"),
    ),
    Deed(
        name="decline-disqualify",
        step=Step.DISQUALIFICATION_WITHDRAWN,
        title="不同意取消资格",
        permission=P.MERCHANTS_DISQUALIFY,
        take=_standing(standings.withdraw_disqualification, "office"),
    ),
    Deed(
        name="disqualify",
        step=Step.DISQUALIFIED,
        title="取消参与资格",
        permission=P.MERCHANTS_DISQUALIFY,
        take=_standing(standings.confirm_disqualification),
        danger=True,
        warns="没有退路：证照和收款账户不能换名再来。未结订单见下方“未结订单与未付款项”。",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Offered:
    """A deed for who is signed in: open to him, or why it is not."""

    deed: Deed
    missing: Sequence[str] = ()
    other_person: bool = False

    @property
    def open(self) -> bool:
        """Whether it can be done now."""
        return not self.missing and not self.other_person


def offered(merchant: "Merchant", taken: "Sequence[MerchantStep]") -> Iterator[Offered]:
    """Yield what who is signed in may do with a merchant, and what he could but for something.

    What is done already is left out, and so is what wants a reason and finds no occasion.
    """
    staff = access.current_staff()
    for deed in DEEDS:
        if not access.may(deed.permission):
            continue
        refusal = merchant_steps.refusal_of(
            merchant, taken, deed.step, actor=staff.name, office=OFFICE_OF[Role(staff.role)]
        )
        if refusal is None:
            yield Offered(deed=deed)
        elif isinstance(refusal, SecondPersonNeeded):
            yield Offered(deed=deed, other_person=True)
        elif isinstance(refusal, MerchantStepOutOfOrder) and not deed.reason:
            yield Offered(deed=deed, missing=refusal.missing)
