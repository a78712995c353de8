"""Who is calling: a partner's signature, time, address and nonce, each checked before anything."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import redis
import structlog
from sqlalchemy import delete, or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import partners as rules
from backend.domain.errors import HuiquanError
from backend.domain.partners import PartnerNonceUsed, PartnerSignatureInvalid
from backend.extensions import db, redis_handle
from backend.services import partners
from backend.services.personal_data import vault
from backend.storage.models.partners import Partner, PartnerKey, PartnerNonce
from backend.storage.redis import partner_refusals
from backend.storage.redis.partner_refusals import Refused, Tally
from backend.storage.sql import transaction

log = structlog.get_logger()
UNKNOWN = "-"  # who calls as a partner that nobody has entered
SEEN_EVERY = timedelta(minutes=1)  # a till that calls all the time writes this seldom
NOBODYS_SECRET = "0" * 64  # an unknown key costs as long as a known one


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A call as it came: what its headers say, and the text that its signature is made over."""

    partner_id: str
    key_id: str
    timestamp: str
    nonce: str
    signature: str
    text: bytes
    address: str


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A partner that has proved who it is; `secret` signs the answer to this call."""

    partner_id: str
    key_id: str
    nonce: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class RefusedCalls:
    """Calls of a day that were refused for one reason, and where the last one came from."""

    day: date
    code: str
    count: int
    last_at: datetime
    address: str


class Uncounted:
    """What this process refused and Valkey does not know yet: a flood writes once a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Refused, Tally] = {}

    def add(self, refused: Refused, address: str) -> None:
        """Count one call."""
        with self._lock:
            before = self._counts.get(refused)
            count = 1 if before is None else before.count + 1
            self._counts[refused] = Tally(count=count, at_ms=clock.now_ms(), address=address)

    def take(self) -> dict[Refused, Tally]:
        """Return what was counted, and begin anew."""
        with self._lock:
            taken, self._counts = self._counts, {}
        return taken


uncounted = Uncounted()


def flush() -> None:
    """Tell Valkey what this process refused since the last flush; while it is down that is lost."""
    if not (counts := uncounted.take()):
        return
    try:
        partner_refusals.add(redis_handle.client, counts)
    except redis.RedisError as error:
        log.warning("partner_refusals_dropped", error=type(error).__name__)


def authenticate(call: Signed) -> Caller:
    """Return who has signed a call, and use its nonce up; a refusal is counted.

    :raises PartnerSignatureInvalid: whatever is wrong with partner, key or signature
    :raises PartnerTimeWrong: signed right, more than 300 s from our clock
    :raises PartnerAddressRefused: from an address that is not the partner's
    :raises PartnerNonceUsed: this nonce of this partner has come before
    """
    try:
        return _believed(call)
    except HuiquanError as error:
        _count_refusal(call, error.code)
        raise


def refused_of_late(partner_id: str = UNKNOWN) -> Sequence[RefusedCalls] | None:
    """Return what was refused today and in the seven days before, the newest day first.

    None when the figures are not to be had now.
    :param partner_id: by default calls in the name of no partner
    """
    days = [clock.today() - timedelta(days=n) for n in range(partner_refusals.KEPT_DAYS + 1)]
    try:
        found = partner_refusals.read(redis_handle.client, partner_id, days)
    except redis.RedisError as error:
        log.warning("partner_refusals_not_read", error=type(error).__name__)
        return None
    return [
        RefusedCalls(
            day=day,
            code=name,
            count=int(value),
            last_at=clock.from_ms(int(told[f"{name}:at"])),
            address=told[f"{name}:address"],
        )
        for day, told in zip(days, found, strict=True)
        for name, value in sorted(told.items())
        if ":" not in name
    ]


def _believed(call: Signed) -> Caller:
    secret = _secret(db.session(), call)
    right = rules.is_signature(call.signature, secret=secret or NOBODYS_SECRET, text=call.text)
    if secret is None or not right:
        raise PartnerSignatureInvalid("unknown partner or key" if secret is None else "wrong")
    rules.check_time(call.timestamp, now_s=clock.now().timestamp())
    rules.check_address(call.address, partners.networks(db.session(), call.partner_id))
    try:
        with transaction() as session:
            session.add(
                PartnerNonce(partner_id=call.partner_id, nonce=call.nonce, seen_at=clock.now())
            )
            _note_seen(session, call.key_id)
    except IntegrityError as error:
        raise PartnerNonceUsed(call.partner_id) from error
    return Caller(partner_id=call.partner_id, key_id=call.key_id, nonce=call.nonce, secret=secret)


def forget_nonces() -> int:
    """Forget the nonces of calls whose time is no longer believed anyway. For the job."""
    before = clock.now() - timedelta(seconds=rules.NONCE_KEPT_S)
    with transaction() as session:
        forgotten = session.scalars(
            delete(PartnerNonce).where(PartnerNonce.seen_at < before).returning(PartnerNonce.nonce)
        ).all()
    return len(forgotten)


def _note_seen(session: Session, key_id: str) -> None:
    seen, now = PartnerKey.last_call_at, clock.now()
    session.execute(
        update(PartnerKey)
        .where(PartnerKey.id == key_id, or_(seen.is_(None), seen < now - SEEN_EVERY))
        .values(last_call_at=now)
    )


def _count_refusal(call: Signed, code: str) -> None:
    """Count it for staff; a name that is no partner's gets no figures of its own."""
    is_known = db.session.get(Partner, call.partner_id) is not None
    db.session.close()
    partner_id = call.partner_id if is_known else UNKNOWN
    uncounted.add((partner_id, clock.today(), code), call.address)


def _secret(session: Session, call: Signed) -> str | None:
    key = session.get(PartnerKey, call.key_id, populate_existing=True)
    if key is None or (key.partner_id, key.state) != (call.partner_id, "active"):
        return None
    return vault().decrypt(key.secret_encrypted)
