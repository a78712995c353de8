"""A programme file is read whole or refused with every fault and its line."""

import json
import random
from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.domain.china import CHINA
from backend.services.programme_files import (
    ProgrammeFileRefused,
    canonical_digest,
    parse_programme,
)
from tests.unit.services.programme_money_rules import MONEY_RULES
from tests.unit.services.programme_part_rules import PART_RULES
from tests.unit.services.sample_programme import (
    SAMPLE,
    Edit,
    Rule,
    changed,
    faults_of,
    line_with,
)

HEAD = "lead_office: 市商务和口岸局"
RULES = [*MONEY_RULES, *PART_RULES]


def test_the_sample_parses_and_its_sums_are_exact() -> None:
    programme = parse_programme(SAMPLE)
    spent_fen = {fund.id: 0 for fund in programme.funds}
    quarters_fen = dict.fromkeys(("Q1", "Q2", "Q3", "Q4", None), 0)
    for campaign in programme.campaigns:
        tiers_fen = sum(tier.face_value_fen * tier.count for tier in campaign.tiers)
        assert campaign.amount_fen == tiers_fen
        spent_fen[campaign.fund_id] += campaign.amount_fen
        quarters_fen[campaign.quarter] += campaign.amount_fen
    assert spent_fen == {"FUND93": 93_000_000, "GATE": 17_500_000}
    assert programme.total_fen == 110_500_000
    assert list(quarters_fen.values()) == [
        22_000_000,
        25_000_000,
        24_000_000,
        22_000_000,
        17_500_000,
    ]
    [fund, gate] = programme.funds
    assert [(q.name, q.ceiling_fen, q.floor_fen) for q in fund.quarters] == [
        ("Q1", 22_000_000, 20_000_000),
        ("Q2", 25_000_000, 0),
        ("Q3", 24_000_000, 0),
        ("Q4", 22_000_000, 0),
    ]
    assert gate.quarters == ()


def test_a_campaign_runs_from_its_opening_to_24_00_of_its_last_day() -> None:
    by_id = {campaign.id: campaign for campaign in parse_programme(SAMPLE).campaigns}
    may, fuel = by_id["Q2-MAY"], by_id["Q2-FUEL"]
    assert may.opens_at == datetime(2023, 4, 28, 10, tzinfo=CHINA)
    assert may.ends_at == datetime(2023, 5, 11, tzinfo=CHINA)
    assert fuel.opens_at == datetime(2023, 5, 1, tzinfo=CHINA)
    assert {at.utcoffset() for at in (may.opens_at, fuel.ends_at)} == {
        datetime(2023, 1, 1, tzinfo=CHINA).utcoffset()
    }


def test_what_a_campaign_says_of_its_own_goes_before_the_defaults() -> None:
    by_id = {campaign.id: campaign for campaign in parse_programme(SAMPLE).campaigns}
    assert by_id["Q3-NIGHT"].hours == (960, 1440)
    assert by_id["Q3-NIGHT"].area == "东北亚广场"
    assert (by_id["Q2-FUEL"].per_person, by_id["Q2-FUEL"].daily_release) == (3, 50)
    assert by_id["Q2-FUEL"].carry_over
    assert by_id["Q2-APPL"].one_tier_per_day
    assert (by_id["Q2-APPL"].validity_days, by_id["Q2-APPL"].claim_day_counts) == (10, False)
    assert by_id["GATE-JJK"].person_per_natural_month == 1
    assert by_id["GATE-JJK"].merchant_id == "TJ0005"
    assert by_id["Q3-CAR"].evidence == ("invoice_number", "vin", "photo")
    assert by_id["Q1-NY"].on_full_refund == "voucher_stays_used"
    terms = "on_full_refund: restore_within_validity, per_person_per_merchant_per_day: 1"
    own = parse_programme(changed(("domains: [FUEL],", f"domains: [FUEL], {terms},")))
    fuel = next(campaign for campaign in own.campaigns if campaign.id == "Q2-FUEL")
    assert fuel.on_full_refund == "restore_within_validity"
    assert (fuel.per_person_per_merchant_per_day, fuel.per_person_per_tier) == (1, 1)


def test_two_restaurants_stand_where_the_night_market_vouchers_are_spent() -> None:
    programme = parse_programme(SAMPLE)
    at_the_square = [m for m in programme.merchants if m.area == "东北亚广场"]
    assert [(m.domain_id, m.status) for m in at_the_square] == [("FOOD", "published")] * 2


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_a_broken_rule_is_told_with_its_line_and_reason(rule: Rule) -> None:
    text = changed(*rule.broken)
    faults = faults_of(text)
    assert [(line, where) for line, where, _ in faults] == [
        (line_with(text, expected.line_holds), expected.where) for expected in rule.faults
    ]
    for (_, _, reason), expected in zip(faults, rule.faults, strict=True):
        assert expected.reason_holds in reason


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_the_nearest_legal_neighbour_is_accepted(rule: Rule) -> None:
    parse_programme(changed(*rule.legal))


def test_faults_of_every_kind_are_told_together_in_the_order_of_lines() -> None:
    text = changed(
        ("total: 1105000", "total: 1105000.5"),  # the shape
        ("{id: GATE, ", "{id: GATE, colour: red, "),  # the keys
        ("{Q1: 200000}", "{Q1: 220001}"),  # a rule within a part
        ("amount: 68000", "amount: 67999"),  # a sum
        ("domain: ICE", "domain: SNOW"),  # a reference
        ("status: suspended", "status: &s suspended"),  # what YAML may not do
        ("name: 新天地", "name: 鑫博"),  # a rule between parts
        ("bank: 示例银行同江支行", "bank: ' '"),
    )
    faults = faults_of(text)
    assert [where for _, where, _ in faults] == [
        "programme.total",
        "funds[0].quarter_floors.Q1",
        "funds[1].colour",
        "campaigns[2].amount",
        "merchants[1].name",
        "merchants[10].domain",
        "merchants[14].status",
        "partners.bank",
    ]
    assert faults == sorted(faults)


def test_a_part_that_cannot_be_read_brings_no_false_faults_on_the_others() -> None:
    """The fund is there, its amount unknown: what refers to it is not wrong for that."""
    assert [where for _, where, _ in faults_of(changed(("amount: 930000", "amount: many")))] == [
        "funds[0].amount"
    ]
    assert [where for _, where, _ in faults_of(changed(("{id: FOOD, ", "{")))] == ["domains[5].id"]
    assert [where for _, where, _ in faults_of(changed(("domains:\n", "kinds:\n")))] == [
        "domains",
        "kinds",
    ]
    twice = changed(("domains:\n", "domains: [{id: X, name: 别的}]\n\ndomains:\n"))
    assert [where for _, where, _ in faults_of(twice)] == ["domains"]


def test_positions_are_those_of_the_file_when_an_earlier_part_cannot_be_read() -> None:
    text = changed(("{id: Q1-NY, ", "{id: 1, "), ("amount: 36000", "amount: 36001"))
    assert [where for _, where, _ in faults_of(text)] == ["campaigns[0].id", "campaigns[1].amount"]


def test_the_refusal_names_its_code_category_and_what_to_do() -> None:
    with pytest.raises(ProgrammeFileRefused) as refused:
        parse_programme("")
    assert refused.value.code == "programme_file_refused"
    assert refused.value.category == "invalid"
    assert refused.value.details == {"faults": [{"line": 1, "where": "", "reason": "文件是空的"}]}


def test_comments_spaces_and_the_order_of_keys_do_not_change_the_digest() -> None:
    digest = canonical_digest(parse_programme(SAMPLE))
    rewritten = changed(
        ("{id: TJ0001, name: 鑫博,", "{name: '鑫博',   id: TJ0001,"),
        ("{Q1: 220000, Q2: 250000, Q3: 240000,", "{Q3: 240000, Q2: 250000, Q1: 220000,"),
        ("campaigns:\n", "# the year's campaigns\n\ncampaigns:\n"),
        (HEAD, HEAD + ', hotline: "12345", complaint_answer_days: 5'),  # what holds without them
    )
    assert canonical_digest(parse_programme(rewritten)) == digest
    assert len(digest) == 64


@pytest.mark.parametrize(
    "edit",
    [
        ("name: 新天地", "name: 新天帝"),
        ("{Q1: 200000}", "{Q1: 199999}"),
        ("ends: 2023-05-10", "ends: 2023-05-11"),
        ("voucher_lock_ttl_s: 300", "voucher_lock_ttl_s: 301"),
        ("area: 东北亚广场, hours", "hours"),
        (HEAD, HEAD + ', hotline: "0454-1234567"'),
        (HEAD, HEAD + ", complaint_answer_days: 7"),
    ],
)
def test_a_programme_that_says_something_else_has_another_digest(edit: Edit) -> None:
    other = parse_programme(changed(edit))
    assert canonical_digest(other) != canonical_digest(parse_programme(SAMPLE))


def only_ever_refused(text: str) -> None:
    try:
        programme = parse_programme(text)
    except ProgrammeFileRefused as refused:
        faults = refused.details["faults"]
        assert faults
        json.dumps(faults, ensure_ascii=False).encode()  # it can be sent, whatever came in
    else:
        assert len(canonical_digest(programme)) == 64


@settings(max_examples=150, deadline=None)
@given(text=st.text(st.characters(exclude_categories=())))
@example(text="\ud800")
@example(text="\x00")
@example(text='"\\ud800"')
@example(text='"\\UFFFFFFFF": 1')
@example(text="%YAML " + "9" * 5000 + ".1\n---\n")
@example(text="? [a]\n: b")
@example(text="[" * 100_000)
@example(text="- " * 100_000)
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    only_ever_refused(text)


@settings(max_examples=150, deadline=None)
@given(content=st.binary())
def test_no_bytes_do_anything_but_parse_or_be_refused(content: bytes) -> None:
    only_ever_refused(content.decode("utf-8", "surrogateescape"))
    only_ever_refused(content.decode("latin-1"))


SNIPPETS = [
    "", "&a ", "*a", "!!int ", "{", "}", "[", "]", "- ", "? ", ": ", "\n", "\t", '"', "|\n", "~",
    '"\\ud800"', "<<: ", "%TAG ! x\n", "---\n", "0x1F", "1_0", "1:30", ".nan", "yes", "2023-02-30",
]  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32), snippets=st.lists(st.sampled_from(SNIPPETS), min_size=1))
def test_no_damage_to_the_sample_does_anything_but_parse_or_be_refused(
    seed: int, snippets: list[str]
) -> None:
    places = random.Random(seed)
    text = SAMPLE
    for snippet in snippets:
        start = places.randrange(len(text))
        text = text[:start] + snippet + text[start + places.randrange(4) :]
    only_ever_refused(text)
