"""The shared access token: who fetches, and when nobody needs to."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from backend.gateways import wechat_tokens
from backend.gateways.wechat_errors import WeChatUnavailable
from backend.gateways.wechat_http import WeChatHttp
from backend.gateways.wechat_tokens import AccessToken, TokenStore
from tests.contracts.wechat_parts import APPID, SECRET, Canned, CannedServer, MemoryTokens

PATH = "/cgi-bin/stable_token"


class FilledAtTheLock(MemoryTokens):
    """Another process puts its token between our look and our lock."""

    @contextmanager
    def lock(self, appid: str) -> Iterator[bool]:
        with super().lock(appid) as mine:
            self.token = "FROM_ANOTHER"
            yield mine


def use(tokens: TokenStore, answers: list[Canned]) -> tuple[str, int]:
    """Return the token that a call is given, and how many token calls that took."""
    with CannedServer({PATH: answers}) as server:
        http = WeChatHttp(base_url=server.base_url, timeout_s=(1.0, 1.0))
        try:
            access = AccessToken(appid=APPID, secret=SECRET, http=http, tokens=tokens)
            return access.use(lambda token: token), len(server.said)
        finally:
            http.close()


def test_a_token_that_another_put_before_we_got_the_lock_is_taken() -> None:
    assert use(FilledAtTheLock(), [Canned(b"{}")]) == ("FROM_ANOTHER", 0)


def test_who_waits_for_a_lock_in_vain_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wechat_tokens, "TOKEN_WAIT_S", 0.1)
    tokens = MemoryTokens()
    with tokens.lock(APPID), pytest.raises(WeChatUnavailable, match="token_lock"):
        use(tokens, [Canned(b"{}")])


@pytest.mark.parametrize(("expires_in_s", "ttl_s"), [(7200, 6900), (331, 31), (330, 30), (1, 30)])
def test_a_token_is_kept_until_five_minutes_before_its_end_but_thirty_seconds_at_least(
    expires_in_s: int, ttl_s: int
) -> None:
    tokens = MemoryTokens()
    answer = Canned(b'{"access_token": "T", "expires_in": %d}' % expires_in_s)
    assert use(tokens, [answer]) == ("T", 1)
    assert tokens.ttl_s == ttl_s


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"access_token": "T"}', b'{"access_token": "", "expires_in": 7200}']
    + [b'{"access_token": 7, "expires_in": 7200}', b'{"access_token": "T", "expires_in": "7200"}'],
)
def test_an_answer_without_a_token_is_unavailable_and_nothing_is_kept(body: bytes) -> None:
    tokens = MemoryTokens()
    with pytest.raises(WeChatUnavailable):
        use(tokens, [Canned(body)])
    assert tokens.token is None
