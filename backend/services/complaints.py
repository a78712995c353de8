"""Complaints of the public (投诉与咨询): handed in by anybody, worked on by an office.

A number is given at once; with the last four digits of the phone it tells how far things are.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from backend import clock
from backend.domain import complaints as rules
from backend.domain.complaints import ComplaintAct, ComplaintState, Words
from backend.domain.second_person import refuse_own_work
from backend.domain.staff import Role
from backend.extensions import db
from backend.services import audit, complaint_photos, programmes, unmasking, working_days
from backend.services.complaint_photos import Photo
from backend.services.personal_data import vault
from backend.storage.models.complaints import Complaint, ComplaintStep
from backend.storage.sql import transaction


def file(words: Words, *, photo: bytes | None = None) -> Complaint:
    """Take a complaint in; the same form sent again is the same complaint.

    Raises ComplaintInvalid, ComplaintFormUsed, ComplaintTooMany for a phone's sixth of a day.
    """
    rules.check(words)
    digest = _digest(words, photo)
    if known := _of_form(words.form_id, digest):
        return known
    kept = complaint_photos.keep(photo) if photo else None
    try:
        return _file(words, digest, kept)
    except (Exception, KeyboardInterrupt):
        if kept is not None:
            complaint_photos.drop(kept)
        # The same form at once, twice: the other one is written, and it is the same.
        if known := _of_form(words.form_id, digest):
            return known
        raise


def track(number: str, *, phone_last4: str) -> Complaint:
    """Return a complaint to whoever handed it in; ComplaintNotFound to everybody else."""
    complaint = _find(rules.folded_number(number))
    # A cleared complaint has no digits left, which no digits must not match.
    if complaint is not None and complaint.cleared_at is not None:
        complaint = None
    last4 = complaint.phone_last4 if complaint else ""
    given = rules.folded_number(phone_last4)
    if complaint is None or not hmac.compare_digest(last4.encode(), given.encode()):
        raise rules.ComplaintNotFound("unknown number or another phone")
    return complaint


def get(number: str) -> Complaint:
    """Return a complaint with its steps, for staff; ComplaintNotFound when there is none."""
    complaint = _find(number)
    if complaint is None:
        raise rules.ComplaintNotFound(f"complaint {number[:20]!r}")
    return complaint


def assign(number: str, *, office: str, actor: str, note: str = "") -> None:
    """Give a complaint to an office, also one that was answered, for a better answer.

    :param note: what the office should know; its person never reads it

    Raises ComplaintNotFound, ComplaintInvalid, ComplaintStepNotPossible.
    """
    rules.check_note(note)
    if office not in rules.OFFICES:
        fields = {"office": f"请选择：{'、'.join(rules.OFFICES)}"}
        raise rules.ComplaintInvalid("office", details={"fields": fields})
    _step(number, "assign", actor=actor, office=office, note=note or None)


def answer(number: str, *, text: str, actor: str, office: str | None = None) -> None:
    """Answer a complaint; its person reads the text at once.

    :param office: the actor's, which must be the one that has it; None: a command, for any

    Raises ComplaintNotFound, ComplaintInvalid, ComplaintStepNotPossible, ComplaintOfAnotherOffice.
    """
    text = text.replace("\r\n", "\n").strip()
    rules.check_reply(text)
    _step(number, "answer", actor=actor, held_by=office, text=text)


def send_back(number: str, *, reason: str, actor: str) -> None:
    """Have the office that has answered answer better; its person never reads the reason.

    Raises ComplaintNotFound, ComplaintInvalid, ComplaintStepNotPossible.
    """
    reason = reason.strip()
    rules.check_reply(reason)
    rules.check_note(reason)
    _step(number, "assign", actor=actor, before=("answered",), note=reason)


def close(number: str, *, actor: str) -> None:
    """Close an answered complaint, as another person than who answered it.

    Raises ComplaintNotFound, SecondPersonNeeded, ComplaintStepNotPossible.
    """
    _step(number, "close", actor=actor)


def phone_of(number: str, *, reason: str, actor: str, role: Role | None = None) -> str:
    """Return the whole phone number to call back; who looked, and why, is written down before.

    :param role: the actor's: of the office that has the complaint, or of the bureau while none has
        it; None: a command

    Raises ComplaintNotFound, ComplaintInvalid, ComplaintOfAnotherOffice, ComplaintCleared,
    UnmaskLimitReached.
    """
    rules.check_reply(reason)
    complaint = get(number)
    if role is not None and rules.OFFICE_OF.get(role) != (complaint.office or rules.FIRST_OFFICE):
        raise rules.ComplaintOfAnotherOffice(f"{number} is {complaint.office}'s, not of {role}")
    if complaint.cleared_at is not None:
        raise rules.ComplaintCleared(number)
    phone = vault().decrypt(complaint.phone_encrypted)
    with transaction() as session:
        if role is not None:
            unmasking.refuse_beyond_limit(session, actor=actor, role=role)
        audit.record(session, actor=actor, action="complaint.phone", subject=number, reason=reason)
    return phone


def photo_of(number: str, *, actor: str) -> bytes:
    """Return a complaint's photo, a JPEG; who looked is written down. ComplaintNotFound: none."""
    complaint = get(number)
    if complaint.photo_id is None or complaint.photo_digest is None:
        raise rules.ComplaintNotFound(f"{number} has no photo")
    content = complaint_photos.read(Photo(complaint.photo_id, complaint.photo_digest))
    with transaction() as session:
        audit.record(session, actor=actor, action="complaint.read_file", subject=number)
    return content


def _find(number: str) -> Complaint | None:
    if not (number.isascii() and number.isdigit()):
        return None
    wanted = select(Complaint).where(Complaint.number == number)
    loaded = wanted.options(selectinload(Complaint.steps))
    return db.session.scalar(loaded, execution_options={"populate_existing": True})


def _of_form(form_id: str, digest: str) -> Complaint | None:
    found = db.session.scalar(select(Complaint).where(Complaint.form_id == form_id))
    if found is not None and found.form_digest != digest:
        raise rules.ComplaintFormUsed(f"form of {found.number}")
    return found


def _file(words: Words, digest: str, photo: Photo | None) -> Complaint:
    for _ in range(rules.MAX_A_DAY):
        try:
            return _insert(words, digest, photo)
        except IntegrityError:  # the same place of the phone's day, or the same number, at once
            continue
    raise rules.ComplaintTooMany("raced for the last place of a day")


def _insert(words: Words, digest: str, photo: Photo | None) -> Complaint:
    now, today = clock.now(), clock.today()
    due_on = rules.due_on(
        today,
        working_days=programmes.complaint_answer_days(),
        is_working_day=working_days.is_working_day,
    )
    phone_hash = vault().hash("phone", words.phone)
    with transaction() as session:
        last = session.scalar(
            select(func.max(Complaint.nth_of_day)).where(
                Complaint.phone_hash == phone_hash, Complaint.filed_on == today
            )
        )
        if (last or 0) >= rules.MAX_A_DAY:
            raise rules.ComplaintTooMany("a phone's sixth of a day")
        complaint = Complaint(
            number=f"{today:%Y%m%d}{secrets.randbelow(10**8):08d}",
            form_id=words.form_id,
            form_digest=digest,
            category=words.category,
            words=words.text,
            shop=words.shop or None,
            order_number=words.order_number or None,
            phone_hash=phone_hash,
            phone_encrypted=vault().encrypt(words.phone),
            phone_last4=words.phone[-4:],
            photo_id=photo.id if photo else None,
            photo_digest=photo.digest if photo else None,
            filed_at=now,
            filed_on=today,
            nth_of_day=(last or 0) + 1,
            due_on=due_on,
        )
        session.add(complaint)
    return complaint


def _step(
    number: str,
    act: ComplaintAct,
    *,
    actor: str,
    office: str | None = None,
    text: str | None = None,
    note: str | None = None,
    held_by: str | None = None,
    before: tuple[ComplaintState, ...] | None = None,
) -> None:
    """Take a step from a state that allows it, in one statement; write it down, and who.

    :param office: which has it from now on; None: as before
    :param held_by: which must have it until now; None: any
    """
    allowed, after = rules.TRANSITIONS[act]
    conditions = [Complaint.number == number, Complaint.state.in_(before or allowed)]
    if held_by is not None:
        conditions.append(Complaint.office == held_by)
    written = {"state": after} | ({"office": office} if office else {})
    with transaction() as session:
        taken = session.scalar(
            update(Complaint).where(*conditions).values(**written).returning(Complaint.office)
        )
        if taken is None:
            found = get(number)
            if held_by is not None and found.office != held_by and found.state in allowed:
                raise rules.ComplaintOfAnotherOffice(f"{number} is {found.office}'s")
            raise rules.ComplaintStepNotPossible(f"{act} of {number}")
        # The row is held until the commit: nobody else takes a step of this complaint meanwhile.
        last = session.scalar(
            select(ComplaintStep)
            .where(ComplaintStep.number == number)
            .order_by(ComplaintStep.position.desc())
            .limit(1)
        )
        if act == "close" and last is not None:
            refuse_own_work(made_by=last.actor, checked_by=actor)
        session.add(
            ComplaintStep(
                number=number,
                position=last.position + 1 if last else 1,
                act=act,
                office=taken,
                reply=text,
                note=note,
                actor=actor,
                at=clock.now(),
            )
        )
        audit.record(session, actor=actor, action=f"complaint.{act}", subject=number, office=taken)


def _digest(words: Words, photo: bytes | None) -> str:
    """Return what tells two forms apart; keyed, as it is made of a phone number too."""
    photo_digest = hashlib.sha256(photo).hexdigest() if photo else ""
    said = json.dumps([asdict(words), photo_digest], ensure_ascii=False, sort_keys=True)
    return vault().hash("complaint", said)
