"""Residents: one person by phone and bound card, however many WeChat users he has."""

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals
from backend.domain.errors import InvalidRequest, NotFound
from backend.domain.identifiers import is_mobile, is_of_virtual_operator, masked_mobile
from backend.extensions import db
from backend.gateways.wechat import WeChat
from backend.services.personal_data import vault
from backend.storage.models.residents import Resident, ResidentIdentity, WeChatUser
from backend.storage.sql import transaction


def phone_by_code(*, wechat_user_id: int, phone_code: str) -> int:
    """Bind the phone behind a getPhoneNumber code; return the resident it makes the user."""
    openid = db.session.get_one(WeChatUser, wechat_user_id).openid
    db.session.close()  # no SQL transaction stays open over a call to WeChat
    phone = _wechat().phone_number(phone_code, openid=openid)
    return bind_phone(wechat_user_id=wechat_user_id, phone=phone)


def phone_by_encrypted(*, wechat_user_id: int, encrypted_data: str, iv: str) -> int:
    """Bind the phone in an old client's encryptedData; the session_key never leaves the server."""
    session_key = vault().decrypt(
        db.session.get_one(WeChatUser, wechat_user_id).session_key_encrypted
    )
    db.session.close()
    phone = _wechat().phone_from_encrypted(
        session_key=session_key, encrypted_data=encrypted_data, iv=iv, now=clock.now()
    )
    return bind_phone(wechat_user_id=wechat_user_id, phone=phone)


def bind_phone(*, wechat_user_id: int, phone: str) -> int:
    """Bind a verified phone to a WeChat user and return the resident (decision 7: one person).

    A user without a resident becomes the phone's resident, or a new one. A resident may add a
    second phone; a phone that is another resident's is refused, because the two would share one
    person's limits with two wallets.
    """
    if not is_mobile(phone):
        raise InvalidRequest("not a mainland mobile number")
    try:
        return _bind(wechat_user_id, phone)
    except IntegrityError:  # two users bound the same new phone at once: one has made the resident
        return _bind(wechat_user_id, phone)


def _bind(wechat_user_id: int, phone: str) -> int:
    phone_hash = vault().hash("phone", phone)
    with transaction() as session:
        user = session.get_one(WeChatUser, wechat_user_id, with_for_update=True)
        owner_id = _owner(session, "phone", phone_hash)
        if user.resident_id is None:
            user.resident_id = owner_id or _new_resident(session, phone)
        elif owner_id not in (None, user.resident_id):
            raise refusals.PhoneOfAnotherResident(f"wechat user {wechat_user_id}")
        resident = session.get_one(Resident, user.resident_id)
        resident.phone_encrypted, resident.phone_last4 = vault().encrypt(phone), phone[-4:]
        if owner_id is None:
            session.add(
                ResidentIdentity(
                    resident_id=resident.id,
                    kind="phone",
                    value_hash=phone_hash,
                    last4=phone[-4:],
                    bound_at=clock.now(),
                    virtual_operator=is_of_virtual_operator(phone),
                )
            )
    return resident.id


def of_phone(phone: str) -> int:
    """Return whose phone this is; NotFound when it is nobody's."""
    resident_id = _owner(db.session(), "phone", vault().hash("phone", phone))
    if resident_id is None:
        raise NotFound("no resident has this phone")
    return resident_id


def shown_phone(resident_id: int) -> str:
    """Return a resident's phone as screens show it: 138****8000."""
    resident = db.session.get_one(Resident, resident_id)
    return masked_mobile(vault().decrypt(resident.phone_encrypted))


def _owner(session: Session, kind: str, value_hash: str) -> int | None:
    return session.scalar(
        select(ResidentIdentity.resident_id).where(
            ResidentIdentity.kind == kind, ResidentIdentity.value_hash == value_hash
        )
    )


def _new_resident(session: Session, phone: str) -> int:
    resident = Resident(
        phone_encrypted=vault().encrypt(phone), phone_last4=phone[-4:], created_at=clock.now()
    )
    session.add(resident)
    session.flush()
    return resident.id


def _wechat() -> WeChat:
    gateway: WeChat = current_app.extensions["wechat"]
    return gateway
