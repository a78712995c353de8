"""The quota for an event loop: one connection, and all claims that wait travel together.

While one call is in flight the next claims gather, so a rush makes its own batches: one round trip,
one script call and one share of an fsync for all of them.
"""

import asyncio
from typing import Any

import hiredis
import structlog
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import NoScriptError, RedisError, ResponseError

from backend.storage.redis import scripts
from backend.storage.redis.quota import Take, TakeCall, take_answer

log = structlog.get_logger()
BATCH_MAX = 128  # claims in one call: keeps Valkey's other callers waiting for about a millisecond
WAITING_MAX = 5_000  # a queue longer than this answers nobody in time
TIMEOUT_S = 2.0

_Waiting = tuple[TakeCall, "asyncio.Future[Take]"]


class Overloaded(RedisError):
    """More claims wait than can be answered in time."""


class AsyncQuota:
    """The claim script for one event loop. Connects at the first claim, and anew after a fault."""

    def __init__(self, redis_url: str) -> None:
        pool = ConnectionPool.from_url(
            redis_url,
            decode_responses=True,
            protocol=2,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
        )
        self._connection: AbstractConnection = pool.make_connection()
        self._sha, self._source = scripts.batched("claim")
        self._waiting: dict[str, list[_Waiting]] = {}
        self._waiting_count = 0
        self._pumping: asyncio.Task[None] | None = None

    def take(self, call: TakeCall) -> "asyncio.Future[Take]":
        """Put the call to those that leave next; the future gives the answer.

        The future raises redis.RedisError when the server cannot say; the claim may then have been
        taken, and the same request asked again tells. Raises Overloaded at once.
        """
        if self._waiting_count >= WAITING_MAX:
            raise Overloaded(f"{self._waiting_count} claims wait")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Take] = loop.create_future()
        self._waiting.setdefault(call.keys[0], []).append((call, answer))
        self._waiting_count += 1
        if self._pumping is None:
            # The task starts with the next turn of the loop, when this turn's claims are all here.
            self._pumping = loop.create_task(self._pump())
        return answer

    async def close(self) -> None:
        """Answer what waits, then leave."""
        if self._pumping is not None:
            await asyncio.wait([self._pumping])
        await self._connection.disconnect()

    async def _pump(self) -> None:
        try:
            while self._waiting:
                batches = self._next_batches()
                try:
                    answers = await self._ask_once_more(batches)
                except (RedisError, OSError) as error:
                    log.error("claims_unanswered", error=type(error).__name__)
                    answers = [_unknown(error)] * len(batches)
                for batch, answer in zip(batches, answers, strict=True):
                    _settle(batch, answer)
        finally:
            self._pumping = None

    def _next_batches(self) -> list[list[_Waiting]]:
        """Take the longest waiting claims of every campaign, up to BATCH_MAX of each."""
        batches = []
        for key, waiting in list(self._waiting.items()):
            batches.append(waiting[:BATCH_MAX])
            if len(waiting) > BATCH_MAX:
                self._waiting[key] = waiting[BATCH_MAX:]
            else:
                del self._waiting[key]
        self._waiting_count -= sum(map(len, batches))
        return batches

    async def _ask_once_more(self, batches: list[list[_Waiting]]) -> list[Any]:
        """Ask; after a broken connection once more, at once: the script answers a replay alike."""
        try:
            answers = await self._ask(batches)
        except (NotConnected, OSError):
            answers = await self._ask(batches)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            await self._connection.send_packed_command([_packed("SCRIPT", "LOAD", self._source)])
            await self._connection.read_response()
            answers = await self._ask(batches)
        return answers

    async def _ask(self, batches: list[list[_Waiting]]) -> list[Any]:
        connection = self._connection
        if not connection.is_connected:
            await connection.connect()
        await connection.send_packed_command(
            [self._call(batch) for batch in batches], check_health=False
        )
        answers: list[Any] = []
        for _ in batches:
            try:
                answers.append(await connection.read_response())
            except ResponseError as error:  # of one campaign; the others' answers follow
                answers.append(error)
        return answers

    def _call(self, batch: list[_Waiting]) -> bytes:
        first = batch[0][0]
        names = first.keys[:-1] + [call.keys[-1] for call, _ in batch]
        words: list[str | int] = ["EVALSHA", self._sha, len(names), *names, len(first.args)]
        for call, _ in batch:
            words += call.args
        return _packed(*words)


def _packed(*words: str | int) -> bytes:
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # its stub: one word
    return packed


def _unknown(error: Exception) -> RedisError:
    return error if isinstance(error, RedisError) else NotConnected(type(error).__name__)


def _settle(batch: list[_Waiting], answer: Any) -> None:
    """Give each claim of a batch its own answer, or all of them the fault."""
    for n, (call, future) in enumerate(batch):
        if future.done():  # its caller went away
            continue
        if isinstance(answer, RedisError):
            future.set_exception(answer)
        else:
            future.set_result(take_answer(call, answer[2 * n], answer[2 * n + 1]))
