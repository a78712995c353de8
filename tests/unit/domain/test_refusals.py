"""The sentences of claiming and paying."""

import inspect

from backend.domain import refusals
from backend.domain.errors import HuiquanError


def test_every_sentence_says_why_and_what_to_do_next() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(refusals, inspect.isclass)
        if issubclass(kind, HuiquanError) and kind is not HuiquanError
    ]
    assert len(kinds) > 25
    for kind in kinds:
        assert "，" in kind.message, kind.code


def test_only_what_may_be_asked_again_carries_a_waiting_time() -> None:
    assert refusals.QuotaUnavailable.retry_after_s == 2
    assert refusals.QuotaExhausted.retry_after_s is None
