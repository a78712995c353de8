"""Merchants' payout accounts (收款账户): entered by one person, confirmed by another.

The full number is encrypted; it is read where the bank's file is written, and nowhere else.
"""

import re

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.payouts import (
    PayoutAccountInvalid,
    PayoutAccountNotProposed,
    PayoutAccountTaken,
)
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.services import audit
from backend.services.personal_data import vault
from backend.storage.models.merchants import Merchant
from backend.storage.models.payouts import PayoutAccount
from backend.storage.queries import onboarding as chain_queries
from backend.storage.queries import payouts as queries
from backend.storage.sql import transaction


def propose(*, merchant_id: str, holder: str, bank: str, number: str, actor: str) -> PayoutAccount:
    """Enter where a merchant is to be paid; it counts once another person has confirmed it.

    A proposal that waits already is withdrawn by a new one; the same again changes nothing.
    Raises PayoutAccountTaken for a number of another merchant, PayoutAccountInvalid for a text
    that no bank's file could carry.
    """
    plain = re.sub("[ -]", "", number)
    if not re.fullmatch("[0-9]{8,32}", plain) or not (_writable(holder) and _writable(bank)):
        raise PayoutAccountInvalid(f"payout account of {merchant_id}")
    number_hash = vault().hash("payout account", plain)
    with transaction() as session:
        held = {"of": Merchant, "key_share": True}  # orders of the merchant go on
        if session.get(Merchant, merchant_id, with_for_update=held) is None:
            raise NotFound(f"merchant {merchant_id[:40]!r}")
        _refuse_taken(session, merchant_id, number_hash)
        waiting = queries.get_account(session, merchant_id, state="proposed")
        if waiting is not None:
            same = (waiting.number_hash, waiting.holder, waiting.bank, waiting.proposed_by)
            if same == (number_hash, holder, bank, actor):
                return waiting
            waiting.state = "withdrawn"
            session.flush()
        made = PayoutAccount(
            merchant_id=merchant_id,
            holder=holder,
            bank=bank,
            number_encrypted=vault().encrypt(plain),
            number_last4=plain[-4:],
            number_hash=number_hash,
            proposed_by=actor,
            proposed_at=clock.now(),
        )
        session.add(made)
        session.flush()
        _audit(session, made, actor=actor, action="payout_account.propose")
    return made


def confirm(*, merchant_id: str, last4: str, actor: str) -> PayoutAccount:
    """Confirm the account that waits, named by its last four digits; the one before is replaced.

    Another person than who entered it (双人复核). Payouts already sent keep their account.
    """
    try:
        with transaction() as session:
            waiting = queries.get_account(session, merchant_id, state="proposed", lock=True)
            active = queries.get_account(session, merchant_id, state="active", lock=True)
            if waiting is None or waiting.number_last4 != last4:
                if active and (active.number_last4, active.confirmed_by) == (last4, actor):
                    return active  # confirmed before, by the same person
                raise PayoutAccountNotProposed(f"{merchant_id} with {last4}")
            refuse_own_work(made_by=waiting.proposed_by, checked_by=actor)
            if active is not None:
                active.state = "replaced"
                session.flush()
            waiting.state, waiting.confirmed_by = "active", actor
            waiting.confirmed_at = clock.now()
            session.flush()
            _audit(session, waiting, actor=actor, action="payout_account.confirm")
    except IntegrityError as error:
        raise PayoutAccountTaken(f"the account {last4} of {merchant_id}") from error
    return waiting


def accounts(merchant_id: str) -> list[PayoutAccount]:
    """Return a merchant's accounts, the newest first; show of a number its last four digits."""
    query = select(PayoutAccount).where(PayoutAccount.merchant_id == merchant_id)
    return list(db.session.scalars(query.order_by(PayoutAccount.id.desc())))


def _refuse_taken(session: Session, merchant_id: str, number_hash: str) -> None:
    """Tell early; the unique index over active numbers is what makes it so.

    A number that a disqualified merchant ever had stays barred for good.
    """
    other = session.scalar(
        select(PayoutAccount.merchant_id).where(
            PayoutAccount.number_hash == number_hash,
            PayoutAccount.merchant_id != merchant_id,
            PayoutAccount.state.in_(("proposed", "active")),
        )
    )
    other = other or chain_queries.barred_account(session, number_hash)
    if other not in (None, merchant_id):
        raise PayoutAccountTaken(f"of {other}, wanted by {merchant_id}")


def _writable(text: str) -> bool:
    return 1 <= len(text) <= 60 and text == text.strip() and text.isprintable()


def _audit(session: Session, account: PayoutAccount, *, actor: str, action: str) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        subject=account.merchant_id,
        account_id=account.id,
        last4=account.number_last4,
    )
