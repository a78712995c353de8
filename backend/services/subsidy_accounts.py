"""Correcting the account of a subsidy whose payout the bank returned (更正收款账户).

The applicant names another account, one person of staff looks at it, and the next payout list pays
to it. What was applied for stays as it was.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.domain.second_person import refuse_own_work
from backend.domain.subsidies import CorrectionState, SubsidyStepNotPossible
from backend.extensions import db
from backend.services import audit, subsidies
from backend.services.personal_data import vault
from backend.services.subsidies import Account
from backend.storage.models.subsidies import AccountCorrection, Subsidy, SubsidyPayoutLine
from backend.storage.queries import subsidies as queries
from backend.storage.sql import transaction


def correct(
    *, subsidy_id: str, resident_id: int, request_id: str, account: Account
) -> AccountCorrection:
    """Name another account after the bank returned the payout; the same request is the same one.

    Until it is decided, the subsidy goes into no list. Raises SubsidyStepNotPossible unless the
    newest payout came back and nothing waits already, RequestReused, NotFound.
    """
    text = json.dumps(asdict(account), sort_keys=True, ensure_ascii=False)
    digest = vault().hash("account correction", text)
    with transaction() as session:
        subsidies.held(session, subsidy_id, resident_id)
        made = queries.list_corrections(session, subsidy_id)
        known = next((one for one in made if one.request_id == request_id), None)
        if known is not None:
            if known.request_digest != digest:
                raise refusals.RequestReused(f"resident {resident_id}")
            return known
        returned = _returned_line(session, subsidy_id)
        if any(one.state == "submitted" for one in made):
            raise SubsidyStepNotPossible(f"{subsidy_id} has a correction that waits")
        correction = AccountCorrection(
            subsidy_id=subsidy_id,
            position=len(made) + 1,
            request_id=request_id,
            request_digest=digest,
            returned_number=returned.number,
            account_encrypted=vault().encrypt(text),
            account_last4=account.number[-4:],
            state="submitted",
            made_at=clock.now(),
        )
        session.add(correction)
        session.flush()
    return correction


def confirm(*, subsidy_id: str, actor: str) -> AccountCorrection:
    """Agree with the account that waits: the next list pays to it. Again changes nothing.

    Another person than who wrote down that the bank returned the payout: whoever says that the
    money came back does not say alone where it goes next.
    """
    return _decide(subsidy_id, "confirmed", actor=actor, reason=None)


def refuse(*, subsidy_id: str, reason: str, actor: str) -> AccountCorrection:
    """Refuse the account that waits, with a reason its applicant reads; he may name another."""
    return _decide(subsidy_id, "refused", actor=actor, reason=reason)


def of_return(subsidy_id: str) -> AccountCorrection | None:
    """Return the newest correction since the newest payout came back, or None."""
    session = db.session()
    line = queries.payment_of(session, subsidy_id)
    if line is None or line.state != "returned":
        return None
    made = queries.list_corrections(session, subsidy_id)
    return made[-1] if made and made[-1].returned_number == line.number else None


def corrections(subsidy_id: str) -> list[AccountCorrection]:
    """Return a subsidy's corrected accounts in their order."""
    return queries.list_corrections(db.session(), subsidy_id)


def list_waiting() -> list[AccountCorrection]:
    """Return the corrections that nobody has decided, the oldest first."""
    return queries.list_waiting_corrections(db.session())


def last4_of(subsidy: Subsidy) -> str:
    """Return the last four digits of the account a subsidy is paid to."""
    confirmed = queries.confirmed_corrections(db.session(), [subsidy.id]).get(subsidy.id)
    return confirmed.account_last4 if confirmed is not None else subsidy.account_last4


def accounts_of(session: Session, found: Sequence[Subsidy]) -> dict[str, Account]:
    """Return where each of some subsidies is paid, by its id: for payout lists and reviewers."""
    confirmed = queries.confirmed_corrections(session, [subsidy.id for subsidy in found])
    return {
        subsidy.id: decrypted(confirmed[subsidy.id])
        if subsidy.id in confirmed
        else subsidies.details(subsidy).account
        for subsidy in found
    }


def decrypted(correction: AccountCorrection) -> Account:
    """Return the account that a correction names."""
    return Account(**json.loads(vault().decrypt(correction.account_encrypted)))


def _returned_line(session: Session, subsidy_id: str) -> SubsidyPayoutLine:
    line = queries.payment_of(session, subsidy_id)
    if line is None or line.state != "returned":
        state = "none" if line is None else line.state
        raise SubsidyStepNotPossible(f"payout of {subsidy_id} is {state}", details={"state": state})
    return line


def _decide(
    subsidy_id: str, decision: CorrectionState, *, actor: str, reason: str | None
) -> AccountCorrection:
    with transaction() as session:
        subsidy = subsidies.held(session, subsidy_id, None)
        made = queries.list_corrections(session, subsidy_id)
        if not made:
            raise NotFound(f"no correction of {subsidy_id}")
        newest = made[-1]
        if (newest.state, newest.decided_by, newest.reason) == (decision, actor, reason):
            return newest
        if newest.state != "submitted":
            raise SubsidyStepNotPossible(f"correction of {subsidy_id} is {newest.state}")
        returned = _returned_line(session, subsidy_id)
        refuse_own_work(made_by=returned.answered_by or "", checked_by=actor)
        newest.state, newest.reason = decision, reason
        newest.decided_by, newest.decided_at = actor, clock.now()
        audit.record(
            session,
            actor=actor,
            action=f"subsidy.account_{decision}",
            subject=subsidy_id,
            position=newest.position,
            returned_number=newest.returned_number,
            amount_fen=subsidy.amount_fen,
            reason=reason,
        )
        session.flush()
    return newest
