"""How the claim's price in Valkey grows: with those who hold one already, and with campaigns.

Directly at Valkey, over one connection with two calls of the lane's own batched script in flight:
over HTTP the web workers set the pace, and what Valkey needs would hide behind them. Both variants
answer the very same calls, made beforehand.
"""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import redis

from backend import clock, redis_clients
from backend.devstack.valkey import PrivateValkey
from backend.domain.campaigns import CampaignTerms
from backend.extensions import db
from backend.services import campaigns
from backend.services.claim_decisions import prepare
from backend.storage.redis import held, keys, quota, scripts
from tests.bench.lane import UNITS, Figures
from tests.bench.pressing import median, ratio
from tests.factories import MAY
from tests.load.stack import city

HOLDERS = {"few": 1_000, "many": 5_000_000}
CAMPAIGNS = {"one": 1, "many": 200}
CLAIMS = 64_000  # in each measurement
BATCH = 16
PER_BUCKET = held.RESIDENTS_PER_BUCKET // 2  # half of each bucket's residents hold one
SCRIPT = scripts.batched("claim")


def holders(rounds: int) -> Figures:
    """5,000,000 holders against 1,000."""
    with city(units={1: UNITS}) as stack, _second(stack.folder) as second:
        terms = _terms()
        clients = {"few": redis_clients.make(stack.valkey.url), "many": second}
        for name, client in clients.items():
            before = _memory(client)
            quota.load(client, terms)  # loaded already where the city runs
            _load(client, terms, HOLDERS[name])
            if name == "many":
                yield "bytes_per_holder_of_5m", (_memory(client) - before) / HOLDERS[name]
        paces: dict[str, list[float]] = {name: [] for name in clients}
        people = _others(rounds)
        for n in range(rounds):
            packed = _packed(second, [terms], people[n * CLAIMS : (n + 1) * CLAIMS])
            for name, client in clients.items():
                paces[name].append(_pace(client, packed))
                print(f"  {HOLDERS[name]:8d} holders {paces[name][-1]:8.0f}/s", flush=True)
            _load_again(clients["few"], terms)
    yield "valkey_claims_per_s_at_1k", median(paces["few"])
    yield "valkey_claims_per_s_at_5m", median(paces["many"])
    yield "figure claims_at_5m_holders_vs_1k", ratio(paces["many"], paces["few"])


def many_campaigns(rounds: int) -> Figures:
    """200 campaigns at once against one."""
    with city(units={1: UNITS}) as stack:
        client, terms = redis_clients.make(stack.valkey.url), _terms()
        every = [replace(terms, id=f"MANY-{n:03d}") for n in range(CAMPAIGNS["many"])]
        for campaign in every:
            quota.load(client, campaign)
        paces: dict[str, list[float]] = {name: [] for name in CAMPAIGNS}
        for n in range(rounds):
            for name, count in CAMPAIGNS.items():
                # Each campaign's people are neighbours, and in turn 16 of each come: its buckets
                # fill up alike whether there is one or many.
                share = CLAIMS // count
                people = [
                    n * share + first + place + 1
                    for first in range(0, share, BATCH)
                    for _ in range(count)
                    for place in range(BATCH)
                ]
                packed = _packed(client, [terms] if count == 1 else every, people)
                paces[name].append(_pace(client, packed))
                print(f"  {count:8d} campaigns {paces[name][-1]:8.0f}/s", flush=True)
    yield "figure claims_200_campaigns_vs_1", ratio(paces["many"], paces["one"])


def _terms() -> CampaignTerms:
    campaigns.forget_snapshots()
    terms = campaigns.terms(MAY)
    db.session.close()
    return terms


@contextmanager
def _second(folder: Path) -> Iterator[redis.Redis]:
    with TemporaryDirectory(dir=folder) as name, PrivateValkey(Path(name)) as server:
        with redis_clients.make(server.url, timeout_s=60) as client:
            yield client


def _load(client: redis.Redis, terms: CampaignTerms, count: int) -> None:
    """Give a unit to every second resident from the first bucket on, as claim.lua would write."""
    pipeline = client.pipeline(transaction=False)
    full, rest = divmod(count, PER_BUCKET)
    for bucket in range(full + bool(rest)):
        first = bucket * PER_BUCKET
        fields = {
            str(2 * n + 1): f"1.{first + n + 1:x}.1d4c0.Zk3_aQ"
            for n in range(PER_BUCKET if bucket < full else rest)
        }
        pipeline.hset(keys.held(terms.id, bucket), mapping=fields)
        pipeline.setbit(keys.buckets(terms.id), bucket, 1)
        if bucket % 500 == 0:
            pipeline.execute()
    pipeline.execute()


def _load_again(client: redis.Redis, terms: CampaignTerms) -> None:
    """Go back to the few holders."""
    names = list(client.scan_iter(keys.held(terms.id, 0)[:-1] + "*", count=10_000))
    client.delete(*names, keys.buckets(terms.id), keys.claims(terms.id))
    _load(client, terms, HOLDERS["few"])


def _others(rounds: int) -> list[int]:
    """Return residents who hold none, all those of buckets drawn at random, in random order.

    With few holders their buckets fill up from nothing, with many from half: the many have the
    longer hashes to look through, so the comparison is on the safe side.
    """
    chance = random.Random(5)
    all_ = range(HOLDERS["many"] // PER_BUCKET)
    buckets = chance.sample(all_, rounds * CLAIMS // PER_BUCKET)
    found = []
    for n in range(rounds):
        own = buckets[n * CLAIMS // PER_BUCKET : (n + 1) * CLAIMS // PER_BUCKET]
        people = [
            bucket * held.RESIDENTS_PER_BUCKET + 2 * place
            for bucket in own
            for place in range(PER_BUCKET)
        ]
        chance.shuffle(people)
        found += people
    return found


def _packed(
    client: redis.Redis, of: Sequence[CampaignTerms], people: Sequence[int]
) -> list[list[bytes]]:
    """Return calls of the batched script as they go over the wire, one campaign each in turn."""
    now_ms = clock.now_ms()
    connection = client.connection_pool.get_connection()
    packed = []
    for n, first in enumerate(range(0, len(people), BATCH)):
        calls = [
            prepare(
                of[n % len(of)], tier_position=1, resident_id=person, request_id="r", now_ms=now_ms
            ).call
            for person in people[first : first + BATCH]
        ]
        names = [*calls[0].keys[:3], *(call.keys[3] for call in calls)]
        args = [len(calls[0].args), *(arg for call in calls for arg in call.args)]
        packed.append(connection.pack_command("EVALSHA", SCRIPT.sha, len(names), *names, *args))
    client.connection_pool.release(connection)
    return packed


def _pace(client: redis.Redis, packed: Sequence[list[bytes]]) -> float:
    """Send the calls, two in flight; return claims a second. All must be taken."""
    client.script_load(SCRIPT.text)
    connection = client.connection_pool.get_connection()
    taken, began_s = 0, time.monotonic()
    connection.send_packed_command(packed[0])
    for command in [*packed[1:], None]:
        if command is not None:
            connection.send_packed_command(command)
        taken += sum(int(status) for status in connection.read_response()[::2])
    took_s = time.monotonic() - began_s
    client.connection_pool.release(connection)
    if taken != len(packed) * BATCH:
        raise SystemExit(f"{taken} of {len(packed) * BATCH} claims were taken")
    return taken / took_s


def _memory(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])
