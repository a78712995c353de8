"""Loading a programme: all or nothing, and twice the same."""

import pytest

from backend.services import ledger, programmes
from backend.services.programme_files import ProgrammeFileRefused
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.ledger import Transfer
from backend.storage.models.merchants import Merchant
from backend.storage.models.programmes import Fund, Programme
from tests.factories import SAMPLE, rows

pytestmark = pytest.mark.usefixtures("app")
TEXT = SAMPLE.read_text()


def test_the_sample_loads_with_every_campaign_tier_and_merchant() -> None:
    loaded = programmes.load(TEXT, actor="test")
    assert (loaded.new, loaded.funds, loaded.campaigns, loaded.merchants) == (True, 2, 13, 16)
    assert {c.state for c in rows(Campaign)} == {"draft"}
    assert sum(t.face_value_fen * t.count for t in rows(Tier)) == 110_500_000
    assert sum(t.amount_fen for t in rows(Transfer)) == 110_500_000
    assert {m.status for m in rows(Merchant)} == {
        "passed",
        "reported",
        "vetoed",
        "suspended",
        "disqualified",
    }
    assert ledger.check().differences == ()


def test_the_same_file_twice_changes_nothing() -> None:
    programmes.load(TEXT, actor="test")
    assert not programmes.load(TEXT, actor="test").new
    assert not programmes.load(f"# a comment more\n{TEXT}", actor="test").new
    assert len(rows(Programme)) == 1
    assert sum(t.amount_fen for t in rows(Transfer)) == 110_500_000


def test_hotline_and_days_for_an_answer_are_the_programmes_or_the_usual_ones() -> None:
    assert (programmes.hotline(), programmes.complaint_answer_days()) == ("12345", 5)
    own = 'lead_office: 市商务和口岸局, hotline: "0454-1234567", complaint_answer_days: 7}'
    text = TEXT.replace("lead_office: 市商务和口岸局}", own)
    assert text != TEXT
    programmes.load(text, actor="test")
    assert (programmes.hotline(), programmes.complaint_answer_days()) == ("0454-1234567", 7)


def test_another_file_for_a_loaded_programme_is_refused() -> None:
    programmes.load(TEXT, actor="test")
    with pytest.raises(programmes.ProgrammeChanged):
        programmes.load(TEXT.replace("name: 鑫博,", "name: 鑫博二店,"), actor="test")
    assert "鑫博" in {m.name for m in rows(Merchant)}


def test_a_file_with_one_wrong_sum_loads_nothing_and_names_the_line() -> None:
    wrong = TEXT.replace("amount: 121000", "amount: 121001")
    line = next(n for n, text in enumerate(wrong.splitlines(), 1) if "121001" in text)
    with pytest.raises(ProgrammeFileRefused) as refused:
        programmes.load(wrong, actor="test")
    faults = refused.value.details["faults"]
    assert isinstance(faults, list)
    assert line in {fault["line"] for fault in faults}
    assert rows(Programme) == rows(Fund) == rows(Campaign) == []


def test_a_shops_licence_and_number_are_checked_and_kept() -> None:
    row = "{id: TJ0001, name: 鑫博, domain: MALL, status: published"
    assert row in TEXT
    good = f"{row}, uscc: 91310110666007217T, merchant_number: '802310048993424'"
    for wrong in (
        good.replace("217T", "217U"),
        good.replace("'8", "'"),
        good.replace("'802310048993424'", "802310048993424"),
    ):
        with pytest.raises(ProgrammeFileRefused):
            programmes.load(TEXT.replace(row, wrong), actor="test")
    twice = TEXT.replace(row, good).replace(
        "{id: TJ0002, name: 新天地,", "{id: TJ0002, uscc: 91310110666007217T, name: 新天地,"
    )
    with pytest.raises(ProgrammeFileRefused):
        programmes.load(twice, actor="test")
    programmes.load(TEXT.replace(row, good), actor="test")
    kept = {m.id: (m.uscc, m.merchant_number) for m in rows(Merchant)}
    assert kept["TJ0001"] == ("91310110666007217T", "802310048993424")
    assert kept["TJ0002"] == (None, None)
