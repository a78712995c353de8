"""What is wrong with a line of a bank's list of merchants."""

from typing import Any

import pytest

from backend.domain.proposals import FAULTS, Known, Line, check
from tests.bank_parts import OTHER_USCC, USCC, merchant

KNOWN = Known(usccs=(), merchant_numbers=(), domain_ids=("FOOD",))


def line(**changed: Any) -> Line:
    given = merchant(**changed)
    return Line(**given | {"terminal_numbers": tuple(given["terminal_numbers"])})


@pytest.mark.parametrize(
    ("changed", "faults"),
    [
        ({}, ()),
        ({"uscc": USCC[:-1] + "0"}, ("uscc_wrong",)),
        ({"uscc": USCC.lower()}, ("uscc_wrong",)),
        ({"merchant_number": "8.98261E+14"}, ("merchant_number_wrong",)),
        ({"merchant_number": "98261054110099"}, ("merchant_number_wrong",)),
        ({"terminal_numbers": ["1080209"]}, ("terminal_number_wrong",)),
        ({"terminal_numbers": ["01080209", "01080209"]}, ("terminal_number_wrong",)),
        ({"terminal_numbers": []}, ()),
        ({"domain_id": "CASINO"}, ("domain_unknown",)),
        ({"uscc": "1", "domain_id": "CASINO"}, ("uscc_wrong", "domain_unknown")),
    ],
)
def test_each_fault_of_a_line_is_named(changed: dict[str, Any], faults: tuple[str, ...]) -> None:
    assert check([line(**changed)], KNOWN) == [faults]
    assert all(FAULTS[fault] for fault in faults)


def test_what_is_known_already_is_refused() -> None:
    known = Known(usccs={USCC}, merchant_numbers=set(), domain_ids={"FOOD"})
    assert check([line()], known) == [("uscc_taken",)]
    known = Known(usccs=set(), merchant_numbers={"898261054110099"}, domain_ids={"FOOD"})
    assert check([line()], known) == [("merchant_number_taken",)]


def test_of_two_lines_with_one_licence_the_first_right_one_counts() -> None:
    wrong, right = line(domain_id="CASINO"), line()
    assert check([wrong, right, right], KNOWN) == [
        ("domain_unknown",),
        (),
        ("uscc_repeated", "merchant_number_repeated"),
    ]
    assert check([right, line(uscc=OTHER_USCC)], KNOWN)[1] == ("merchant_number_repeated",)
