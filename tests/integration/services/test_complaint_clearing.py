"""Phones and photos of complaints go in time; words and steps stay."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from apiflask import APIFlask
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from backend import clock
from backend.domain import complaints as rules
from backend.services import audit, complaint_clearing, complaints
from backend.storage.models.complaints import Complaint
from backend.storage.sql import transaction
from tests.complaining import PHONE, file_one, words
from tests.factories import MovableClock
from tests.subsidising import picture


def close(number: str) -> None:
    complaints.assign(number, office="bureau", actor="jing.ban")
    complaints.answer(number, text="已请商户改正", actor="jing.ban")
    complaints.close(number, actor="shen.pi")


def file_of(app: APIFlask, number: str) -> Path:
    photo_id = complaints.get(number).photo_id or ""
    path = app.extensions["settings"].files_dir / "complaints" / photo_id[:2] / photo_id
    assert path.is_file()
    return Path(path)


def test_180_days_after_its_closing_phone_and_photo_go_and_the_words_stay(
    app: APIFlask, moment: MovableClock
) -> None:
    number = complaints.file(words(), photo=picture()).number
    path = file_of(app, number)
    close(number)
    moment.move(days=180, milliseconds=-1)
    assert complaint_clearing.clear_due() == 0
    assert complaints.phone_of(number, reason="回访", actor="jing.ban") == PHONE
    moment.move(milliseconds=1)
    assert complaint_clearing.clear_due() == 1
    assert complaint_clearing.clear_due() == 0
    found = complaints.get(number)
    assert (found.words, len(found.steps)) == (words().text, 3)
    assert (found.phone_last4, found.photo_id, path.exists()) == ("", None, False)
    assert PHONE[-4:] not in found.phone_hash + found.form_digest
    assert [(e.actor, e.subject) for e in audit.entries(action="complaint.clear").each()] == [
        ("jobs", number)
    ]


def test_what_was_cleared_is_nobodys_to_ask_for(app: APIFlask, moment: MovableClock) -> None:
    number = complaints.file(words(), photo=picture()).number
    close(number)
    moment.move(days=180)
    complaint_clearing.clear_due()
    for last4 in ("", " ", PHONE[-4:]):
        with pytest.raises(rules.ComplaintNotFound):
            complaints.track(number, phone_last4=last4)
    with pytest.raises(rules.ComplaintCleared):
        complaints.phone_of(number, reason="回访", actor="jing.ban")
    with pytest.raises(rules.ComplaintNotFound):
        complaints.photo_of(number, actor="jing.ban")


def test_what_is_not_closed_keeps_all_however_old(app: APIFlask, moment: MovableClock) -> None:
    open_one, late = file_one().number, file_one().number
    moment.move(days=400)
    close(late)
    assert complaint_clearing.clear_due() == 0
    moment.move(days=180)
    assert complaint_clearing.clear_due() == 1
    assert complaints.phone_of(open_one, reason="回访", actor="jing.ban") == PHONE


def test_five_of_one_phone_and_day_are_cleared_beside_each_other_and_by_two_runs_once(
    app: APIFlask, moment: MovableClock
) -> None:
    numbers = [file_one().number for _ in range(rules.MAX_A_DAY)]
    for number in numbers:
        close(number)
    moment.move(days=180)

    def run(_: int) -> int:
        with app.app_context():
            return complaint_clearing.clear_due()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(run, range(2))) == rules.MAX_A_DAY
    acts = [entry.subject for entry in audit.entries(action="complaint.clear").each()]
    assert sorted(acts) == sorted(numbers)


def test_the_database_refuses_a_clearing_that_leaves_the_phone(app: APIFlask) -> None:
    number = file_one().number
    close(number)
    named = update(Complaint).where(Complaint.number == number)
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(named.values(cleared_at=clock.now()))
