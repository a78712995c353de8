"""The war room: who may watch and pause, figures as one answer and as a stream."""

import json
import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from backend import metrics
from backend.domain.refusals import CampaignPaused, ClaimLimitReached
from backend.domain.staff import Role
from backend.edge.console import streams
from backend.edge.console.streams import Places
from backend.extensions import redis_handle
from backend.services import audit, campaigns, live
from backend.storage.redis import keys
from tests.console import Console, Desk
from tests.factories import MAY, City, MovableClock

ROOM = f"/console/war-room/{MAY}"


@pytest.fixture(autouse=True)
def counted_anew(console: Console) -> Iterator[None]:
    """Figures of this test alone, a stream that does not keep it waiting, and free places."""
    metrics.flush()
    live.forget()
    console.app.extensions["stream_places"] = Places(2)
    yield
    live.forget()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events without a second between them."""
    monkeypatch.setattr(streams, "EVERY_S", 0.01)


def events(desk: Desk) -> Iterator[str]:
    """Open the stream; the test client hands over each event as it comes."""
    answer = desk.client.get(f"{ROOM}/live?poll=1", buffered=False)
    assert answer.status_code == 200
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["X-Accel-Buffering"] == "no"
    with closing(answer):
        for chunk in answer.iter_encoded():
            yield chunk.decode()


def text_of(markup: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup))


def test_the_figures_are_what_was_claimed_and_what_was_refused(
    city: City, console: Console, moment: MovableClock
) -> None:
    holder = city.resident()
    city.claim(holder, tier=2)
    with pytest.raises(ClaimLimitReached):
        city.claim(holder, tier=2)
    live.flush()
    moment.move(seconds=live.SETTLED_AFTER_S)
    told = console.desk(Role.FINANCE).get(f"{ROOM}/figures?poll=1").json
    assert told
    assert "已领 1 剩余 4,899" in text_of(told["parts"]["figures"])
    assert "已领过本档 1" in text_of(told["parts"]["refusals"])
    chart = json.loads(told["chart"])
    assert [series["values"][-1] for series in chart["series"]] == [1, 1]
    assert len(chart["labels"]) == live.WINDOW_S


def test_the_page_has_the_switch_for_who_may_pause_and_for_nobody_else(
    city: City, console: Console
) -> None:
    assert "暂停领取" in console.desk(Role.BUREAU_OPERATOR).get(ROOM).text
    assert "暂停领取" not in console.desk(Role.FINANCE).get(ROOM).text
    assert MAY in console.desk(Role.FINANCE).get("/console/war-room").text


def test_a_pause_wants_a_reason_and_stops_the_very_next_claim(city: City, console: Console) -> None:
    operator = console.desk(Role.BUREAU_OPERATOR)
    assert operator.post(f"{ROOM}/pause", reason=" ").status_code == 400
    city.claim(city.resident())
    assert operator.post(f"{ROOM}/pause", reason="系统检修").status_code == 303
    with pytest.raises(CampaignPaused):
        city.claim(city.resident())
    entry = audit.entries(action="campaign.pause").page(1, 1)[0]
    assert (entry.actor, entry.details) == (operator.name, {"reason": "系统检修"})


def test_a_stream_begins_with_when_to_ask_again_and_tells_each_second(
    city: City, console: Console, quick: None
) -> None:
    with closing(events(console.desk(Role.AUDITOR))) as told:
        assert next(told) == "retry: 1000\n\n"
        for _ in range(3):
            name, _, body = next(told).partition(": ")
            assert name == "data"
            assert set(json.loads(body)) == {"parts", "chart"}


def test_one_stream_more_than_there_are_places_is_refused_until_one_ends(
    city: City, console: Console, quick: None
) -> None:
    auditor = console.desk(Role.AUDITOR)
    first, second = events(auditor), events(auditor)
    next(first)
    next(second)
    assert auditor.get(f"{ROOM}/live?poll=1").status_code == 503
    first.close()
    third = events(auditor)
    assert next(third)
    second.close()
    third.close()


def test_a_stream_ends_with_its_time_its_process_or_its_session(
    city: City, console: Console, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = console.desk(Role.AUDITOR)
    told = events(auditor)
    next(told)
    next(told)
    monkeypatch.setattr(streams, "LASTS_S", 0)
    assert list(events(auditor)) == ["retry: 1000\n\n"]
    console.app.extensions["stream_places"].is_serving = lambda: False
    assert list(told) == []
    console.app.extensions["stream_places"].is_serving = lambda: True
    monkeypatch.undo()
    monkeypatch.setattr(streams, "EVERY_S", 0.01)
    told = events(auditor)
    next(told)
    next(told)
    auditor.post("/console/sign-out")
    assert list(told) == []


def test_without_valkey_the_page_says_so_and_goes_on_asking(city: City, console: Console) -> None:
    redis_handle.client.set(keys.quota(MAY), "no hash")  # every question about it now fails
    told = console.desk(Role.AUDITOR).get(f"{ROOM}/figures?poll=1").json
    assert told
    assert "领券服务没有应答" in told["parts"]["figures"]


def test_a_draft_and_an_unknown_campaign_have_no_room(city: City, console: Console) -> None:
    auditor = console.desk(Role.AUDITOR)
    draft = next(c.id for c in campaigns.list_all(("draft",)))
    for campaign_id in ("Q0-NONE", draft):
        for path in ("", "/live", "/figures"):
            answer = auditor.get(f"/console/war-room/{campaign_id}{path}")
            assert answer.status_code == 404, (campaign_id, path)
