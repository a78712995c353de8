"""The choice of a voucher, its validity and its number."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.china import CHINA
from backend.domain.vouchers import (
    Purchase,
    Voucher,
    choose_voucher,
    first_serial,
    validity,
    voucher_id,
)

NOW = datetime(2023, 7, 7, 18, 30, tzinfo=CHINA)


def voucher(
    number: int = 1, threshold_yuan: int = 100, face_yuan: int = 30, **more: Any
) -> Voucher:
    values: dict[str, Any] = {
        "id": number,
        "threshold_fen": threshold_yuan * 100,
        "face_value_fen": face_yuan * 100,
        "valid_from": NOW - timedelta(days=1),
        "valid_until": NOW + timedelta(days=1),
        "status": "unused",
        "campaign_id": "Q3-NIGHT",
        "campaign_name": "夜市啤酒节券",
        "domain_ids": frozenset({"FOOD"}),
        "area": None,
        "use_minutes": None,
    }
    return Voucher(**{**values, **more})


def purchase(yuan: int = 100, **more: Any) -> Purchase:
    values = {"order_amount_fen": yuan * 100, "domain_id": "FOOD", "area": None, "at": NOW}
    return Purchase(**{**values, **more})


def chosen(vouchers: list[Voucher], bought: Purchase) -> int | None:
    taken = choose_voucher(vouchers, bought).voucher
    return taken.id if taken else None


def test_the_largest_face_wins() -> None:
    assert chosen([voucher(1, 50, 10), voucher(2, 100, 30), voucher(3, 80, 20)], purchase()) == 2


def test_what_is_held_wins_a_full_tie_with_an_instant_discount_whatever_the_ids() -> None:
    offer = voucher(1, kind="instant")
    assert chosen([offer, voucher(9)], purchase()) == 9
    assert chosen([voucher(9), offer], purchase()) == 9
    assert chosen([voucher(9), voucher(1, 100, 31, kind="instant")], purchase()) == 1
    earlier = voucher(1, kind="instant", valid_until=NOW + timedelta(hours=1))
    assert chosen([voucher(9), earlier], purchase()) == 1


def test_a_reason_of_an_instant_discount_names_no_voucher_and_speaks_of_a_discount() -> None:
    [reason] = choose_voucher([voucher(1, 200, kind="instant")], purchase()).reasons
    assert (reason.kind, reason.voucher_id) == ("instant", None)
    assert reason.sentence == "再消费100元即可使用本优惠"


def test_what_wants_a_card_counts_with_a_card_alone() -> None:
    wanting = voucher(1, card_required=True)
    assert chosen([wanting], purchase()) is None
    assert chosen([wanting], purchase(card_bound=True)) == 1
    assert [r.code for r in choose_voucher([wanting], purchase()).reasons] == ["card_required"]


def test_of_equal_faces_the_earlier_end_wins_then_the_lower_threshold_then_the_lower_id() -> None:
    soon, late = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    assert chosen([voucher(1, valid_until=late), voucher(2, valid_until=soon)], purchase()) == 2
    assert chosen([voucher(1, 100), voucher(2, 90)], purchase()) == 2
    assert chosen([voucher(8), voucher(7)], purchase()) == 7


def test_the_higher_face_wins_though_both_would_save_the_whole_order() -> None:
    free = {"threshold_fen": 0}
    pair = [voucher(1, face_yuan=30, **free), voucher(2, face_yuan=40, **free)]
    quote = choose_voucher(pair, purchase(20))
    assert quote.voucher is not None
    assert (quote.voucher.id, quote.discount_fen, quote.payable_fen) == (2, 2_000, 0)


@pytest.mark.parametrize(("amount_fen", "taken"), [(9_999, None), (10_000, 1), (10_001, 1)])
def test_the_threshold_is_inclusive(amount_fen: int, taken: int | None) -> None:
    assert chosen([voucher()], purchase(order_amount_fen=amount_fen)) == taken


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"valid_until": NOW}, "expired"),
        ({"valid_until": NOW + timedelta(milliseconds=1)}, None),
        ({"valid_from": NOW + timedelta(milliseconds=1)}, "not_yet_valid"),
        ({"valid_from": NOW}, None),
        ({"status": "expired"}, "expired"),
        ({"status": "locked"}, "held_by_another_order"),
        ({"domain_ids": frozenset({"ICE"})}, "other_domain"),
        ({"area": "东北亚广场"}, "other_area"),
        ({"use_minutes": (960, 1110)}, "outside_hours"),
        ({"use_minutes": (960, 1111)}, None),
        ({"use_minutes": (1110, 1440)}, None),
        ({"use_minutes": (1111, 1440)}, "outside_hours"),
    ],
)
def test_each_rule_has_its_own_reason_at_its_own_boundary(
    more: dict[str, Any], code: str | None
) -> None:
    quote = choose_voucher([voucher(**more)], purchase())
    assert [reason.code for reason in quote.reasons] == ([code] if code else [])
    assert (quote.voucher is None) == (code is not None)


def test_a_voucher_of_an_area_counts_in_that_area() -> None:
    square = voucher(area="东北亚广场")
    assert chosen([square], purchase(area="东北亚广场")) == 1
    (reason,) = choose_voucher([square], purchase(area="步行街")).reasons
    assert reason.sentence == "本券只能在东北亚广场使用"


def test_reasons_say_what_is_missing() -> None:
    (reason,) = choose_voucher([voucher()], purchase(order_amount_fen=8_050)).reasons
    assert reason.sentence == "再消费19.50元即可使用本券"
    (reason,) = choose_voucher([voucher()], purchase(80)).reasons
    assert reason.sentence == "再消费20元即可使用本券"
    night = voucher(use_minutes=(960, 1440))
    (reason,) = choose_voucher([night], purchase(at=NOW.replace(hour=12))).reasons
    assert reason.sentence == "本券限每日16:00至24:00使用"


def test_hours_are_meant_in_china_wherever_the_server_stands() -> None:
    night = voucher(use_minutes=(960, 1440))
    utc = NOW.astimezone(tz=None)
    assert chosen([night], purchase(at=utc)) == 1


def test_no_voucher_takes_nothing_off() -> None:
    quote = choose_voucher([], purchase(85))
    assert (quote.discount_fen, quote.payable_fen, quote.voucher) == (0, 8_500, None)
    with pytest.raises(ValueError, match="one fen"):
        choose_voucher([], purchase(0))


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.integers(0, 50_000), st.integers(1, 60_000)),
        unique_by=lambda row: row[0],
        max_size=8,
    ),
    st.integers(1, 100_000),
    st.randoms(),
)
def test_no_choice_saves_more_and_the_order_of_the_wallet_does_not_matter(
    rows: list[tuple[int, int, int]], amount_fen: int, random: Any
) -> None:
    wallet = [
        voucher(number, threshold_fen=threshold, face_value_fen=face)
        for number, threshold, face in rows
    ]
    bought = purchase(order_amount_fen=amount_fen)
    quote = choose_voucher(wallet, bought)
    eligible = [v for v in wallet if v.threshold_fen <= amount_fen]
    best_fen = max((min(v.face_value_fen, amount_fen) for v in eligible), default=0)
    assert quote.discount_fen == best_fen
    assert quote.discount_fen + quote.payable_fen == amount_fen
    assert quote.payable_fen >= 0
    assert len(quote.reasons) == len(wallet) - (quote.voucher is not None)
    random.shuffle(wallet)
    assert choose_voucher(wallet, bought) == quote


@pytest.mark.parametrize(
    ("days", "claim_day_counts", "until"),
    [
        (7, True, datetime(2023, 5, 5, tzinfo=CHINA)),
        (7, False, datetime(2023, 5, 6, tzinfo=CHINA)),
        (1, True, datetime(2023, 4, 29, tzinfo=CHINA)),
    ],
)
def test_validity_ends_at_24_00_of_its_last_day(
    days: int, claim_day_counts: bool, until: datetime
) -> None:
    for claimed_at in (
        datetime(2023, 4, 28, 0, 0, tzinfo=CHINA),
        datetime(2023, 4, 28, 23, 59, 59, 999_000, tzinfo=CHINA),
    ):
        bounds = validity(claimed_at, days=days, claim_day_counts=claim_day_counts)
        assert bounds == (claimed_at, until)


def test_validity_wants_a_day() -> None:
    with pytest.raises(ValueError, match="one day"):
        validity(NOW, days=0, claim_day_counts=True)


def test_a_vouchers_number_is_its_tier_and_serial_and_fits_a_json_number() -> None:
    assert voucher_id(17, 123) == 17_000_000_123
    assert voucher_id(9_000_000, 999_999_999) < 2**53
    for serial in (0, 1_000_000_000):
        with pytest.raises(ValueError, match="out of range"):
            voucher_id(1, serial)


def test_each_epoch_has_ten_million_serials_of_its_own_and_there_are_100() -> None:
    assert (first_serial(1), first_serial(2), first_serial(100)) == (1, 10_000_001, 990_000_001)
    assert voucher_id(7, first_serial(100) + 9_999_998) == 7_999_999_999
    for epoch in (0, 101):
        with pytest.raises(ValueError, match="out of range"):
            first_serial(epoch)
