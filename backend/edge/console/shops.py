"""One merchant's shop (店内): where it is paid, who redeems, its placards, what was seen there."""

import io
from typing import cast
from uuid import uuid4

from flask import Response, render_template, request, send_file

from backend.domain.clerk_files import ClerkFileRefused
from backend.domain.errors import InvalidRequest, NotFound
from backend.domain.identifiers import is_mobile
from backend.domain.permissions import Permission
from backend.edge.console import access
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done, form_again
from backend.edge.console.forms import uploaded
from backend.edge.console.merchants import FORM_BYTES, evidence
from backend.edge.http import takes_files
from backend.services import (
    clerk_files,
    clerks,
    merchants,
    payout_accounts,
    placards,
    placements,
)
from backend.services.placards import Picture
from backend.services.placements import MATERIAL_NAMES, Material

blueprint = ConsoleBlueprint("shops", __name__)
SHOP = "/merchants/<merchant_id:merchant_id>/shop"
NUMBER = 32  # characters of a check's number, which its form brings: sent twice is once
SHOWN_FAULTS = 100  # of a file: who mends those sends it again
MEDIA_TYPES = {"pdf": "application/pdf", "png": "image/png", "svg": "image/svg+xml"}


@blueprint.get(SHOP)
@permitted(Permission.MERCHANTS_READ)
def page(merchant_id: str) -> str:
    """Show a shop; each part to whoever may read it."""
    return render_template("console/shop.html", **_shown(merchant_id))


@blueprint.post(f"{SHOP}/accounts")
@permitted(Permission.PAYOUT_ACCOUNTS_PROPOSE)
def propose_account(merchant_id: str) -> Response:
    """Enter where a merchant is to be paid; another person confirms it."""
    payout_accounts.propose(
        merchant_id=merchant_id,
        holder=_text("holder"),
        bank=_text("bank"),
        number=_text("number"),
        actor=current_staff().name,
    )
    return done("已录入收款账户，须由财政复核后生效", "shops.page", merchant_id=merchant_id)


@blueprint.post(f"{SHOP}/accounts/confirm")
@permitted(Permission.PAYOUT_ACCOUNTS_CONFIRM)
def confirm_account(merchant_id: str) -> Response:
    """Confirm the account that waits, by the last four digits that the paper says."""
    payout_accounts.confirm(
        merchant_id=merchant_id, last4=_text("last4"), actor=current_staff().name
    )
    return done("收款账户已复核生效", "shops.page", merchant_id=merchant_id)


@blueprint.post(f"{SHOP}/clerks")
@permitted(Permission.CLERKS_MANAGE)
def add_clerk(merchant_id: str) -> Response:
    """Let somebody redeem for the shop."""
    name, phone = _text("name"), _text("phone")
    if not (1 <= len(name) <= 40 and name.isprintable() and is_mobile(phone)):
        raise InvalidRequest("clerk", details={"fields": {"姓名或手机号": "form"}})
    clerks.add_clerk(merchant_id=merchant_id, name=name, phone=phone, actor=current_staff().name)
    return done("已添加收银员，本人用微信登录商户端即可", "shops.page", merchant_id=merchant_id)


@blueprint.post(f"{SHOP}/clerks/file")
@takes_files(clerk_files.MAX_FILE_BYTES + 65_536)
@permitted(Permission.CLERKS_MANAGE)
def add_clerks(merchant_id: str) -> Response:
    """Let all whom a file names redeem for the shop, or nobody, and show every fault."""
    sent = uploaded()
    try:
        added = clerk_files.take(
            merchant_id, sent.stream, file_name=sent.filename or "", actor=current_staff().name
        )
    except ClerkFileRefused as error:
        shown = error.faults[:SHOWN_FAULTS]
        return form_again("console/shop.html", error, clerk_faults=shown, **_shown(merchant_id))
    return done(f"已添加 {added} 位收银员", "shops.page", merchant_id=merchant_id)


@blueprint.post(f"{SHOP}/clerks/<int:clerk_id>/remove")
@permitted(Permission.CLERKS_MANAGE)
def remove_clerk(merchant_id: str, clerk_id: int) -> Response:
    """End a clerk's work at the shop at once."""
    _refuse_stranger(merchant_id, clerk_id)
    clerks.remove_clerk(clerk_id=clerk_id, actor=current_staff().name)
    return done("已移除收银员", "shops.page", merchant_id=merchant_id)


@blueprint.post(f"{SHOP}/clerks/<int:clerk_id>/own")
@permitted(Permission.CLERKS_MANAGE)
def make_owner(merchant_id: str, clerk_id: int) -> Response:
    """Make a clerk the owner, who adds and removes the others."""
    _refuse_stranger(merchant_id, clerk_id)
    clerks.make_owner(clerk_id=clerk_id, actor=current_staff().name)
    return done("已设为店主", "shops.page", merchant_id=merchant_id)


@blueprint.post(f"{SHOP}/placards")
@permitted(Permission.PLACARDS_ISSUE)
def issue_placard(merchant_id: str) -> Response:
    """Issue the first placard, or one more beside those that count."""
    made = placards.issue(merchant_id, actor=current_staff().name)
    return done(f"已发放第 {made.serial} 号码牌", "shops.page", merchant_id=merchant_id)


@blueprint.post(f"{SHOP}/placards/reissue")
@permitted(Permission.PLACARDS_REVOKE)
def reissue_placard(merchant_id: str) -> Response:
    """Issue a placard in the place of all before it, which are void at once."""
    made = placards.reissue(merchant_id, actor=current_staff().name, reason=_reason())
    return done(
        f"已补发第 {made.serial} 号码牌，之前的全部作废", "shops.page", merchant_id=merchant_id
    )


@blueprint.post(f"{SHOP}/placards/<int:serial>/revoke")
@permitted(Permission.PLACARDS_REVOKE)
def revoke_placard(merchant_id: str, serial: int) -> Response:
    """Make a placard void at once."""
    placards.revoke(merchant_id, serial, actor=current_staff().name, reason=_reason())
    return done(f"第 {serial} 号码牌已作废", "shops.page", merchant_id=merchant_id)


@blueprint.get(f"{SHOP}/placard/<picture>")
@permitted(Permission.PLACARDS_READ)
def draw(merchant_id: str, picture: str) -> Response:
    """Draw the placard issued last: the A5 page to print, or its code alone."""
    if picture not in MEDIA_TYPES:
        raise NotFound(f"placard as {picture!r}")
    content = placards.draw(merchant_id, cast(Picture, picture))
    return send_file(
        io.BytesIO(content),
        MEDIA_TYPES[picture],
        as_attachment=picture != "png",
        download_name=f"{merchant_id}-码牌.{picture}",
        max_age=0,
    )


@blueprint.post(f"{SHOP}/checks")
@takes_files(FORM_BYTES)
@permitted(Permission.PLACEMENTS_RECORD)
def record_check(merchant_id: str) -> Response:
    """Write down what somebody saw in the shop just now."""
    check_id, material, found = _text("check_id"), _text("material"), _text("found")
    if material not in MATERIAL_NAMES or found not in ("yes", "no") or len(check_id) != NUMBER:
        raise InvalidRequest("check", details={"fields": {"物料或结果": "form"}})
    placements.record(
        check_id=check_id,
        merchant_id=merchant_id,
        material=cast(Material, material),
        found=found == "yes",
        place=_text("place"),
        photo=evidence(),
        actor=current_staff().name,
    )
    return done("已记录张贴检查", "shops.page", merchant_id=merchant_id)


def _shown(merchant_id: str) -> dict[str, object]:
    sees_placards = access.may(Permission.PLACARDS_READ)
    sees_checks = access.may(Permission.PLACEMENTS_READ)
    return {
        "merchant": merchants.get(merchant_id),
        "accounts": payout_accounts.accounts(merchant_id) if _sees_accounts() else None,
        "clerks": clerks.of_shop(merchant_id) if access.may(Permission.CLERKS_READ) else None,
        "placards": placards.of_merchant(merchant_id) if sees_placards else None,
        "checks": placements.list_checks(merchant_id) if sees_checks else None,
        "cleared": placements.cleared(merchant_id),
        "materials": MATERIAL_NAMES,
        "check_id": uuid4().hex,
    }


def _refuse_stranger(merchant_id: str, clerk_id: int) -> None:
    if clerk_id not in {clerk.id for clerk in clerks.of_shop(merchant_id)}:
        raise NotFound(f"clerk {clerk_id} of {merchant_id}")


def _sees_accounts() -> bool:
    wanted = (
        Permission.PAYOUTS_READ,
        Permission.PAYOUT_ACCOUNTS_PROPOSE,
        Permission.PAYOUT_ACCOUNTS_CONFIRM,
    )
    return any(access.may(one) for one in wanted)


def _text(name: str) -> str:
    return request.form.get(name, "").strip()


def _reason() -> str:
    reason = _text("reason")
    if not 1 <= len(reason) <= 200:
        raise InvalidRequest("reason", details={"fields": {"原因": "form"}})
    return reason
