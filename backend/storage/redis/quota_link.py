"""One connection of an event loop to one server: all claims that wait for it travel together.

While one call is in flight the next claims gather, so a rush makes its own batches: one round trip,
one script call and one share of an fsync for all of them.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import hiredis
import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import MovedError, NoScriptError, RedisError, ResponseError

from backend.redis_clients import WAIT_MS
from backend.storage.redis import keys, scripts
from backend.storage.redis.quota import Take, TakeCall, take_answer

log = structlog.get_logger()

# Told once, on the loop, what the server answered, or why it cannot say: the claim may then have
# been taken, and the same request asked again tells. It raises nothing.
Told = Callable[[Take | RedisError], None]
# A call, who waits for it, and whether it was sent to another node before.
Waiting = tuple[TakeCall, Told, bool]


class QuotaLink:
    """The claim script on one server. Connects at the first claim, and anew after a fault.

    :param batch_max: claims in one call
    :param wait_replicas: how many replicas must have a batch before it is answered
    :param on_fault: told that the server was lost (None), or which claims it has no longer and
        who has them
    """

    def __init__(
        self,
        connection: AbstractConnection,
        *,
        batch_max: int,
        wait_replicas: int = 0,
        on_fault: Callable[[MovedError | None, list[Waiting]], None] | None = None,
    ) -> None:
        self._connection = connection
        self._batch_max = batch_max
        self._wait_replicas = wait_replicas
        self._on_fault = on_fault
        self._script = scripts.batched("claim")
        self._waiting: dict[str, list[Waiting]] = {}
        self._pumping: asyncio.Task[None] | None = None
        self.waiting_count = 0

    def put(self, waiting: Waiting) -> None:
        """Put a call to those that leave next."""
        self._waiting.setdefault(waiting[0].keys[0], []).append(waiting)
        self.waiting_count += 1
        if self._pumping is None:
            # The task starts with the next turn of the loop, when this turn's claims are all here.
            self._pumping = asyncio.get_running_loop().create_task(self._pump())

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
                    if self._on_fault is not None:
                        self._on_fault(None, [])
                except Exception as error:  # whatever it is, who waits must be answered
                    log.exception("claims_failed")
                    answers = [_unknown(error)] * len(batches)
                for batch, answer in zip(batches, answers, strict=True):
                    self._settle(batch, answer)
        finally:
            self._pumping = None

    def _next_batches(self) -> list[list[Waiting]]:
        """Take the longest waiting claims of every campaign, up to `batch_max` of each."""
        batches = []
        for key, waiting in list(self._waiting.items()):
            batches.append(waiting[: self._batch_max])
            if len(waiting) > self._batch_max:
                self._waiting[key] = waiting[self._batch_max :]
            else:
                del self._waiting[key]
        self.waiting_count -= sum(map(len, batches))
        return batches

    async def _ask_once_more(self, batches: list[list[Waiting]]) -> list[Any]:
        """Ask; after a broken connection once more, at once: the script answers a replay alike."""
        try:
            answers = await self._ask(batches)
        except (NotConnected, OSError):
            answers = await self._ask(batches)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            words = ("SCRIPT", "LOAD", self._script.text)
            await self._connection.send_packed_command([_packed(*words)])
            await self._connection.read_response()
            answers = await self._ask(batches)
        return answers

    async def _ask(self, batches: list[list[Waiting]]) -> list[Any]:
        connection = self._connection
        if not connection.is_connected:
            await connection.connect()
        calls = [self._call(batch) for batch in batches]
        if self._wait_replicas:
            # Why the mark: see scripts.py. Any of the keys will do, all are this server's.
            calls.append(_packed("SET", keys.mark(batches[0][0][0].keys[0]), 1))
            calls.append(_packed("WAIT", self._wait_replicas, WAIT_MS))
        await connection.send_packed_command(calls, check_health=False)
        answers: list[Any] = []
        for _ in calls:
            try:
                answers.append(await connection.read_response())
            except ResponseError as error:  # of one campaign; the others' answers follow
                answers.append(error)
        if self._wait_replicas:
            answers, confirmation = answers[:-2], answers[-2:]
            try:
                scripts.confirm(confirmation, self._wait_replicas)
            except scripts.Unconfirmed as error:
                log.error("claims_unconfirmed", why=str(error), batches=len(batches))
                return [a if isinstance(a, RedisError) else error for a in answers]
        return answers

    def _call(self, batch: list[Waiting]) -> bytes:
        first = batch[0][0]
        names = first.keys[:-1] + [call.keys[-1] for call, _, _ in batch]
        words: list[str | int] = ["EVALSHA", self._script.sha, len(names), *names]
        words.append(len(first.args))
        for call, _, _ in batch:
            words += call.args
        return _packed(*words)

    def _settle(self, batch: list[Waiting], answer: Any) -> None:
        """Give each claim of a batch its own answer, or all of them the fault."""
        if isinstance(answer, MovedError) and self._on_fault is not None:
            again = [(call, told, True) for call, told, sent_on in batch if not sent_on]
            self._on_fault(answer, again)
            batch = [waiting for waiting in batch if waiting[2]]
        if isinstance(answer, RedisError):
            for _, told, _ in batch:
                told(answer)
            return
        for n, (call, told, _) in enumerate(batch):
            told(_take(call, answer[2 * n], answer[2 * n + 1]))


def _packed(*words: str | int) -> bytes:
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # its stub: one word
    return packed


def _take(call: TakeCall, status: int, claim: str) -> Take | RedisError:
    try:
        return take_answer(call, status, claim)
    except ValueError as error:  # the others of the batch must still be told theirs
        log.exception("claim_unreadable")
        return _unknown(error)


def _unknown(error: Exception) -> RedisError:
    return error if isinstance(error, RedisError) else NotConnected(type(error).__name__)
