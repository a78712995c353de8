"""A programme file is looked at before it is loaded; what differs is named, nothing is changed."""

from collections.abc import Callable
from io import BytesIO

import pytest

from backend.domain.errors import NotFound
from backend.services import budget_proposals, budgets, programme_previews, programmes
from backend.services.programme_files import ProgrammeFileRefused
from backend.services.programme_previews import Difference, Preview
from backend.storage.models.campaigns import Campaign
from backend.storage.models.programmes import Programme
from tests.factories import MAY, SAMPLE, City, rows

pytestmark = pytest.mark.usefixtures("app")
TEXT = SAMPLE.read_text()


def looked_at(text: str = TEXT) -> Preview:
    return programme_previews.preview(programme_previews.keep(BytesIO(text.encode())))


def differences(text: str) -> list[tuple[object, ...]]:
    return [(d.part, d.id, d.field, d.loaded, d.in_file) for d in looked_at(text).differences]


def test_looking_loads_nothing_and_what_was_looked_at_is_what_is_loaded() -> None:
    found = looked_at()
    assert (found.known_id, found.is_loaded, found.differences) == (None, False, ())
    assert len(found.programme.campaigns) == 13
    assert rows(Programme) == []
    assert programme_previews.load(found.digest, actor="li.wei").new
    assert len(rows(Campaign)) == 13
    assert not programme_previews.load(found.digest, actor="li.wei").new


def test_the_loaded_file_differs_in_nothing() -> None:
    programmes.load(TEXT, actor="test")
    found = looked_at(f"# a comment more\n{TEXT}")
    assert (found.known_id, found.is_loaded, found.differences) == ("TJ2023", True, ())


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (
            lambda t: t.replace("name: 鑫博,", "name: 鑫博二店,"),
            [("merchant", "TJ0001", "name", "鑫博", "鑫博二店")],
        ),
        (
            lambda t: t.replace("quarter_floors: {Q1: 200000}", "quarter_floors: {Q1: 190000}"),
            [("fund", "FUND93", "Q1 floor_fen", 20_000_000, 19_000_000)],
        ),
        (
            lambda t: t.replace("name: 五一乐购券", "name: 五一惠民券"),
            [("campaign", MAY, "name", "五一乐购券", "五一惠民券")],
        ),
        (
            lambda t: t.replace("name: 冰雪}", "name: 冰雪运动}"),
            [("domain", "ICE", "name", "冰雪", "冰雪运动")],
        ),
        (
            lambda t: t.replace("id: TJ0011,", "id: TJ0099,"),
            [
                ("merchant", "TJ0011", "", "示例·冰雪乐园", None),
                ("merchant", "TJ0099", "", None, "示例·冰雪乐园"),
            ],
        ),
        (
            lambda t: t.replace("lead_office: 市商务和口岸局}", "lead_office: 市商务局}"),
            [("programme", "TJ2023", "lead_office", "市商务和口岸局", "市商务局")],
        ),
    ],
)
def test_each_thing_that_a_file_says_otherwise_is_named(
    edit: Callable[[str], str], expected: list[object]
) -> None:
    programmes.load(TEXT, actor="test")
    assert edit(TEXT) != TEXT
    assert differences(edit(TEXT)) == expected
    with pytest.raises(programmes.ProgrammeChanged):
        programme_previews.load(looked_at(edit(TEXT)).digest, actor="li.wei")


def test_a_budget_that_has_moved_on_differs_from_the_file_it_came_from(city: City) -> None:
    budget_proposals.propose_tiers(
        "B1", campaign_id=MAY, expected_fen=12_100_000, counts={1: 2501}, reason="x", actor="a"
    )
    budgets.confirm("B1", actor="b")
    amount, tiers = looked_at().differences
    assert amount == Difference(
        part="campaign", id=MAY, field="amount_fen", loaded=12_101_000, in_file=12_100_000
    )
    assert tiers.field == "tiers"
    assert tiers.loaded == [(5_000, 1_000, 2_501), (10_000, 3_000, 2_000), (30_000, 9_000, 400)]


def test_a_file_with_faults_is_refused_with_its_lines_and_above_a_megabyte() -> None:
    for text, reason in (
        (TEXT.replace("amount: 121000", "amount: 121001"), "121001"),
        (TEXT + "#" * 1_000_000, "1 MB"),
    ):
        with pytest.raises(ProgrammeFileRefused) as refused:
            looked_at(text)
        assert refused.value.details["faults"], reason


@pytest.mark.parametrize("digest", ["0" * 64, "none", "..", "../../etc/passwd", "A" * 64])
def test_only_a_kept_file_is_read(digest: str) -> None:
    with pytest.raises(NotFound):
        programme_previews.preview(digest)
