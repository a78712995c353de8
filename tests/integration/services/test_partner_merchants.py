"""The list out, proposals in."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from backend.domain.errors import NotFound
from backend.domain.proposals import Line
from backend.services import merchant_lists, partner_merchants, standings
from backend.storage.models.merchants import Merchant
from backend.storage.models.partners import MerchantProposal
from tests.bank_parts import OTHER_USCC, Bank, enter, merchant
from tests.factories import SUPERMARKET, City, rows
from tests.integration.cli.test_commands import flask


def line(**changed: Any) -> Line:
    given = merchant(**changed)
    return Line(**given | {"terminal_numbers": tuple(given["terminal_numbers"])})


def propose(number: str, *lines: Line, partner_id: str = "BANK01") -> dict[str, Any]:
    return partner_merchants.propose(partner_id=partner_id, request_number=number, lines=lines)


def test_the_list_comes_whole_or_as_what_changed_since_a_version(city: City) -> None:
    whole = partner_merchants.listed()
    assert (whole.version, whole.removed) == (1, ())
    assert {one.listed.merchant_id for one in whole.merchants} >= {SUPERMARKET}
    assert partner_merchants.listed(1).merchants == ()
    standings.suspend(SUPERMARKET, actor="王", reason="核查")
    merchant_lists.publish(actor="王")
    changed = partner_merchants.listed(1)
    assert (changed.version, changed.merchants, changed.removed) == (2, (), (SUPERMARKET,))
    assert partner_merchants.listed(2).removed == ()
    with pytest.raises(NotFound):
        partner_merchants.listed(3)


def test_right_lines_wait_as_bank_qualified_and_wrong_ones_are_named(city: City) -> None:
    enter()
    before = len(rows(Merchant))
    lines = line(), line(uscc=OTHER_USCC, merchant_number="8.98E+14")
    told = propose("list-0001", *lines)
    assert (told["taken"], told["refused"]) == (1, 1)
    assert [fault["code"] for fault in told["lines"][1]["faults"]] == ["merchant_number_wrong"]
    assert propose("list-0001", *lines) == told
    assert [row.state for row in rows(MerchantProposal)] == ["bank_qualified", "refused"]
    assert len(rows(Merchant)) == before
    assert line().uscc in flask(city.app, "partner", "proposals").output


def test_a_licence_is_proposed_once_by_whatever_bank_also_at_once(city: City) -> None:
    enter()
    for n in range(2, 6):
        enter(Bank(f"BANK0{n}", f"BANK0{n}-1", f"{n}" * 64))

    def one(n: int) -> int:
        with city.app.app_context():
            told = propose(f"list-100{n}", line(), partner_id=f"BANK0{n}")
            return int(told["taken"])

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(one, range(1, 6))) == [0, 0, 0, 0, 1]
    known = propose("list-2000", line(uscc=OTHER_USCC))
    assert [f["code"] for f in known["lines"][0]["faults"]] == ["merchant_number_taken"]
