"""Signing in with WeChat, and who is calling."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from apiflask import APIBlueprint
from flask import current_app, request
from pydantic import BaseModel, Field

from backend import clock
from backend.domain import refusals, tokens
from backend.edge import limits
from backend.edge.guards import Guard
from backend.services import cards, clerks, residents, sign_ins
from backend.settings import Settings
from miniprogram_api.shapes import Base64Text, Request, WeChatCode

if TYPE_CHECKING:
    from backend.storage.models.merchants import Clerk

sessions = APIBlueprint("sessions", __name__, tag="登录 sessions")
phones = APIBlueprint("phones", __name__, tag="登录 sessions")

# Who calls is remembered in the request's own environ, under these names: g belongs to the
# application's context, and one that serves two requests would lend the first caller to the second.
CLAIMS, CLERK = "huiquan.token_claims", "huiquan.clerk"

RefreshToken = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{43}$")]


class ResidentLogin(Request):
    """wx.login() 得到的 code。"""

    js_code: WeChatCode


class ClerkLogin(Request):
    """首次登录时带上手机号授权 code，以认领店主添加的收银员身份。"""

    js_code: WeChatCode
    phone_code: WeChatCode | None = None


class Refresh(Request):
    """登录时得到的刷新令牌。"""

    refresh_token: RefreshToken


class PhoneByCode(Request):
    """getPhoneNumber 按钮回调里的 code。"""

    phone_code: WeChatCode


class PhoneByEncrypted(Request):
    """旧版微信的加密手机号数据。"""

    encrypted_data: Base64Text
    iv: Base64Text


class Session(BaseModel):
    """访问令牌放在 Authorization: Bearer 头中，过期后用刷新令牌换新的。"""

    access_token: str
    expires_at: datetime
    refresh_token: str
    phone_bound: bool


class PhoneBound(BaseModel):
    """绑定后的新访问令牌，旧的仍以未绑定身份有效至过期。"""

    access_token: str
    expires_at: datetime
    phone: str


class Me(BaseModel):
    """当前居民。手机号打码；银行卡只有末四位。"""

    phone: str
    cards: list[str]


@dataclass(frozen=True)
class CurrentResident:
    """The signed-in resident: from the token, never from the body."""

    id: int
    wechat_user_id: int


def _claims(role: tokens.Role) -> tokens.Claims:
    """Return what the caller's token says, or refuse; a sign-out is known within a second."""
    if CLAIMS not in request.environ:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        settings: Settings = current_app.extensions["settings"]
        try:
            if scheme.lower() != "bearer":
                raise tokens.TokenRefused("no bearer token")
            request.environ[CLAIMS] = tokens.read(
                token.strip(), key=settings.token_key, now_s=clock.now().timestamp()
            )
        except tokens.TokenRefused as error:
            raise refusals.SignInRequired(str(error)) from error
        signed_in: tokens.Claims = request.environ[CLAIMS]
        revoked = sign_ins.REVOKED.get(sign_ins.ALL)
        sign_ins.refuse_revoked(signed_in.sign_in_id, revoked)
    claims: tokens.Claims = request.environ[CLAIMS]
    if claims.role != role:
        raise refusals.WrongRole(f"{claims.role} called a {role}'s endpoint")
    account = claims.subject_id or f"wechat-{claims.wechat_user_id}"
    request.environ[limits.ACCOUNT] = f"{role}-{account}"
    return claims


def _check_resident() -> None:
    _claims("resident")


def _check_clerk() -> None:
    current_clerk()


resident_guard = Guard("resident", _check_resident, "resident")
clerk_guard = Guard("clerk", _check_clerk, "clerk")


def current_resident() -> CurrentResident:
    """Return the signed-in resident; PhoneRequired while he is no known person yet."""
    claims = _claims("resident")
    if claims.subject_id == 0:
        raise refusals.PhoneRequired(f"wechat user {claims.wechat_user_id}")
    return CurrentResident(claims.subject_id, claims.wechat_user_id)


def current_clerk() -> "Clerk":
    """Return the signed-in clerk, looked up: a removed clerk is refused at his next request."""
    if CLERK not in request.environ:
        request.environ[CLERK] = clerks.active_clerk(_claims("clerk").subject_id)
    clerk: Clerk = request.environ[CLERK]
    return clerk


@sessions.post("/resident")
@sessions.input(ResidentLogin)
@sessions.output(Session, status_code=201)
def sign_in_resident(json_data: ResidentLogin) -> dict[str, object]:
    """居民登录：用 wx.login 的 code 换取令牌。"""
    return asdict(sign_ins.resident_by_code(json_data.js_code))


@sessions.post("/clerk")
@sessions.input(ClerkLogin)
@sessions.output(Session, status_code=201)
def sign_in_clerk(json_data: ClerkLogin) -> dict[str, object]:
    """收银员登录：账号由店主按手机号添加，首次登录须授权手机号。"""
    return asdict(sign_ins.clerk_by_code(json_data.js_code, phone_code=json_data.phone_code))


@sessions.post("/refresh")
@sessions.input(Refresh)
@sessions.output(Session)
def refresh_session(json_data: Refresh) -> dict[str, object]:
    """用刷新令牌换取新的访问令牌。"""
    return asdict(sign_ins.refresh(json_data.refresh_token))


@sessions.post("/revoke")
@sessions.input(Refresh)
@sessions.output({}, status_code=204)
def revoke_session(json_data: Refresh) -> str:
    """退出登录：刷新令牌立即作废，重复退出结果相同。"""
    sign_ins.revoke(json_data.refresh_token)
    return ""


@phones.post("/phone")
@phones.input(PhoneByCode)
@phones.output(PhoneBound)
def bind_phone(json_data: PhoneByCode) -> dict[str, object]:
    """绑定手机号：领券前必须完成一次。"""
    claims = _claims("resident")
    resident_id = residents.phone_by_code(
        wechat_user_id=claims.wechat_user_id, phone_code=json_data.phone_code
    )
    return _bound(claims, resident_id)


@phones.post("/phone/encrypted")
@phones.input(PhoneByEncrypted)
@phones.output(PhoneBound)
def bind_encrypted_phone(json_data: PhoneByEncrypted) -> dict[str, object]:
    """绑定手机号（旧版微信）：提交加密数据，由服务器解密。"""
    claims = _claims("resident")
    resident_id = residents.phone_by_encrypted(
        wechat_user_id=claims.wechat_user_id,
        encrypted_data=json_data.encrypted_data,
        iv=json_data.iv,
    )
    return _bound(claims, resident_id)


@phones.get("/me")
@phones.output(Me)
def me() -> dict[str, object]:
    """查看自己的绑定信息。"""
    resident_id = current_resident().id
    return {"phone": residents.shown_phone(resident_id), "cards": cards.last4_of(resident_id)}


def _bound(claims: tokens.Claims, resident_id: int) -> dict[str, object]:
    access_token, expires_at = sign_ins.token_of(claims.sign_in_id)
    return {
        "access_token": access_token,
        "expires_at": expires_at,
        "phone": residents.shown_phone(resident_id),
    }
