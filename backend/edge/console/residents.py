"""Residents (居民): found by little, shown masked; blocks, and whole numbers for a reason."""

from typing import Annotated

from flask import Response, make_response, render_template, url_for
from pydantic import Field

from backend.domain.permissions import Permission
from backend.domain.unmasking import SHOWN_S
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Badge, Cell, Link, Money
from backend.edge.console.forms import WithReason
from backend.edge.console.tables import Column, Filter, Table
from backend.edge.console.words import action
from backend.services import blocks, resident_records, unmasking
from backend.services.listings import Listing
from backend.services.resident_records import ResidentLine, ResidentRecord

blueprint = ConsoleBlueprint("residents", __name__)
BLOCKED = {"yes": True, "no": False}
VOUCHER_STATES: dict[str, Badge] = {
    "unused": Badge("未使用", "good"),
    "locked": Badge("付款中", "busy"),
    "used": Badge("已核销"),
    "expired": Badge("已过期"),
}
ORDER_STATES: dict[str, Badge] = {
    "locked": Badge("付款中", "busy"),
    "redeemed": Badge("已核销", "good"),
    "released": Badge("已取消"),
    "reversed": Badge("已撤销"),
    "refunded": Badge("已退款"),
}
ENTRY_STATES = {"counted": "免首道门票", "free": "本就免票", "undone": "已撤销"}


class ResidentFilter(Filter):
    """What is known of the resident who is looked for."""

    last4: Annotated[str, Field(title="手机号后四位", pattern=r"^[0-9]{4}$|^$")] = ""
    resident_id: Annotated[str, Field(title="居民编号", pattern=r"^[0-9]{1,9}$|^$")] = ""
    voucher_id: Annotated[str, Field(title="消费券编号", pattern=r"^[0-9]{1,18}$|^$")] = ""
    blocked: Annotated[str, Field(title="状态", pattern=r"^(yes|no)?$")] = ""


def _find(wanted: ResidentFilter) -> Listing[ResidentLine]:
    return resident_records.find(
        last4=wanted.last4,
        resident_id=int(wanted.resident_id) if wanted.resident_id else None,
        voucher_id=int(wanted.voucher_id) if wanted.voucher_id else None,
        blocked=BLOCKED.get(wanted.blocked),
    )


def _state(row: ResidentLine) -> Cell:
    return Badge("已停用", "bad") if row.is_blocked else Badge("正常", "good")


TABLE: Table[ResidentLine] = Table(
    name="residents",
    title="居民",
    permission=Permission.RESIDENTS_READ,
    filter=ResidentFilter,
    find=_find,
    columns=(
        Column(
            "居民编号",
            lambda row: Link(str(row.id), "residents.resident", {"resident_id": row.id}),
        ),
        Column("手机号", lambda row: _masked(row.phone_last4)),
        Column("登记时间", lambda row: row.created_at),
        Column("状态", _state),
    ),
    choices={"blocked": lambda: [("yes", "已停用"), ("no", "正常")]},
)


@blueprint.get("/residents")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List residents, the newest first."""
    return TABLE.answer("console/residents.html")


@blueprint.get("/residents/<int:resident_id>")
@permitted(Permission.RESIDENTS_READ)
def resident(resident_id: int) -> str:
    """Show one resident, masked."""
    return _render(resident_records.get(resident_id))


@blueprint.post("/residents/<int:resident_id>/unmask")
@permitted(Permission.RESIDENTS_UNMASK)
def unmask(resident_id: int) -> Response:
    """Show the whole number on the answer itself; the browser then goes back without it."""
    staff = current_staff()
    phone = unmasking.of_resident(
        resident_id, reason=WithReason.read().reason, actor=staff.name, role=staff.role
    )
    answer = make_response(_render(resident_records.get(resident_id), phone=phone))
    back = url_for("residents.resident", resident_id=resident_id)
    answer.headers["Refresh"] = f"{SHOWN_S}; url={back}"
    return answer


@blueprint.post("/residents/<int:resident_id>/block")
@permitted(Permission.RESIDENTS_BLOCK)
def block(resident_id: int) -> Response:
    """Stop a resident's claims and payments at once."""
    blocks.block(resident_id, reason=WithReason.read().reason, actor=current_staff().name)
    return done("已停用：不能领券，也不能用券", "residents.resident", resident_id=resident_id)


@blueprint.post("/residents/<int:resident_id>/unblock")
@permitted(Permission.RESIDENTS_UNBLOCK)
def unblock(resident_id: int) -> Response:
    """Let a resident claim and pay again."""
    blocks.lift(resident_id, reason=WithReason.read().reason, actor=current_staff().name)
    return done("已恢复，可以领券和用券", "residents.resident", resident_id=resident_id)


def _render(record: ResidentRecord, *, phone: str | None = None) -> str:
    phones = [_masked(i.last4) for i in record.identities if i.kind == "phone"]
    cards = [f"尾号 {i.last4}" for i in record.identities if i.kind == "card"]
    return render_template(
        "console/resident.html",
        resident=record.resident,
        phone=phone,
        shown_s=SHOWN_S,
        complete=record.wallet.complete,
        facts=[
            ("状态", _state(record.resident)),
            ("手机号", "、".join(phones)),
            ("银行卡", "、".join(cards) or "未绑定"),
            ("登记时间", record.resident.created_at),
        ],
        **_tables(record),
        steps=[
            (action(act.action), "plain", act.at, act.actor, act.details.get("reason"))
            for act in record.acts
        ],
    )


def _tables(record: ResidentRecord) -> dict[str, list[list[Cell]]]:
    """Return what a resident has and did, as rows of cells."""
    return {
        "vouchers": [
            [
                str(v.voucher_id),
                v.campaign_name,
                Money(v.face_value_fen),
                v.claimed_at,
                v.valid_until,
                VOUCHER_STATES[v.status],
            ]
            for v in record.wallet.vouchers
        ],
        "orders": [
            [
                o.id[:12],
                o.merchant.name,
                Money(o.order_amount_fen),
                Money(o.discount_fen),
                o.created_at,
                ORDER_STATES[o.status],
            ]
            for o in record.orders
        ],
        "entries": [
            [e.merchant.name, e.entered_at, Money(e.amount_fen), ENTRY_STATES[e.state]]
            for e in record.entries
        ],
    }


def _masked(last4: str) -> str:
    return f"*******{last4}"
