"""Cards of residents: bound and unbound by a partner's notice, each notice once by its number.

A card that was unbound stays its resident's: bound to somebody else it would count as two people.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import cards as rules
from backend.domain import refusals
from backend.domain.cards import CardRequired
from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import audit
from backend.services.personal_data import vault
from backend.storage.models.campaigns import Campaign
from backend.storage.models.residents import CardAct, Resident, ResidentIdentity
from backend.storage.models.vouchers import Voucher
from backend.storage.sql import transaction

IS_BOUND_CARD = (ResidentIdentity.kind == "card", ResidentIdentity.unbound_at.is_(None))
_HAS_CARD = (
    select(ResidentIdentity.id)
    .where(ResidentIdentity.resident_id == bindparam("resident_id"), *IS_BOUND_CARD)
    .limit(1)
)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a partner says of a card: its token and last four digits, and when it happened.

    `request_number` is the partner's own: the same one never acts twice.
    """

    partner_id: str
    request_number: str
    card_token: str
    last4: str
    happened_at: datetime | None = None  # None: now


def bind(resident_id: int, notice: Notice, *, actor: str) -> None:
    """Bind a card to a resident (plan, part six (二): 将银联卡绑定).

    The same number again changes nothing; with other contents it is refused (RequestReused), as is
    another resident's card (CardOfAnotherResident) and a full number (CardNumberRefused). A notice
    that is older than what is known of the card is kept and changes nothing.
    """
    _act(resident_id, notice, act="bind", actor=actor)


def unbind(resident_id: int, notice: Notice, *, actor: str) -> None:
    """End a binding; NotFound for a card that is not the resident's. Refusals as of `bind`."""
    _act(resident_id, notice, act="unbind", actor=actor)


def last4_of(resident_id: int) -> list[str]:
    """Return the last four digits of a resident's bound cards."""
    return list(
        db.session.scalars(
            select(ResidentIdentity.last4)
            .where(ResidentIdentity.resident_id == resident_id, *IS_BOUND_CARD)
            .order_by(ResidentIdentity.id)
        )
    )


def owner(card_token: str) -> int:
    """Return the resident to whom a card is bound; CardRequired when it is nobody's."""
    resident_id = db.session.scalar(
        select(ResidentIdentity.resident_id).where(
            ResidentIdentity.value_hash == _hash(card_token), *IS_BOUND_CARD
        )
    )
    if resident_id is None:
        raise CardRequired("the card is bound to nobody")
    return resident_id


def fingerprint(card_token: str) -> str:
    """Return what tells a card from others without saying which it is."""
    return _hash(card_token)


def has_card(session: Session, resident_id: int) -> bool:
    """Whether a card is bound to a resident, by what SQL says now."""
    return session.scalar(_HAS_CARD, {"resident_id": resident_id}) is not None


def refuse_payment_code(session: Session, resident_id: int) -> None:
    """Refuse a payment code to who has no card, where all it could serve for wants one.

    Source: plan, part six: 必须绑定金融机构APP, for both ways of taking part. What he may use
    without a card is his: a voucher of a campaign that wants none, or a gate's entry.
    """
    if has_card(session, resident_id):
        return
    now = clock.now()
    going_on = (
        Campaign.state.in_(("running", "paused")),
        Campaign.opens_at <= now,
        Campaign.ends_at > now,
    )
    wanting = session.scalar(select(Campaign.id).where(Campaign.card_required, *going_on).limit(1))
    if wanting is None:
        return
    own = select(Voucher.id).join(Campaign, Campaign.id == Voucher.campaign_id)
    vouchers = own.where(
        Voucher.resident_id == resident_id,
        Voucher.status.in_(("unused", "locked")),
        Voucher.valid_until > now,
        Campaign.card_required.is_(False),
    )
    entries = select(Campaign.id).where(
        Campaign.mode == "entry", Campaign.card_required.is_(False), *going_on
    )
    if not session.scalar(select(or_(vouchers.exists(), entries.exists()))):
        raise CardRequired(f"campaign {wanting} wants a bound card")


def _act(resident_id: int, notice: Notice, *, act: str, actor: str) -> None:
    rules.check_binding(
        partner_id=notice.partner_id, last4=notice.last4, request_number=notice.request_number
    )
    try:
        _write(resident_id, notice, act=act, actor=actor)
    except IntegrityError:  # two notices of one card, or under one number, at once: the other is in
        _write(resident_id, notice, act=act, actor=actor)


def _write(resident_id: int, notice: Notice, *, act: str, actor: str) -> None:
    card_hash, now = _hash(notice.card_token), clock.now()
    happened_at = min(notice.happened_at or now, now)
    with transaction() as session:
        if session.get(Resident, resident_id, with_for_update=True) is None:
            raise NotFound(f"resident {resident_id}")
        if _was_done(session, resident_id, notice, act=act, card_hash=card_hash):
            return
        card = session.scalar(
            select(ResidentIdentity).where(
                ResidentIdentity.kind == "card", ResidentIdentity.value_hash == card_hash
            )
        )
        if act == "bind":
            _bind(session, resident_id, card, card_hash, notice.last4, at=happened_at)
        else:
            _unbind(resident_id, card, at=happened_at)
        session.add(
            CardAct(
                partner_id=notice.partner_id,
                request_number=notice.request_number,
                act=act,
                resident_id=resident_id,
                card_hash=card_hash,
                last4=notice.last4,
                happened_at=happened_at,
                recorded_at=now,
            )
        )
        audit.record(
            session,
            actor=actor,
            action=f"resident.{act}_card",
            subject=str(resident_id),
            partner_id=notice.partner_id,
            request_number=notice.request_number,
        )


def _was_done(
    session: Session, resident_id: int, notice: Notice, *, act: str, card_hash: str
) -> bool:
    """Whether this notice was taken before; RequestReused when its number said something else."""
    done = session.scalar(
        select(CardAct).where(
            CardAct.partner_id == notice.partner_id,
            CardAct.request_number == notice.request_number,
        )
    )
    if done is None:
        return False
    said = (done.act, done.resident_id, done.card_hash, done.last4)
    if said != (act, resident_id, card_hash, notice.last4):
        raise refusals.RequestReused(f"{notice.partner_id} {notice.request_number}")
    return True


def _bind(
    session: Session,
    resident_id: int,
    card: ResidentIdentity | None,
    card_hash: str,
    last4: str,
    *,
    at: datetime,
) -> None:
    if card is None:
        session.add(
            ResidentIdentity(
                resident_id=resident_id, kind="card", value_hash=card_hash, last4=last4, bound_at=at
            )
        )
    elif card.resident_id != resident_id:
        raise refusals.CardOfAnotherResident(f"resident {resident_id}")
    elif card.unbound_at is not None and at >= card.unbound_at:
        card.bound_at, card.unbound_at = at, None


def _unbind(resident_id: int, card: ResidentIdentity | None, *, at: datetime) -> None:
    if card is None or card.resident_id != resident_id:
        raise NotFound(f"no such card of resident {resident_id}")
    if card.unbound_at is None and at >= card.bound_at:
        card.unbound_at = at


def _hash(card_token: str) -> str:
    return vault().hash("card", rules.check_token(card_token))
