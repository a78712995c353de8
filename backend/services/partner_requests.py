"""One request number of a partner, one act and one answer, whatever dies or repeats in between.

A number is written down before its act begins and holds the answer once that is known. Between the
two a process may die: its lease runs out, and the same request goes on. So every act must be safe
to carry out again under the same partner and number, by a key of its own in SQL.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from backend import clock
from backend.domain import refusals
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.partners import PartnerRequestInProgress, PaymentWithdrawn
from backend.extensions import db
from backend.services.personal_data import vault
from backend.storage.models.partners import PartnerRequest
from backend.storage.sql import transaction

log = structlog.get_logger()
LEASE_S = 30  # longer than any act takes: SQL gives up after 10 s, Valkey after 2 s
# As an act: the number was never used. As a holder: it was taken back while it was carried out.
WITHDRAWN = "withdrawn"
NOT_FINAL = ("unavailable", "too_many")  # such a refusal says nothing about the act


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """A partner's request: its number, what it asks for, and its body."""

    partner_id: str
    number: str
    act: str
    body: Mapping[str, Any]


class Refused(HuiquanError):
    """A refusal that was given under this number before, and is given again."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(f"again: {told['code']}", details=told["details"])
        # The instance answers as its first refusal did, and not as its class.
        vars(self).update({name: told[name] for name in ("code", "message", "category")})


def answer(
    asked: Numbered,
    execute: Callable[[], Mapping[str, Any]],
    *,
    undo: Callable[[], object] | None = None,
) -> dict[str, Any]:
    """Carry a request out once and return its answer; the same request again gets the same.

    A refusal by a rule is an answer, too. After one that says nothing about the act (category
    unavailable) the same request may be sent again and is carried out then.

    :param execute: safe to run again under the same partner and number; its result becomes JSON
    :param undo: called when the number was withdrawn while this was carried out
    :raises RequestReused: the number was used for something else
    :raises PartnerRequestInProgress: another process is at it
    """
    holder = uuid.uuid4().hex
    known = _begin(asked, holder)
    if known is not None:
        return _told(known)
    try:
        result: dict[str, Any] = dict(execute())
        kept: dict[str, Any] = {"answer": result}
    except HuiquanError as refused:
        if refused.category in NOT_FINAL:
            _give_up(asked, holder)
            raise
        kept = {"refusal": _form(refused)}
    except BaseException:
        db.session.rollback()
        _give_up(asked, holder)
        raise
    if not _finish(asked, holder, kept):
        if undo is not None and _is_withdrawn(asked):
            undo()
        return _told(_get(asked))
    return _told_kept(kept)


def withdraw(partner_id: str, number: str, *, act: str) -> None:
    """Make sure that a number which has no answer yet will not get a good one.

    What was answered stays. A request that is being carried out at this moment is left to end:
    PartnerRequestInProgress. A number of another act than `act` answers as an absent one.
    """
    now = clock.now()
    told = {"refusal": _form(PaymentWithdrawn(number))}
    try:
        with transaction() as session:
            session.add(
                PartnerRequest(
                    partner_id=partner_id,
                    request_number=number,
                    act=WITHDRAWN,
                    digest="",
                    state="done",
                    holder="",
                    leased_until=now,
                    begun_at=now,
                    answer=_json(told),
                    done_at=now,
                )
            )
            return
    except IntegrityError:
        pass
    with transaction() as session:
        known = session.get_one(PartnerRequest, (partner_id, number), with_for_update=True)
        if known.act not in (act, WITHDRAWN):
            raise NotFound(f"{number} of {partner_id} is no {act}")
        if known.state == "done":
            return
        if now < known.leased_until:
            raise PartnerRequestInProgress(number)
        known.state, known.holder, known.done_at = "done", WITHDRAWN, now
        known.answer = _json(told)


def _begin(asked: Numbered, holder: str) -> PartnerRequest | None:
    """Take the request on, or return what was answered before."""
    now = clock.now()
    row = PartnerRequest(
        partner_id=asked.partner_id,
        request_number=asked.number,
        act=asked.act,
        digest=_digest(asked),
        holder=holder,
        leased_until=now + timedelta(seconds=LEASE_S),
        begun_at=now,
    )
    try:
        with transaction() as session:
            session.add(row)
        return None
    except IntegrityError:
        pass
    known = _get(asked)
    if known.act != WITHDRAWN and (known.act, known.digest) != (asked.act, _digest(asked)):
        raise refusals.RequestReused(f"{asked.partner_id} {asked.number}")
    if known.state == "done":
        return known
    with transaction() as session:
        mine = session.scalars(
            update(PartnerRequest)
            .where(
                *_is(asked),
                PartnerRequest.state == "running",
                PartnerRequest.holder == known.holder,
                PartnerRequest.leased_until <= now,
            )
            .values(holder=holder, leased_until=now + timedelta(seconds=LEASE_S))
            .returning(PartnerRequest.holder)
        ).all()
    if not mine:
        known = _get(asked)
        if known.state == "done":
            return known
        raise PartnerRequestInProgress(f"{asked.partner_id} {asked.number}")
    log.warning("partner_request_taken_over", partner_id=asked.partner_id, act=asked.act)
    return None


def _finish(asked: Numbered, holder: str, kept: Mapping[str, Any]) -> bool:
    """Keep the answer; False when another process took the request over or withdrew it."""
    with transaction() as session:
        return bool(
            session.scalars(
                update(PartnerRequest)
                .where(
                    *_is(asked), PartnerRequest.state == "running", PartnerRequest.holder == holder
                )
                .values(
                    state="done",
                    answer=_json(kept),
                    done_at=clock.now(),
                )
                .returning(PartnerRequest.holder)
            ).all()
        )


def _give_up(asked: Numbered, holder: str) -> None:
    """Let the same request be carried out at once when it comes again."""
    with transaction() as session:
        session.execute(
            update(PartnerRequest)
            .where(*_is(asked), PartnerRequest.state == "running", PartnerRequest.holder == holder)
            .values(leased_until=clock.now())
        )


def _get(asked: Numbered) -> PartnerRequest:
    key = (asked.partner_id, asked.number)
    found: PartnerRequest = db.session.get_one(PartnerRequest, key, populate_existing=True)
    return found


def _is_withdrawn(asked: Numbered) -> bool:
    return _get(asked).holder == WITHDRAWN


def _is(asked: Numbered) -> tuple[Any, Any]:
    return (
        PartnerRequest.partner_id == asked.partner_id,
        PartnerRequest.request_number == asked.number,
    )


def _told(known: PartnerRequest) -> dict[str, Any]:
    if known.answer is None:
        raise PartnerRequestInProgress(f"{known.partner_id} {known.request_number}")
    return _told_kept(json.loads(known.answer))


def _told_kept(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Both the first time and later the kept form is told: so the two cannot differ."""
    if refusal := kept.get("refusal"):
        raise Refused(refusal)
    found: dict[str, Any] = kept["answer"]
    return found


def _form(refused: HuiquanError) -> dict[str, Any]:
    return {
        "code": refused.code,
        "message": refused.message,
        "category": refused.category,
        "details": refused.details,
    }


def _digest(asked: Numbered) -> str:
    body = json.dumps(asked.body, sort_keys=True, ensure_ascii=False)
    return vault().hash("partner request", f"{asked.act}\n{body}")


def _json(kept: Mapping[str, Any]) -> str:
    return json.dumps(kept, ensure_ascii=False)
