"""Partner banks (合作机构): keys and addresses, what they bring, what of theirs is refused."""

from typing import TYPE_CHECKING, Annotated

from flask import Response, render_template
from pydantic import Field

from backend.domain.partners import MAX_ACTIVE_KEYS
from backend.domain.permissions import Permission
from backend.domain.proposals import FAULTS
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Badge, Link, Tone
from backend.edge.console.forms import Form, Reason, Text, WithReason
from backend.edge.console.tables import Column, Filter, Table
from backend.services import money_lists, partner_calls, partner_files, partner_merchants, partners
from backend.services.listings import Listing
from backend.services.partners import PartnerShown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backend.storage.models.partners import MerchantProposal

blueprint = ConsoleBlueprint("partners", __name__)
of_proposals = ConsoleBlueprint("partner_proposals", __name__)
SHOWN_FILES = 10
KEY_STATES: dict[str, tuple[str, Tone]] = {
    "proposed": ("待复核", "busy"),
    "active": ("有效", "good"),
    "retired": ("已停用", "plain"),
}
PROPOSAL_STATES: dict[str, tuple[str, Tone]] = {
    "bank_qualified": ("已收下", "good"),
    "refused": ("未收下", "bad"),
}
CALL_REFUSALS = {
    "partner_signature_invalid": "签名无效（机构号、密钥或签名内容不对）",
    "partner_time_wrong": "对方时钟相差超过 5 分钟",
    "partner_address_refused": "网络地址不在名单内",
    "partner_nonce_used": "随机串重复使用",
}
FILE_REFUSALS = {
    "outside_file_refused": "内容有误",
    "outside_file_exists": "当日已收过另一份",
    "outside_file_not_in_force": "要更正的文件不是现行的",
    "partner_file_of_another": "文件名是别的机构的",
    "day_not_over": "当日尚未结束",
}


class ProposalFilter(Filter):
    """Which lines of partners' lists are wanted."""

    partner: Annotated[str, Field(title="合作机构", max_length=20)] = ""
    state: Annotated[str, Field(title="结果", max_length=16)] = ""


class PartnerForm(Form):
    """A partner as its daily files are named."""

    partner_id: Text
    name: Text


class KeyForm(Form):
    """What a new key is called."""

    key_id: Text


class NetworkForm(Form):
    """An address or a range."""

    network: Text


class RemovalForm(NetworkForm):
    """An address that may call no more, and why."""

    reason: Reason


def _proposals(wanted: ProposalFilter) -> "Listing[MerchantProposal]":
    return partner_merchants.proposals(partner_id=wanted.partner, state=wanted.state)


def _in(state: str, shown: PartnerShown) -> int:
    return sum(key.state == state for key in shown.keys)


def _names() -> "Sequence[tuple[str, str]]":
    return [(shown.partner.id, shown.partner.name) for shown in partners.list_all()]


TABLE: Table[PartnerShown] = Table(
    name="partners",
    title="合作机构",
    permission=Permission.PARTNERS_READ,
    filter=Filter,
    find=lambda _: partners.listing(),
    columns=(
        Column(
            "机构号",
            lambda s: Link(s.partner.id, "partners.one", {"partner_id": s.partner.id}),
            width=14,
        ),
        Column("名称", lambda s: s.partner.name, width=28),
        Column("有效密钥", lambda s: _in("active", s), width=10),
        Column("待复核密钥", lambda s: _in("proposed", s), width=12),
        Column("准许网段", lambda s: "、".join(s.networks), width=36),
        Column("最近一次调用", lambda s: s.last_call_at),
        Column("登记人", lambda s: s.partner.added_by),
        Column("登记时间", lambda s: s.partner.added_at),
    ),
)
PROPOSALS: "Table[MerchantProposal]" = Table(
    name="merchant_proposals",
    title="银行接口提报",
    permission=Permission.PARTNERS_READ,
    filter=ProposalFilter,
    find=_proposals,
    columns=(
        Column("时间", lambda p: p.proposed_at),
        Column("合作机构", lambda p: p.partner_id, width=14),
        Column("请求号", lambda p: p.request_number, width=28),
        Column("行号", lambda p: p.line, width=8),
        Column("商户", lambda p: p.name, width=28),
        Column("统一社会信用代码", lambda p: p.uscc, width=22),
        Column("商户号", lambda p: p.merchant_number, width=18),
        Column("终端号", lambda p: p.terminal_numbers, width=24),
        Column("领域", lambda p: p.domain_id, width=10),
        Column("结果", lambda p: Badge(*PROPOSAL_STATES[p.state])),
        Column("原因", lambda p: "；".join(FAULTS[code] for code in p.faults.split()), width=40),
    ),
    choices={
        "partner": _names,
        "state": lambda: [(code, text) for code, (text, _) in PROPOSAL_STATES.items()],
    },
)


@blueprint.get("/partners")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List partners, and calls in the name of none."""
    return TABLE.answer(
        "console/partners.html", strangers=partner_calls.refused_of_late(), words=CALL_REFUSALS
    )


@blueprint.post("/partners")
@permitted(Permission.PARTNERS_PROPOSE)
def add() -> Response:
    """Enter a partner."""
    form = PartnerForm.read()
    partners.add(form.partner_id, name=form.name, actor=current_staff().name)
    return done("已登记，接下来登记密钥和准许的网段", "partners.one", partner_id=form.partner_id)


@blueprint.get("/partners/<partner_id>")
@permitted(Permission.PARTNERS_READ)
def one(partner_id: str) -> str:
    """Show one partner: keys without secrets, addresses, files, what was refused of late."""
    shown = partners.get(partner_id)
    return render_template(
        "console/partner.html",
        shown=shown,
        keys=[(key, Badge(*KEY_STATES[key.state])) for key in reversed(shown.keys)],
        is_full=_in("active", shown) >= MAX_ACTIVE_KEYS,
        refused=partner_calls.refused_of_late(partner_id),
        words=CALL_REFUSALS,
        files=money_lists.outside_files(kind="bank_detail", party=partner_id).page(1, SHOWN_FILES),
        refused_files=partner_files.refused(partner_id),
        file_words=FILE_REFUSALS,
    )


@blueprint.post("/partners/<partner_id>/keys")
@permitted(Permission.PARTNERS_PROPOSE)
def new_key(partner_id: str) -> str:
    """Make a key, and show its secret on the answer itself: a redirect would have to carry it."""
    key_id = KeyForm.read().key_id
    secret = partners.new_key(partner_id, key_id, actor=current_staff().name)
    return render_template(
        "console/partner_key.html", partner_id=partner_id, key_id=key_id, secret=secret
    )


@blueprint.post("/partners/<partner_id>/keys/<key_id>/confirm")
@permitted(Permission.PARTNERS_CONFIRM)
def confirm_key(partner_id: str, key_id: str) -> Response:
    """Put a key into force, as another person than who made it."""
    partners.confirm_key(partner_id, key_id, actor=current_staff().name)
    return done(f"密钥 {key_id} 已复核，即刻有效", "partners.one", partner_id=partner_id)


@blueprint.post("/partners/<partner_id>/keys/<key_id>/retire")
@permitted(Permission.PARTNERS_STOP)
def retire_key(partner_id: str, key_id: str) -> Response:
    """End a key at once."""
    reason = WithReason.read().reason
    partners.retire_key(partner_id, key_id, reason=reason, actor=current_staff().name)
    return done(f"密钥 {key_id} 已停用", "partners.one", partner_id=partner_id)


@blueprint.post("/partners/<partner_id>/networks")
@permitted(Permission.PARTNERS_PROPOSE)
def allow(partner_id: str) -> Response:
    """Let a partner call from an address or a range."""
    found = partners.allow(partner_id, NetworkForm.read().network, actor=current_staff().name)
    return done(f"已准许从 {found} 接入", "partners.one", partner_id=partner_id)


@blueprint.post("/partners/<partner_id>/networks/remove")
@permitted(Permission.PARTNERS_STOP)
def disallow(partner_id: str) -> Response:
    """Let a partner call from there no more."""
    form = RemovalForm.read()
    found = partners.disallow(
        partner_id, form.network, reason=form.reason, actor=current_staff().name
    )
    return done(f"不再准许从 {found} 接入", "partners.one", partner_id=partner_id)


@of_proposals.get("/partner-proposals")
@permitted(PROPOSALS.permission)
def page_of_proposals() -> Response | str:
    """List what partners' interfaces proposed, line by line."""
    return PROPOSALS.answer("console/orders.html")
