"""A fault of Valkey is told as what it means for the claim."""

import pytest
import redis

from backend.domain import refusals
from backend.domain.errors import HuiquanError
from backend.redis_clients import ClusterUnavailable
from backend.services.quota_faults import refusal
from backend.storage.redis.scripts import Unconfirmed, confirm


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Unconfirmed("0 of 1 replicas"), refusals.ClaimUnconfirmed),
        (redis.ConnectionError(), refusals.QuotaUnavailable),
        (redis.TimeoutError(), refusals.QuotaUnavailable),
        (redis.ResponseError("NOREPLICAS"), refusals.QuotaUnavailable),
        (ClusterUnavailable("no node"), refusals.QuotaUnavailable),
    ],
)
def test_an_answer_that_may_be_forgotten_is_unconfirmed_and_no_answer_is_unavailable(
    fault: redis.RedisError, told: type[HuiquanError]
) -> None:
    refused = refusal(fault)
    assert type(refused) is told
    assert (refused.category, refused.retry_after_s) == ("unavailable", 2)


def test_fewer_replicas_than_wanted_and_a_refused_mark_confirm_nothing() -> None:
    confirm([True, 1], 1)
    confirm([True, 2], 1)
    with pytest.raises(Unconfirmed, match="1 of 2 replicas"):
        confirm([True, 1], 2)
    with pytest.raises(Unconfirmed, match="ResponseError"):
        confirm([redis.ResponseError("NOREPLICAS"), 1], 1)
