"""The rules between the parts of a programme, each broken once and kept once."""

from dataclasses import replace

import pytest

from backend.domain.programme_checks import ANY_ID, Section, find_faults
from backend.domain.programmes import Campaign, Domain, Fund, Programme, Quarter
from tests.unit.domain.small_programme import CLAIM, DEFAULTS, ENTRY, PROGRAMME, SUBSIDY

FUND, GATE_FUND = PROGRAMME.funds
FIRST, SECOND = PROGRAMME.merchants


def wrong(programme: Programme) -> list[str]:
    """Return the paths of all faults, as dotted text."""
    return [".".join(str(step) for step in fault.path) for fault in find_faults(programme)]


def with_fund(**changes: object) -> Programme:
    fund = replace(FUND, **changes)  # type: ignore[arg-type]  # the tests name fields of Fund
    return replace(PROGRAMME, funds=(fund, GATE_FUND))


def with_campaigns(*campaigns: Campaign) -> Programme:
    return replace(PROGRAMME, campaigns=campaigns)


def quarters(q1_fen: int, q2_fen: int, floor_fen: int = 9_000) -> tuple[Quarter, ...]:
    return (
        Quarter(name="Q1", ceiling_fen=q1_fen, floor_fen=floor_fen),
        Quarter(name="Q2", ceiling_fen=q2_fen),
    )


def test_a_programme_whose_sums_hold_to_the_fen_has_no_fault() -> None:
    assert find_faults(PROGRAMME) == []


@pytest.mark.parametrize("difference_fen", [-1, 1])
def test_the_funds_add_up_to_the_total(difference_fen: int) -> None:
    total_fen = PROGRAMME.total_fen + difference_fen
    assert wrong(replace(PROGRAMME, total_fen=total_fen)) == ["programme.total"]


def test_the_ceilings_stay_within_the_fund() -> None:
    assert wrong(with_fund(quarters=quarters(10_000, 20_001))) == ["funds.0.quarter_ceilings"]
    assert wrong(with_fund(quarters=quarters(10_000, 20_000))) == []


def test_a_floor_does_not_pass_its_ceiling() -> None:
    over = with_fund(quarters=quarters(10_000, 20_000, floor_fen=10_001))
    assert wrong(over) == ["funds.0.quarter_floors.Q1"]
    assert wrong(with_fund(quarters=quarters(10_000, 20_000, floor_fen=10_000))) == []
    assert wrong(with_fund(quarters=quarters(10_000, 20_000, floor_fen=0))) == []
    below = with_fund(quarters=quarters(10_000, 20_000, floor_fen=-1))
    assert wrong(below) == ["funds.0.quarter_floors.Q1"]


def test_the_campaigns_of_a_quarter_stay_within_its_ceiling() -> None:
    assert wrong(with_fund(quarters=quarters(9_999, 20_000))) == ["funds.0.quarter_ceilings.Q1"]


def test_the_campaigns_of_a_fund_stay_within_it() -> None:
    funds = (FUND, replace(GATE_FUND, amount_fen=6_999))
    assert wrong(replace(PROGRAMME, funds=funds, total_fen=36_999)) == ["funds.1.amount"]


def test_one_fund_does_not_pay_for_the_campaigns_of_another() -> None:
    other = replace(ENTRY, fund_id="FUND", quarter="Q1")
    found = wrong(with_campaigns(CLAIM, SUBSIDY, other))
    assert found == ["funds.0.amount", "funds.0.quarter_ceilings.Q1"]


@pytest.mark.parametrize(
    ("programme", "path"),
    [
        (with_campaigns(replace(CLAIM, fund_id="NONE")), "campaigns.0.fund"),
        (with_campaigns(replace(CLAIM, domain_ids=("FOOD", "NONE"))), "campaigns.0.domains.1"),
        (with_campaigns(replace(ENTRY, merchant_id="TJ9999")), "campaigns.0.merchant"),
        (replace(PROGRAMME, merchants=(FIRST, replace(SECOND, domain_id="NONE"))),
         "merchants.1.domain"),
    ],
)  # fmt: skip
def test_every_reference_leads_somewhere(programme: Programme, path: str) -> None:
    assert wrong(programme) == [path]


def test_an_id_of_another_section_is_no_reference() -> None:
    assert wrong(with_campaigns(replace(CLAIM, domain_ids=("FUND",)))) == ["campaigns.0.domains.0"]


def test_a_campaign_names_a_quarter_if_and_only_if_its_fund_has_it() -> None:
    assert wrong(with_campaigns(replace(CLAIM, quarter=None))) == ["campaigns.0.quarter"]
    assert wrong(with_campaigns(replace(ENTRY, quarter="Q1"))) == ["campaigns.0.quarter"]
    only_q2 = with_fund(quarters=(Quarter(name="Q2", ceiling_fen=20_000),))
    assert wrong(only_q2) == ["campaigns.0.quarter"]


@pytest.mark.parametrize("campaign", [CLAIM, ENTRY], ids=lambda c: c.mode)
def test_cars_are_subsidised_and_nothing_else(campaign: Campaign) -> None:
    domain_ids = (*campaign.domain_ids, "CAR")
    programme = with_campaigns(replace(campaign, domain_ids=domain_ids))
    assert wrong(programme) == ["campaigns.0.domains.1"]
    assert wrong(with_campaigns(replace(SUBSIDY, domain_ids=domain_ids))) == []


def test_cars_under_another_id_are_cars() -> None:
    domains = (*PROGRAMME.domains, Domain(id="AUTO", name="新能源汽车"))
    programme = with_campaigns(replace(CLAIM, domain_ids=("AUTO",)))
    assert wrong(replace(programme, domains=domains)) == ["campaigns.0.domains.0"]


def test_a_campaign_has_domains_each_of_them_once() -> None:
    assert wrong(with_campaigns(replace(CLAIM, domain_ids=()))) == ["campaigns.0.domains"]
    twice = replace(CLAIM, domain_ids=("FOOD", "TOUR", "FOOD"))
    assert wrong(with_campaigns(twice)) == ["campaigns.0.domains.2"]


def test_ids_are_used_once_within_their_section() -> None:
    free = Fund(id="FUND", name="另一笔", amount_fen=1)
    two_funds = replace(PROGRAMME, funds=(*PROGRAMME.funds, free), total_fen=37_001)
    assert "funds.2.id" in wrong(two_funds)
    two_domains = (*PROGRAMME.domains, Domain(id="FOOD", name="小吃"))
    assert wrong(replace(PROGRAMME, domains=two_domains)) == ["domains.3.id"]
    same = replace(CLAIM, id="CARS")
    assert wrong(with_campaigns(SUBSIDY, same, ENTRY)) == ["campaigns.1.id"]
    merchants = (FIRST, replace(SECOND, id="TJ0001"))
    assert wrong(replace(PROGRAMME, merchants=merchants)) == ["merchants.1.id"]


@pytest.mark.parametrize("name", ["赫哲村", "赫 哲 村", "赫哲\u3000村"])
def test_two_merchants_do_not_have_names_that_look_the_same(name: str) -> None:
    programme = replace(PROGRAMME, merchants=(FIRST, replace(SECOND, name=name)))
    assert wrong(programme) == ["merchants.1.name"]


def test_width_and_case_do_not_make_two_campaign_names_different() -> None:
    def names(first: str, second: str) -> list[str]:
        return wrong(with_campaigns(replace(CLAIM, name=first), replace(SUBSIDY, name=second)))

    assert names("Apple 券(1)", "ＡＰＰＬＥ券（１）") == ["campaigns.1.name"]
    assert names("Apple 券(1)", "Apple 券(2)") == []


def test_a_merchant_may_have_the_name_of_a_campaign() -> None:
    programme = replace(PROGRAMME, merchants=(FIRST, replace(SECOND, name="春券")))
    assert wrong(programme) == []


@pytest.mark.parametrize(
    ("programme", "path"),
    [
        (replace(PROGRAMME, id="p"), "programme.id"),
        (replace(PROGRAMME, name=""), "programme.name"),
        (replace(PROGRAMME, lead_office="局\n"), "programme.lead_office"),
        (replace(PROGRAMME, timezone="UTC"), "programme.timezone"),
        (replace(PROGRAMME, hotline="请打电话"), "programme.hotline"),
        (replace(PROGRAMME, complaint_answer_days=0), "programme.complaint_answer_days"),
        (replace(PROGRAMME, complaint_answer_days=61), "programme.complaint_answer_days"),
        (replace(PROGRAMME, partners=replace(PROGRAMME.partners, network="")), "partners.network"),
        (with_fund(lead_office=""), "funds.0.lead_office"),
        (replace(PROGRAMME, merchants=(FIRST, replace(SECOND, area=""))), "merchants.1.area"),
        (with_campaigns(replace(CLAIM, area="")), "campaigns.0.area"),
        (with_campaigns(replace(CLAIM, id="春")), "campaigns.0.id"),
        (replace(PROGRAMME, merchants=(FIRST, replace(SECOND, id="T1"))), "merchants.1.id"),
    ],
)
def test_codes_have_their_form_and_texts_are_readable(programme: Programme, path: str) -> None:
    assert path in wrong(programme)


@pytest.mark.parametrize(
    ("field", "illegal", "legal"),
    [
        ("subsidies_per_payment", [0, 2], [1]),
        ("per_person_per_tier", [0, 10_000_000], [1, 9_999_999]),
        ("per_person_per_merchant_per_day", [0, 10_000_000], [1, 9_999_999]),
        ("payment_code_ttl_s", [0, 86_401], [1, 86_400]),
        ("voucher_lock_ttl_s", [0, 86_401], [1, 86_400]),
    ],
)
def test_a_default_lies_within_its_bounds(field: str, illegal: list[int], legal: list[int]) -> None:
    def found(value: int) -> list[str]:
        return wrong(replace(PROGRAMME, defaults=replace(DEFAULTS, **{field: value})))  # type: ignore[arg-type]  # all five are ints

    assert all(found(value) == [f"defaults.{field}"] for value in illegal)
    assert all(found(value) == [] for value in legal)


def test_of_a_partly_readable_programme_only_what_is_certain_is_told() -> None:
    no_fund = replace(PROGRAMME, funds=(GATE_FUND,))
    assert set(wrong(no_fund)) == {"programme.total", "campaigns.0.fund", "campaigns.1.fund"}
    assert find_faults(no_fund, whole=False, unreadable_ids=frozenset({("funds", "FUND")})) == []
    assert find_faults(no_fund, whole=False, unreadable_ids=frozenset({("funds", ANY_ID)})) == []
    unrelated: frozenset[tuple[Section, str]] = frozenset(
        {("domains", "FUND"), ("domains", ANY_ID)}
    )
    assert len(find_faults(no_fund, whole=False, unreadable_ids=unrelated)) == 2


def test_a_reason_names_the_sums_in_yuan() -> None:
    reasons = [fault.reason for fault in find_faults(with_fund(quarters=quarters(9_999, 20_000)))]
    assert reasons == ["本季度活动合计 100.00 元，超过上限 99.99 元"]
