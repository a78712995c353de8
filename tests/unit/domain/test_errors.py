"""Every refusal is one that a person can act on."""

import re

from backend.domain import refusals
from backend.domain.errors import HuiquanError
from backend.edge.errors import STATUS


def all_refusals() -> list[type[HuiquanError]]:
    found, open_ = [], [HuiquanError]
    while open_:
        kind = open_.pop()
        found.append(kind)
        open_.extend(kind.__subclasses__())
    return found


def test_every_refusal_has_a_stable_code_and_a_chinese_sentence_and_a_status() -> None:
    assert refusals.QuotaExhausted in all_refusals()
    for kind in all_refusals():
        assert re.fullmatch("[a-z]+(_[a-z]+)*", kind.code), kind
        assert re.search("[\u4e00-\u9fff]{4}", kind.message), kind
        assert kind.category in STATUS, kind


def test_no_two_refusals_share_a_code_unless_one_is_the_others_kind() -> None:
    owners: dict[str, type[HuiquanError]] = {}
    for kind in all_refusals():
        owner = owners.setdefault(kind.code, kind)
        assert issubclass(kind, owner) or issubclass(owner, kind), (kind, owner)


def test_what_the_log_reads_is_not_what_people_read() -> None:
    refused = refusals.QuotaExhausted("campaign Q2-MAY", details={"a": 1})
    assert str(refused) == "campaign Q2-MAY"
    assert refused.message == "本档消费券已领完，请看看其他档级或下一场活动"
    assert refused.details == {"a": 1}
