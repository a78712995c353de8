"""Merchants (商户): the list, and one merchant with its whole chain and what can be done next."""

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

from flask import Response, make_response, render_template, request, send_file, url_for
from pydantic import Field

from backend.domain.applicants import ApplicantInvalid
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.merchant_steps import OFFICE_NAMES, STATUS_NAMES, STEP_NAMES, Step
from backend.domain.onboarding import MerchantStepOutOfOrder
from backend.domain.permissions import Permission
from backend.domain.staff import Role
from backend.domain.subsidies import MAX_FILE_BYTES
from backend.domain.unmasking import SHOWN_S
from backend.edge.console import access, merchant_deeds
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done, form_again
from backend.edge.console.cells import Badge, Link, Tone
from backend.edge.console.forms import WithReason
from backend.edge.console.merchant_deeds import DEEDS, OFFICE_OF, Deed, Given
from backend.edge.console.tables import Column, Filter, Table
from backend.edge.http import takes_files
from backend.services import (
    disqualifications,
    merchant_files,
    merchant_reports,
    merchant_steps,
    merchant_work,
    merchants,
    pledges,
    unmasking,
)
from backend.services.listings import Listing

if TYPE_CHECKING:
    from backend.storage.models.merchants import Merchant
    from backend.storage.models.onboarding import MerchantStep

blueprint = ConsoleBlueprint("merchants", __name__)
FORM_BYTES = MAX_FILE_BYTES + 200_000  # one paper, and the fields beside it
TONES: dict[str, Tone] = {
    "vetoed": "bad",
    "suspended": "bad",
    "disqualified": "bad",
    "published": "good",
    "passed": "busy",
}
_BAD_NEWS = ("vetoed", "returned", "suspended", "disqualif", "missing")
_SEEN_BEFORE_THE_END = (
    Permission.MERCHANTS_SUSPEND,
    Permission.MERCHANTS_PROPOSE_DISQUALIFY,
    Permission.MERCHANTS_DISQUALIFY,
)


class MerchantFilter(Filter):
    """Which merchants are wanted; `name` is a part of a name, a number or a code."""

    name: Annotated[str, Field(title="名称、编号或信用代码", max_length=60)] = ""
    status: Annotated[str, Field(title="状态", max_length=20)] = ""
    domain: Annotated[str, Field(title="领域", max_length=32)] = ""
    area: Annotated[str, Field(title="区域", max_length=60)] = ""
    due: Annotated[
        str, Field(title="等待办理", pattern=f"^(|{'|'.join(merchant_work.STEPS)})$")
    ] = ""
    pledge: Annotated[str, Field(title="承诺书", pattern=r"^(outdated)?$")] = ""


def _find(wanted: MerchantFilter) -> "Listing[Merchant]":
    return merchant_work.find(
        status=wanted.status,
        domain_id=wanted.domain,
        area=wanted.area,
        name=wanted.name,
        due=wanted.due,
        pledge=wanted.pledge,
    )


def status_badge(merchant: "Merchant") -> Badge:
    """Return a merchant's status in words."""
    return Badge(STATUS_NAMES[merchant.status], TONES.get(merchant.status, "plain"))


TABLE: "Table[Merchant]" = Table(
    name="merchants",
    title="商户",
    permission=Permission.MERCHANTS_READ,
    filter=MerchantFilter,
    find=_find,
    columns=(
        Column("编号", lambda m: Link(m.id, "merchants.one", {"merchant_id": m.id}), width=10),
        Column("商户名称", lambda m: m.name, width=30),
        Column("领域", lambda m: m.domain.name),
        Column("区域", lambda m: m.area),
        Column("状态", status_badge),
        Column("还缺", lambda m: "、".join(merchant_steps.missing(m)), width=40),
        Column("统一社会信用代码", lambda m: m.uscc),
        Column("商户号", lambda m: m.merchant_number),
    ),
    choices={
        "status": lambda: list(STATUS_NAMES.items()),
        "domain": merchant_work.domains,
        "area": lambda: [(area, area) for area in merchant_work.areas()],
        "due": lambda: [(step, STEP_NAMES[step]) for step in merchant_work.STEPS],
        "pledge": lambda: [("outdated", "需重签")],
    },
)


@blueprint.get("/merchants")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List merchants."""
    return TABLE.answer("console/merchants.html")


@blueprint.get("/merchants/<merchant_id:merchant_id>")
@permitted(Permission.MERCHANTS_READ)
def one(merchant_id: str) -> str:
    """Show one merchant: what is known, its way, and what can be done next."""
    return render_template("console/merchant.html", **_shown(merchant_id))


@blueprint.get("/merchants/<merchant_id:merchant_id>/papers/<digest>")
@permitted(Permission.MERCHANT_PAPERS_READ)
def paper(merchant_id: str, digest: str) -> Response:
    """Hand out a paper of the merchant; a PDF only as a download."""
    media_type, content = merchant_files.read(
        digest, merchant_id=merchant_id, actor=current_staff().name
    )
    is_pdf = media_type == "application/pdf"
    return send_file(
        io.BytesIO(content),
        media_type,
        as_attachment=is_pdf,
        download_name=f"{merchant_id}-{digest[:12]}.{'pdf' if is_pdf else 'jpg'}",
        max_age=0,
    )


@blueprint.post("/merchants/<merchant_id:merchant_id>/unmask")
@permitted(Permission.MERCHANTS_UNMASK)
def unmask(merchant_id: str) -> Response:
    """Show the contact's whole number on the answer itself; the browser then goes back."""
    staff = current_staff()
    phone = unmasking.of_merchant(
        merchant_id, reason=WithReason.read().reason, actor=staff.name, role=staff.role
    )
    page = render_template("console/merchant.html", phone=phone, **_shown(merchant_id))
    answer = make_response(page)
    back = url_for("merchants.one", merchant_id=merchant_id)
    answer.headers["Refresh"] = f"{SHOWN_S}; url={back}"
    return answer


def evidence() -> bytes | None:
    """Return the file of a form's field `evidence`, None for none."""
    sent = request.files.get("evidence")
    return sent.read() if sent is not None and sent.filename else None


def _view(deed: Deed) -> Callable[[str], Response]:
    def view(merchant_id: str) -> Response:
        staff = current_staff()
        given = Given(
            actor=staff.name,
            office=OFFICE_OF[Role(staff.role)],
            reason=request.form.get("reason", ""),
            evidence=evidence() if deed.evidence else None,
        )
        try:
            deed.take(merchant_id, given)
        except NotFound:
            raise
        except HuiquanError as error:
            return form_again("console/merchant.html", error, **_shown(merchant_id, error))
        return done(f"已办理：{deed.title}", "merchants.one", merchant_id=merchant_id)

    return takes_files(FORM_BYTES)(permitted(deed.permission)(view))


for _deed in DEEDS:
    blueprint.add_url_rule(
        f"/merchants/<merchant_id:merchant_id>/steps/{_deed.name}",
        endpoint=_deed.name,
        view_func=_view(_deed),
        methods=["POST"],
    )


def _shown(merchant_id: str, error: HuiquanError | None = None) -> dict[str, object]:
    merchant = merchants.get(merchant_id)
    taken = merchant_steps.history(merchant_id)
    at_stake = any(access.may(wanted) for wanted in _SEEN_BEFORE_THE_END)
    return {
        "merchant": merchant,
        "status": status_badge(merchant),
        "terminals": merchant_reports.terminals(merchant_id),
        "pledge": pledges.of_merchant(merchant_id),
        "wants_signature": pledges.wants_signature(merchant_id),
        "history": [(row, STEP_NAMES[Step(row.step)], _tone(row)) for row in taken],
        "missing": _missing(merchant),
        "offered": list(merchant_deeds.offered(merchant, taken)),
        "offices": OFFICE_NAMES,
        "outlook": disqualifications.outlook(merchant_id) if at_stake else None,
        "refused_for": _why(error),
        "shown_s": SHOWN_S,
    }


def _missing(merchant: "Merchant") -> list[str]:
    if merchant.status in ("published", "suspended", "disqualified"):
        return []
    return [*merchant_steps.missing(merchant), STEP_NAMES[Step.PUBLISHED]]


def _tone(row: "MerchantStep") -> Tone:
    if row.step == Step.DISQUALIFICATION_WITHDRAWN:
        return "plain"
    return "bad" if any(word in row.step for word in _BAD_NEWS) else "good"


def _why(error: HuiquanError | None) -> Sequence[str]:
    """Return what a refusal names besides its sentence."""
    if isinstance(error, MerchantStepOutOfOrder):
        return error.missing
    if isinstance(error, ApplicantInvalid):
        return [f"{fault.where}：{fault.reason}" for fault in error.faults]
    return ()
