"""What a desk lists: days and months, sums without what was undone."""

import io
from datetime import date

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.errors import NotFound
from backend.services import clerks, desk_records, refunds, reversals
from backend.services.desk_records import Period
from backend.services.refunds import Goods
from tests.factories import RESTAURANT, SUPERMARKET, City, MovableClock, new_request
from tests.selling import sold

TODAY = Period.day(date(2023, 4, 28))


def test_sums_leave_out_what_was_undone_and_tell_what_came_back(city: City) -> None:
    person = city.clerk()
    kept, undone, returned = (sold(city, person) for _ in range(3))
    reversals.reverse_at_merchant(
        redemption_id=undone, merchant_id=SUPERMARKET, clerk_id=person.id, reason="输错"
    )
    refunds.refund_at_merchant(
        redemption_id=returned,
        merchant_id=SUPERMARKET,
        clerk_id=person.id,
        goods=Goods(number=new_request(), refund_amount_fen=4_000, reason="退"),
    )
    clerk = clerks.active_clerk(person.id)
    records, count, totals = desk_records.page_of(clerk, TODAY, page=1, page_size=10)
    assert (count, totals.count) == (3, 2)
    assert (totals.order_amount_fen, totals.discount_fen, totals.payable_fen) == (
        *(20_000, 2_000),
        18_000,
    )
    assert totals.refunded_fen == 4_000
    shown = {record.id: desk_records.shown_status(record) for record in records}
    assert shown == {kept: "已收款", undone: "已冲正", returned: "部分退货"}
    can = {record.id: desk_records.can_be_reversed(record) for record in records}
    assert can == {kept: True, undone: False, returned: False}


def test_a_month_is_its_days_and_no_other(city: City, moment: MovableClock) -> None:
    assert Period.month(2024, 2) == Period(date(2024, 2, 1), date(2024, 2, 29))
    assert Period.month(2023, 12) == Period(date(2023, 12, 1), date(2023, 12, 31))
    person = city.clerk()
    april = sold(city, person)
    moment.move(days=3)
    may = sold(city, person)
    clerk = clerks.active_clerk(person.id)
    for month, order_id in ((4, april), (5, may)):
        found, _, _ = desk_records.page_of(clerk, Period.month(2023, month), page=1, page_size=10)
        assert [record.id for record in found] == [order_id]


def test_pages_follow_each_other_without_gap(city: City) -> None:
    person = city.clerk()
    made = {sold(city, person) for _ in range(5)}
    clerk = clerks.active_clerk(person.id)
    pages = [desk_records.page_of(clerk, TODAY, page=n, page_size=2)[0] for n in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert {record.id for page in pages for record in page} == made


def test_excel_has_every_record_and_the_sums_and_the_same_bytes_again(city: City) -> None:
    person = city.clerk()
    for _ in range(3):
        sold(city, person)
    clerk = clerks.active_clerk(person.id)
    content = desk_records.excel(clerk, TODAY)
    assert content == desk_records.excel(clerk, TODAY)
    found = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert tuple(found[0]) == desk_records.TITLES
    assert len(found) == 5
    assert found[4][0] == "合计 3 笔（不含已冲正）"
    assert found[4][4:8] == [300.0, 30.0, 270.0, 0.0]


def test_another_shops_owner_finds_no_record(city: City) -> None:
    order_id, stranger = sold(city, city.clerk()), city.clerk(RESTAURANT)
    clerks.make_owner(clerk_id=stranger.id, actor="test")
    with pytest.raises(NotFound):
        desk_records.one_of(clerks.active_clerk(stranger.id), order_id)
