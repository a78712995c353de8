"""WeChat access tokens, shared by all processes through Redis."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from redis import Redis
from redis.exceptions import RedisError

from backend.domain.errors import Unavailable
from backend.storage.redis import keys

LOCK_TTL_S = 20
"""Longer than one token call can take (connect, answer, body), so no second caller joins in."""


class RedisTokenStore:
    """Keeps one access token for each appid; Redis's own time-to-live ends it."""

    def __init__(self, client: Callable[[], Redis]) -> None:
        """Keep how to come by a client: while a cluster is down there is none."""
        self._client = client

    def get(self, appid: str) -> str | None:
        """Return the token, or None. Raises Unavailable when Redis does not answer."""
        try:
            token = self._client().get(keys.wechat_token(appid))
        except RedisError as error:
            raise _unavailable(error) from error
        return token.decode() if isinstance(token, bytes) else token

    def put(self, appid: str, token: str, *, ttl_s: int) -> None:
        """Keep the token for `ttl_s` seconds. Raises Unavailable when Redis does not answer."""
        try:
            self._client().set(keys.wechat_token(appid), token, ex=ttl_s)
        except RedisError as error:
            raise _unavailable(error) from None  # redis-py may quote the command

    @contextmanager
    def lock(self, appid: str) -> Iterator[bool]:
        """Enter at once, True for the one caller that may fetch; a dead holder's lock runs out."""
        key = keys.wechat_token_lock(appid)
        try:
            lock = self._client().lock(key, timeout=LOCK_TTL_S, blocking=False)
            mine = lock.acquire()
        except RedisError as error:
            raise _unavailable(error) from error
        try:
            yield mine
        finally:
            if mine:
                # Run out, or Redis gone: either way the lock ends without us.
                with suppress(RedisError):
                    lock.release()


def _unavailable(error: RedisError) -> Unavailable:
    return Unavailable(f"redis gave no answer for the wechat token: {type(error).__name__}")
