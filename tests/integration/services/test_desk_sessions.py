"""Desks of shops: opened by a one-time number, open as long as the clerk works there."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from backend import clock
from backend.domain.errors import NotFound
from backend.services import clerks, desk_sessions
from backend.services.desk_sessions import DeskCodeRefused, DeskSessionOver
from backend.storage.models.desk import DeskCode, DeskSession
from backend.storage.models.merchants import Clerk, Merchant
from backend.storage.sql import transaction
from tests.factories import RESTAURANT, SUPERMARKET, City, MovableClock, Person, rows


def opened(person: Person) -> str:
    return sign_in(desk_sessions.issue(person.id).number)


def sign_in(number: str) -> str:
    return desk_sessions.sign_in(number, address="203.0.113.7", browser="Chrome")


def clerk_of(person: Person) -> Clerk:
    return clerks.active_clerk(person.id)


def test_a_number_opens_one_desk_and_not_a_second(city: City) -> None:
    clerk = city.clerk()
    number = desk_sessions.issue(clerk.id).number
    assert desk_sessions.current(sign_in(number)).clerk_id == clerk.id
    with pytest.raises(DeskCodeRefused):
        sign_in(number)


def test_one_number_typed_at_ten_computers_at_once_opens_one(city: City) -> None:
    number = desk_sessions.issue(city.clerk().id).number

    def attempt(_: int) -> str:
        with city.app.app_context():
            try:
                sign_in(number)
            except DeskCodeRefused:
                return "refused"
            return "opened"

    with ThreadPoolExecutor(10) as pool:
        assert Counter(pool.map(attempt, range(10))) == {"opened": 1, "refused": 9}
    assert len(rows(DeskSession)) == 1


def test_a_number_lives_two_minutes_and_not_a_millisecond_more(
    city: City, moment: MovableClock
) -> None:
    clerk = city.clerk()
    number = desk_sessions.issue(clerk.id).number
    moment.move(minutes=2)
    with pytest.raises(DeskCodeRefused):
        sign_in(number)
    number = desk_sessions.issue(clerk.id).number
    moment.move(minutes=2, milliseconds=-1)
    assert sign_in(number)


def test_the_newest_number_ends_the_one_before(city: City) -> None:
    clerk = city.clerk()
    older, newer = (desk_sessions.issue(clerk.id).number for _ in range(2))
    if older != newer:
        with pytest.raises(DeskCodeRefused):
            sign_in(older)
    assert sign_in(newer)
    assert len(rows(DeskCode)) == 1


def test_a_scanner_guns_full_width_digits_and_line_end_are_understood(city: City) -> None:
    number = desk_sessions.issue(city.clerk().id).number
    assert sign_in("".join(chr(ord(digit) + 0xFEE0) for digit in number) + "\r\n")


def test_a_desk_ends_after_8_hours_idle_and_16_at_most(city: City, moment: MovableClock) -> None:
    clerk = city.clerk()
    token = opened(clerk)
    moment.move(hours=8, seconds=-1)
    desk_sessions.current(token, in_use=False)  # what a page asks by itself keeps nothing alive
    moment.move(seconds=1)
    with pytest.raises(DeskSessionOver):
        desk_sessions.current(token)
    token = opened(clerk)
    for _ in range(2):
        moment.move(hours=7, minutes=59)
        desk_sessions.current(token)
    moment.move(minutes=2)
    with pytest.raises(DeskSessionOver):
        desk_sessions.current(token)


def test_a_desk_ends_with_the_clerks_work_at_once(city: City) -> None:
    clerk = city.clerk()
    token, number = opened(clerk), desk_sessions.issue(clerk.id).number
    clerks.remove_clerk(clerk_id=clerk.id, actor="test")
    with pytest.raises(DeskSessionOver):
        desk_sessions.current(token)
    with pytest.raises(DeskCodeRefused):
        sign_in(number)


def test_a_desk_ends_with_the_merchants_disqualification_but_not_with_a_suspension(
    city: City,
) -> None:
    token = opened(city.clerk())
    for status in ("suspended", "disqualified"):
        desk_sessions.current(token)
        with transaction() as session:
            session.get_one(Merchant, SUPERMARKET).status = status
    with pytest.raises(DeskSessionOver):
        desk_sessions.current(token)


def test_a_clerk_sees_and_ends_his_own_desks_the_owner_all_of_his_shop(city: City) -> None:
    owner, clerk, stranger = city.clerk(), city.clerk(), city.clerk(RESTAURANT)
    clerks.make_owner(clerk_id=owner.id, actor="test")
    clerks.make_owner(clerk_id=stranger.id, actor="test")
    tokens = [opened(person) for person in (owner, clerk, stranger)]
    ids = [desk_sessions.current(token).id for token in tokens]
    assert [row.id for row in desk_sessions.list_live(clerk_of(owner))] == [ids[1], ids[0]]
    assert [row.id for row in desk_sessions.list_live(clerk_of(clerk))] == [ids[1]]
    for foreign, person in ((ids[0], clerk), (ids[1], stranger), (2**31, owner)):
        with pytest.raises(NotFound):
            desk_sessions.end(foreign, clerk=clerk_of(person))
    for _ in range(2):
        desk_sessions.end(ids[1], clerk=clerk_of(owner))
    with pytest.raises(DeskSessionOver):
        desk_sessions.current(tokens[1])
    assert desk_sessions.current(tokens[0]).clerk_id == owner.id


def test_neither_number_nor_token_is_kept(city: City) -> None:
    number = desk_sessions.issue(city.clerk().id).number
    token = sign_in(number)
    kept = str([vars(row) for model in (DeskCode, DeskSession) for row in rows(model)])
    assert number not in kept
    assert token not in kept
    assert rows(DeskCode)[0].expires_at == clock.now() + timedelta(minutes=2)
