"""Amount codes (金额码): the shop shows a QR with the amount, the resident scans it.

A resident's phone hands in whatever it has scanned, a placard or an amount code; `Scan` is what
either of them says. The amount is the shop's: it is signed, and no phone changes it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import merchants
from backend.settings import Settings
from backend.storage.models.amount_codes import AmountCode
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order
from backend.storage.sql import transaction
from merchant_qr import image, payload

LIVES = timedelta(minutes=5)
MAX_NUMBER = 2**31 - 1  # the database would refuse a larger one as a value, not as unknown


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A shop's amount code: what its QR carries, until when it counts, the order it became."""

    number: int
    url: str
    order_amount_fen: int
    issued_at: datetime
    expires_at: datetime
    order_id: str | None


@dataclass(frozen=True, kw_only=True)
class Scan:
    """A purchase as a phone has scanned it; `number` is an amount code's, None at a placard."""

    merchant_id: str
    order_amount_fen: int
    number: int | None = None


def issue(*, merchant_id: str, clerk_id: int, order_amount_fen: int, request_id: str) -> Shown:
    """Make a clerk's code for an amount; the same request number gives the same code.

    Raises MerchantNotPublished, RequestReused for another amount under the same number.
    """
    try:
        with transaction() as session:
            merchants.redeeming(session, merchant_id)
            now = clock.now().replace(microsecond=0)  # the signed text tells whole seconds
            made = AmountCode(
                merchant_id=merchant_id,
                clerk_id=clerk_id,
                request_id=request_id,
                order_amount_fen=order_amount_fen,
                issued_at=now,
                expires_at=now + LIVES,
            )
            session.add(made)
    except IntegrityError:
        wanted = {"clerk_id": clerk_id, "request_id": request_id}
        made = db.session.scalars(select(AmountCode).filter_by(**wanted)).one()
        if made.order_amount_fen != order_amount_fen:
            raise refusals.RequestReused(f"amount code {made.number}") from None
    return _shown(made)


def get(number: int, *, merchant_id: str) -> Shown:
    """Return a shop's own code and what became of it; another's is not found."""
    found = db.session.get(AmountCode, number) if number <= MAX_NUMBER else None
    if found is None or found.merchant_id != merchant_id:
        raise NotFound(f"amount code {number}")
    return _shown(found)


def draw(number: int, *, merchant_id: str) -> bytes:
    """Return a shop's own code as an SVG of its QR."""
    return image.svg(get(number, merchant_id=merchant_id).url)


def read(text: str, *, order_amount_fen: int | None = None) -> Scan:
    """Return the purchase that a scanned placard or amount code stands for.

    :param order_amount_fen: what the phone says besides: needed with a placard, and with an
        amount code nothing or the same
    Raises what `merchants.of_placard` and `said_in` raise, AmountMissing and AmountDiffers. Whether
    the code has its order already is for `refuse_used`.
    """
    said = said_in(text)
    if said is None:
        merchant_id = merchants.of_placard(text)
        if order_amount_fen is None:
            raise refusals.AmountMissing("a placard tells no amount")
        return Scan(merchant_id=merchant_id, order_amount_fen=order_amount_fen)
    if order_amount_fen not in (None, said.order_amount_fen):
        raise refusals.AmountDiffers(
            f"amount code {said.number}", details={"order_amount_fen": said.order_amount_fen}
        )
    return Scan(
        merchant_id=said.merchant_id,
        order_amount_fen=said.order_amount_fen,
        number=said.number,
    )


def said_in(text: str) -> payload.AmountCode | None:
    """Return what an amount code says; None for any other text.

    Raises AmountCodeInvalid for an edited one, AmountCodeExpired from its last second on.
    """
    settings: Settings = current_app.extensions["settings"]
    code = merchants.code_in(text)
    if not payload.is_amount_code(code):
        return None
    try:
        said = payload.read_amount_code(code, key=settings.placard_key)
    except payload.ForgedAmountCode as error:
        raise refusals.AmountCodeInvalid(str(error)) from error
    if clock.now() >= clock.from_ms(said.expires_s * 1000):
        raise refusals.AmountCodeExpired(f"amount code {said.number}")
    return said


def scanned(text: str) -> tuple[Merchant, payload.AmountCode | None]:
    """Return whose code was scanned, if he may redeem now, and what an amount code says.

    Raises AmountCodeUsed besides what `read` raises: nobody is to pay a second time.
    """
    said = said_in(text)
    merchant_id = said.merchant_id if said else merchants.of_placard(text)
    merchant = merchants.redeeming(db.session(), merchant_id)
    refuse_used(db.session(), said.number if said else None)
    return merchant, said


def refuse_used(session: Session, number: int | None) -> None:
    """Refuse an amount code that has become an order; None is a placard, which lasts.

    One that we signed and no longer know was made after the backup that SQL came back from.
    """
    if number is None:
        return
    known = select(AmountCode.number, Order.id).outerjoin(Order, Order.amount_code == number)
    row = session.execute(known.where(AmountCode.number == number)).one_or_none()
    if row is None:
        raise refusals.AmountCodeInvalid(f"amount code {number} is unknown")
    if row.id is not None:
        raise refusals.AmountCodeUsed(f"amount code {number}")


@contextmanager
def once(number: int | None) -> Iterator[None]:
    """Say which refusal it is when two residents' orders of one code come at once.

    The unique key of `orders.amount_code` decides; the one that comes second is told.
    """
    try:
        yield
    except IntegrityError:
        refuse_used(db.session(), number)
        raise


def _shown(row: AmountCode) -> Shown:
    settings: Settings = current_app.extensions["settings"]
    said = payload.AmountCode(
        merchant_id=row.merchant_id,
        order_amount_fen=row.order_amount_fen,
        number=row.number,
        expires_s=clock.to_ms(row.expires_at) // 1000,
    )
    return Shown(
        number=row.number,
        url=payload.amount_url(
            settings.public_base_url, payload.amount_code(said, key=settings.placard_key)
        ),
        order_amount_fen=row.order_amount_fen,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        order_id=db.session.scalar(select(Order.id).where(Order.amount_code == row.number)),
    )
