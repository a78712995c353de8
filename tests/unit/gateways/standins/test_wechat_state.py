"""What the stand-in of WeChat remembers."""

import pytest

from backend.gateways.standins import wechat_state
from backend.gateways.standins.control import StandinClock
from backend.gateways.standins.wechat_state import OneTimeCodes, Refuse, WeChatState


def new_state() -> WeChatState:
    return WeChatState(appid="wx1", secret="s", clock=StandinClock())


def test_an_openid_survives_a_restart_and_belongs_to_one_mini_program() -> None:
    openid = new_state().user("wang").openid
    assert new_state().user("wang").openid == openid
    assert len(openid) == 28
    other = WeChatState(appid="wx2", secret="s", clock=StandinClock())
    assert other.user("wang").openid != openid


def test_two_thousand_made_up_numbers_are_all_different() -> None:
    state = new_state()
    numbers = {state.made_up_phone(state.user(f"user{n}")) for n in range(2000)}
    assert len(numbers) == 2000


def test_a_number_that_is_taken_goes_to_its_first_owner_only() -> None:
    state = new_state()
    wang, li = state.user("wang"), state.user("li")
    wanted = new_state().made_up_phone(li)
    state._made_up[wanted] = wang.openid
    given = state.made_up_phone(li)
    assert given != wanted
    assert state.made_up_phone(li) == given


def test_expired_codes_are_forgotten_and_living_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wechat_state, "_PRUNE_ABOVE", 3)
    clock = StandinClock()
    codes: OneTimeCodes[int] = OneTimeCodes(clock)
    for n in range(3):
        codes.issue(n)
    clock.advance(200)
    living = codes.issue(7)
    clock.advance(101)
    codes.issue(8)
    assert len(codes._codes) == 2
    assert codes.spend(living) == 7
    with pytest.raises(Refuse):
        codes.spend(living)
