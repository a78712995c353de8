"""Programme files: the text that a clerk of the bureau writes → a checked `Programme`."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from backend.domain.errors import HuiquanError
from backend.domain.programme_checks import ANY_ID, Section, find_faults
from backend.domain.programme_fields import Path
from backend.domain.programmes import COMPLAINT_ANSWER_DAYS, HOTLINE, TIMEZONE, Programme
from backend.services.programme_shapes import FileShape
from backend.services.programme_values import SAID
from backend.services.programme_yaml import Document, LineFault, read_document

SECTIONS: tuple[Section, ...] = get_args(Section)

_REASONS = {
    "missing": "缺少这一项",
    "extra_forbidden": "方案文件里没有这样的项目，请改正名称或删去",
    "int_type": "应为整数：只写数字，不带小数、引号、逗号或单位",
    "string_type": "应为文字；如果内容是数字，请加引号",
    "bool_type": "只能写 true 或 false",
    "list_type": "应为列表，逐条书写或写在 [ ] 里",
    "dict_type": "应为“名称: 内容”的形式",
    "model_type": "应为“名称: 内容”的形式",
}
# Legal stand-ins for single parts that could not be read, so that the other parts still are
# checked; whatever is found in a stand-in is not told.
_STAND_INS: dict[str, dict[str, object]] = {
    "programme": {
        "id": "X", "name": "X", "timezone": TIMEZONE, "total": 1, "lead_office": "X"
    },
    "partners": {"bank": "X", "superior_bank": "X", "network": "X"},
    "defaults": {
        "subsidies_per_payment": 1,
        "per_person_per_tier": 1,
        "per_person_per_merchant_per_day": 1,
        "on_full_refund": "voucher_stays_used",
        "returned_money_goes_to": "campaign",
        "payment_code_ttl_s": 1,
        "voucher_lock_ttl_s": 1,
    },
}  # fmt: skip


class ProgrammeFileRefused(HuiquanError):
    """`details["faults"]` lists them all: line (from 1), where (such as "funds[0].id"), reason."""

    code = "programme_file_refused"
    message = "方案文件有误，未作任何更改；请按所列行号逐条改正后重新提交"
    category = "invalid"

    def __init__(self, faults: Sequence[LineFault]) -> None:
        ordered = sorted(faults, key=lambda fault: (fault.line, where(fault.path), fault.reason))
        super().__init__(
            f"programme file refused: {len(ordered)} faults, the first in line {ordered[0].line}",
            details={
                "faults": [
                    {"line": fault.line, "where": where(fault.path), "reason": fault.reason}
                    for fault in ordered
                ]
            },
        )


def parse_programme(text: str) -> Programme:
    """Return the programme that the text states, in fen and China time.

    Raises ProgrammeFileRefused, which names every fault with its line, and nothing else.
    """
    document = read_document(text)
    faults = list(document.faults)
    if not isinstance(document.value, dict):
        raise ProgrammeFileRefused(faults or [LineFault(line=1, path=(), reason="不是方案文件")])
    faults.extend(_shape_faults(document))
    unreadable = {_part_of(fault.path) for fault in faults}
    plain, kept = _readable(document.value, unreadable)
    programme = FileShape.model_validate(plain).to_programme()
    found = find_faults(
        programme,
        whole=not unreadable,
        unreadable_ids=frozenset(_unreadable_ids(document.value, unreadable)),
    )
    for fault in found:
        path = _path_in_file(fault.path, kept)
        if _part_of(path) not in unreadable:
            faults.append(LineFault(line=document.line_of(path), path=path, reason=fault.reason))
    if faults:
        raise ProgrammeFileRefused(faults)
    return programme


def canonical_digest(programme: Programme) -> str:
    """Return the SHA-256 of what the programme says, 64 hex digits.

    Comments, spacing and the order of keys in the file do not count, so the same programme
    written anew has the same digest, and loading it again can be seen to change nothing.
    """
    said = asdict(programme)
    # A programme without these was digested before they were.
    for name, default in (
        ("hotline", HOTLINE),
        ("complaint_answer_days", COMPLAINT_ANSWER_DAYS),
    ):
        if said[name] == default:
            del said[name]
    for campaign in said["campaigns"]:
        if campaign["payment_provider"] is None:
            del campaign["payment_provider"]  # likewise
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), default=datetime.isoformat)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def where(path: Path) -> str:
    """Return a path as people write it: campaigns[3].tiers[0].face; the whole file is ""."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            shown = "".join(c if c.isprintable() else "?" for c in step[:40])
            text += f".{shown}" if text else shown
    return text


def _shape_faults(document: Document) -> Iterator[LineFault]:
    """What the models refuse, except where the reader has already said what is wrong."""
    told = {fault.path for fault in document.faults}
    try:
        FileShape.model_validate(document.value)
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            path = tuple(step for step in details["loc"] if step != "[key]")
            if path not in told:
                yield LineFault(line=document.line_of(path), path=path, reason=_reason(details))


def _reason(details: ErrorDetails) -> str:
    match details["type"]:
        case "literal_error":
            allowed = details["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
            return f"只能是 {allowed.replace(', ', '、')}"
        case kind if kind == SAID:
            return details["msg"]
        case kind:
            return _REASONS.get(kind, "内容不符合要求")


def _part_of(path: Path) -> Path:
    """Return the smallest part of a file that is left out when there is a fault at the path."""
    return path[:2] if path and path[0] in SECTIONS else path[:1]


def _readable(
    value: dict[str, object], unreadable: set[Path]
) -> tuple[dict[str, object], dict[str, list[int]]]:
    """Return the file without its unreadable parts, and which positions of each list are left."""
    plain: dict[str, object] = {}
    kept: dict[str, list[int]] = {}
    for name, stand_in in _STAND_INS.items():
        plain[name] = stand_in if (name,) in unreadable else value[name]
    for section in SECTIONS:
        items = _items(value, section)
        kept[section] = [i for i in range(len(items)) if (section, i) not in unreadable]
        plain[section] = [items[i] for i in kept[section]]
    return plain, kept


def _items(value: dict[str, object], section: Section) -> list[object]:
    items = value.get(section)
    return items if isinstance(items, list) else []


def _unreadable_ids(
    value: dict[str, object], unreadable: set[Path]
) -> Iterator[tuple[Section, str]]:
    for section in SECTIONS:
        if (section,) in unreadable:
            yield section, ANY_ID
        for i, item in enumerate(_items(value, section)):
            if (section, i) in unreadable:
                id_ = item.get("id") if isinstance(item, dict) else None
                yield section, id_ if isinstance(id_, str) else ANY_ID


def _path_in_file(path: Path, kept: dict[str, list[int]]) -> Path:
    """Undo the shift of positions that leaving out parts has caused."""
    match path:
        case (str(section), int(position), *rest) if section in kept:
            return (section, kept[section][position], *rest)
        case _:
            return path
