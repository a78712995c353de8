"""What waits at merchants (待办商户): one's own steps, and all offices' counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import render_template, url_for

from backend.domain.merchant_steps import STEP_NAMES, Step
from backend.domain.permissions import Permission as P
from backend.edge.console import access
from backend.edge.console.access import ConsoleBlueprint, permitted
from backend.services import merchant_work

if TYPE_CHECKING:
    from backend.storage.models.merchants import Merchant

blueprint = ConsoleBlueprint("merchant_work", __name__)
SHOWN = 20
WHOSE: Mapping[Step, P] = {
    Step.APPLIED: P.MERCHANTS_REPORT,
    Step.REPORTED: P.MERCHANTS_REPORT,
    Step.SUPERIOR_BANK_CONFIRMED: P.MERCHANTS_CONFIRM_SUPERIOR,
    Step.BUREAU_CONFIRMED: P.MERCHANTS_CONFIRM_BUREAU,
    Step.TAX_PASSED: P.MERCHANTS_SCREEN_TAX,
    Step.MARKET_REGULATOR_PASSED: P.MERCHANTS_SCREEN_MARKET,
    Step.LISTED: P.MERCHANTS_SEND_TO_PARTNER,
    Step.SENT: P.MERCHANTS_SEND_TO_PARTNER,
    Step.PARTNER_PASSED: P.MERCHANTS_PASS_PARTNER,
    Step.PUBLISHED: P.MERCHANTS_PUBLISH,
    Step.RESUMED: P.MERCHANTS_RESUME,
    Step.DISQUALIFIED: P.MERCHANTS_DISQUALIFY,
}
# Steps that are taken for many at once, on a page of their own.
TOGETHER = {
    Step.SENT: "partner_lists.page",
    Step.PARTNER_PASSED: "partner_lists.page",
    Step.PUBLISHED: "merchant_lists.page",
}


@dataclass(frozen=True, kw_only=True)
class Work:
    """A step that waits for who is signed in: at how many, the first of them, where all are."""

    step: Step
    count: int
    first: "Sequence[Merchant]"
    url: str


@blueprint.get("/merchant-work")
@permitted(P.MERCHANTS_READ)
def page() -> str:
    """Show what waits."""
    counts = merchant_work.counts()
    return render_template(
        "console/merchant_work.html",
        own=[_work(step, counts[step]) for step in _own() if counts[step]],
        has_office=bool(_own()),
        counts=[(STEP_NAMES[step], count, None) for step, count in counts.items()],
        names=STEP_NAMES,
    )


def count_own(_: str) -> int:
    """Return how many merchants wait for who is signed in."""
    return sum(merchant_work.counts(_own()).values())


def _own() -> list[Step]:
    return [step for step in merchant_work.STEPS if access.may(WHOSE[step])]


def _work(step: Step, count: int) -> Work:
    together = TOGETHER.get(step)
    return Work(
        step=step,
        count=count,
        first=merchant_work.find(due=step).page(1, SHOWN),
        url=url_for(together) if together else url_for("merchants.page", due=step.value),
    )
