"""Merchants that a partner bank has found qualified (提报): what is wrong with a line of its list.

Source: plan, part seven: 金融机构受理审核, before tax, the superior bank and the bureau look.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from backend.domain.identifiers import is_merchant_number, is_uscc

TERMINAL_NUMBER = re.compile(r"[0-9A-Za-z]{8}")
MAX_LINES = 200
# The sentence of each fault, for the bank's people.
FAULTS: Mapping[str, str] = {
    "uscc_wrong": "统一社会信用代码有误，请按营业执照核对 18 位代码",
    "merchant_number_wrong": "商户号须为 15 位数字",
    "terminal_number_wrong": "终端号须为 8 位字母或数字，且不能重复",
    "domain_unknown": "没有这一领域，请按方案的领域编号填写",
    "uscc_taken": "该统一社会信用代码已登记或已提报",
    "merchant_number_taken": "该商户号已登记或已提报",
    "uscc_repeated": "同一清单中统一社会信用代码重复",
    "merchant_number_repeated": "同一清单中商户号重复",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One merchant as the bank names it."""

    name: str
    uscc: str
    merchant_number: str
    terminal_numbers: tuple[str, ...]
    domain_id: str
    area: str | None


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is there already, and what the programme knows."""

    usccs: Collection[str]
    merchant_numbers: Collection[str]
    domain_ids: Collection[str]


def check(lines: Sequence[Line], known: Known) -> list[tuple[str, ...]]:
    """Return the faults of each line, none for one that may be taken.

    Of two lines that name one licence or one merchant number the first that is right counts.
    """
    usccs, numbers = set[str](), set[str]()
    found = []
    for line in lines:
        faults = [*_faults_of(line, known)]
        if line.uscc in usccs:
            faults.append("uscc_repeated")
        if line.merchant_number in numbers:
            faults.append("merchant_number_repeated")
        if not faults:
            usccs.add(line.uscc)
            numbers.add(line.merchant_number)
        found.append(tuple(faults))
    return found


def _faults_of(line: Line, known: Known) -> list[str]:
    terminals = line.terminal_numbers
    right_terminals = len(set(terminals)) == len(terminals) and all(
        TERMINAL_NUMBER.fullmatch(number) for number in terminals
    )
    tests = {
        "uscc_wrong": not is_uscc(line.uscc),
        "merchant_number_wrong": not is_merchant_number(line.merchant_number),
        "terminal_number_wrong": not right_terminals,
        "domain_unknown": line.domain_id not in known.domain_ids,
        "uscc_taken": line.uscc in known.usccs,
        "merchant_number_taken": line.merchant_number in known.merchant_numbers,
    }
    return [fault for fault, wrong in tests.items() if wrong]
