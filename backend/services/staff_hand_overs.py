"""One-time passwords in two halves (密码交接): no administrator can sign in as another person.

Who confirmed an account or a reset is shown the second half there and then. The first waits here
for who asked, who is shown it once, on the record. The person types both at the first sign-in,
binds a phone and chooses a password; from then on neither half is of use.
"""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.staff import HalfNotThere, folded
from backend.extensions import db
from backend.services import audit
from backend.services.personal_data import vault
from backend.storage.models.staff import StaffAccount, StaffHandOver
from backend.storage.sql import transaction


def keep(session: Session, account: StaffAccount, half: str, *, held_for: str) -> None:
    """Keep the first half for who asked, in the place of any earlier one of this account."""
    drop(session, account.id)
    session.add(
        StaffHandOver(
            account_id=account.id, half_encrypted=vault().encrypt(half), held_for=folded(held_for)
        )
    )


def drop(session: Session, account_id: int) -> None:
    """Forget a half that opens nothing any more."""
    session.execute(delete(StaffHandOver).where(StaffHandOver.account_id == account_id))


def take(login_name: str, *, actor: str) -> str:
    """Return the first half to who asked for the account or the reset, and forget it.

    Raises HalfNotThere for anybody else, a second time, or once the password is over.
    """
    name = folded(login_name)
    with transaction() as session:
        half = session.scalar(
            delete(StaffHandOver)
            .where(
                StaffHandOver.held_for == folded(actor),
                StaffHandOver.account_id.in_(
                    select(StaffAccount.id).where(
                        StaffAccount.login_name == name, StaffAccount.one_time_until > clock.now()
                    )
                ),
            )
            .returning(StaffHandOver.half_encrypted)
        )
        if half is None:
            raise HalfNotThere(name[:40])
        audit.record(session, actor=actor, action="staff.show_half", subject=name)
    return vault().decrypt(half)


def list_for(actor: str) -> Sequence[StaffAccount]:
    """Return the accounts whose first half waits for a person, by login name."""
    waiting = (
        select(StaffAccount)
        .join(StaffHandOver, StaffHandOver.account_id == StaffAccount.id)
        .where(
            StaffHandOver.held_for == folded(actor),
            StaffAccount.one_time_until > clock.now(),
        )
    )
    return db.session().scalars(waiting.order_by(StaffAccount.login_name)).all()
