"""What the guide tells banks is what the interface does: its example, its calls, its codes."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from backend.domain import partners as rules
from tests.bank_parts import SECRET
from tests.factories import City
from tests.integration.edge.callers import operations
from tests.test_docs import FENCE, refusals, section, table

ROOT = Path(__file__).parents[4]
GUIDES = [ROOT / "docs" / name for name in ("bank-integration.md", "bank-integration.zh-CN.md")]
CLIENT = runpy.run_path(str(ROOT / "docs/bank/huiquan_bank_client.py"))
by_guide = pytest.mark.parametrize("guide", GUIDES, ids=("en", "zh"))
HEADINGS = {"bank-integration.md": ("The calls", "Refusals"),
            "bank-integration.zh-CN.md": ("接口", "拒绝代码")}  # fmt: skip


def examples(guide: Path) -> list[dict[str, str]]:
    found = []
    for kind, block in FENCE.findall(guide.read_text()):
        if kind == "text":
            parts = re.split(r"^(\w+) +", block, flags=re.M)[1:]
            said = dict(zip(parts[::2], parts[1::2], strict=True))
            found.append({k: re.sub(r"\n +", "\n", v).strip() for k, v in said.items()})
    return found


@by_guide
def test_the_worked_examples_are_right_to_the_byte(guide: Path) -> None:
    call, answer = examples(guide)
    method, target, timestamp, nonce, _ = call["text"].split("\n")
    body = call["body"].encode()
    text = rules.request_text(
        method=method, target=target, timestamp=timestamp, nonce=nonce, body=body
    )
    assert text.decode() == call["text"]
    assert CLIENT["request_text"](method, target, timestamp, nonce, body) == call["text"]
    assert call["secret"] == SECRET
    assert rules.signature(SECRET, text) == call["signature"]
    assert CLIENT["signature"](SECRET, call["text"]) == call["signature"]
    _, status, timestamp, nonce, _ = answer["text"].split("\n")
    body = answer["body"].encode()
    text = rules.answer_text(status=int(status), timestamp=timestamp, nonce=nonce, body=body)
    assert text.decode() == answer["text"]
    assert CLIENT["answer_text"](int(status), timestamp, nonce, body) == answer["text"]
    assert rules.signature(SECRET, text) == answer["signature"]


@by_guide
def test_every_call_is_named_and_no_other(guide: Path, city: City) -> None:
    heading, _ = HEADINGS[guide.name]
    named = {tuple(row[0].strip("`").split()) for row in table(section(guide, heading))}
    served: set[Any] = {
        (o.method, o.path.replace("{file_name}", "NAME").replace("{file_id}", "FILE_ID"))
        for o in operations(city.app)
        if o.guard == "partner"
    }
    assert named == served


@by_guide
def test_every_code_that_is_explained_is_one_and_none_of_a_partners_is_missing(
    guide: Path,
) -> None:
    _, heading = HEADINGS[guide.name]
    named = {row[0].strip("`") for row in table(section(guide, heading))}
    assert named <= refusals().keys()
    own = {"partner_signature_invalid", "partner_time_wrong", "partner_address_refused"}
    own |= {"partner_nonce_used", "partner_request_in_progress", "payment_withdrawn"}
    assert own | {"discount_unavailable", "partner_file_of_another"} <= named


def test_both_guides_have_the_same_code_and_the_same_terms() -> None:
    english, chinese = (guide.read_text() for guide in GUIDES)
    assert FENCE.findall(english) == FENCE.findall(chinese)
    terms = [set(re.findall(r"`([^`\n]+)`", FENCE.sub("", text))) for text in (english, chinese)]
    assert terms[0] == terms[1]
