"""Who works at the shop and where desks are open: the owner manages all, a clerk his own desks."""

import re

from apiflask import APIBlueprint
from flask import Response, render_template, request

from backend.domain.errors import InvalidRequest
from backend.edge.console.answers import done
from backend.edge.merchant_web.access import current_clerk
from backend.services import clerks, desk_sessions
from merchant_qr.payment_code import clean

blueprint = APIBlueprint("desk_staff", __name__, enable_openapi=False)
NAME_LENGTH = 20


@blueprint.get("/staff")
def page() -> str:
    """List clerks and open desks."""
    clerk = current_clerk()
    return render_template(
        "desk/staff.html",
        people=clerks.of_shop(clerk.merchant_id) if clerk.role == "owner" else [clerk],
        desks=desk_sessions.list_live(clerk),
    )


@blueprint.post("/staff")
def add() -> Response:
    """Let the holder of a phone number redeem for the shop."""
    name = request.form.get("name", "").strip()
    phone = clean(request.form.get("phone", ""))
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        sentence = f"请填写姓名，{NAME_LENGTH} 个字以内"
        raise InvalidRequest("a name of another length", details={"sentence": sentence})
    if not re.fullmatch("1[3-9][0-9]{9}", phone, re.ASCII):
        raise InvalidRequest("no mobile number", details={"sentence": "请填写 11 位手机号"})
    clerks.add_by_owner(owner_id=current_clerk().id, name=name, phone=phone)
    return done(f"已添加{name}，请他用自己的手机打开小程序登录一次", "desk_staff.page")


@blueprint.post("/staff/<int:clerk_id>/remove")
def remove(clerk_id: int) -> Response:
    """End a clerk's work at the shop, and with it his desks."""
    clerks.remove_by_owner(owner_id=current_clerk().id, clerk_id=clerk_id)
    return done("已移除，他的手机和收银台已不能再收款", "desk_staff.page")


@blueprint.post("/staff/desks/<int:desk_id>/end")
def end_desk(desk_id: int) -> Response:
    """Close a desk on another computer."""
    desk_sessions.end(desk_id, clerk=current_clerk())
    return done("已让那台收银台退出登录", "desk_staff.page")
