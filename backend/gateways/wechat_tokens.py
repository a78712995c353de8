"""The access token: one for all processes, fetched by one of them, refreshed once when refused."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from backend.gateways.wechat_errors import WeChatMisconfigured, WeChatStaleToken
from backend.gateways.wechat_http import WeChatHttp, log_refusal, parse_answer, unavailable

TOKEN_WAIT_S = 8.0
"""How long one caller waits for the token that another is fetching."""

TOKEN_MARGIN_S = 300
"""stable_token hands out the next token this long before the old one ends; both work then."""

_POLL_S = 0.05
_MIN_TTL_S = 30
_PATH = "/cgi-bin/stable_token"

_T = TypeVar("_T")


class TokenStore(Protocol):
    """Where all processes of one installation share an app's access token."""

    def get(self, appid: str) -> str | None:
        """Return the token, or None when there is none or its time has run out."""

    def put(self, appid: str, token: str, *, ttl_s: int) -> None:
        """Keep the token for `ttl_s` seconds."""

    def lock(self, appid: str) -> AbstractContextManager[bool]:
        """Enter without waiting; True: this caller alone may fetch, until it leaves.

        The lock must outlive one call (the sum of the time-outs, twice) and free itself when its
        holder dies.
        """


class AccessToken:
    """Runs calls with the shared access token of one app."""

    def __init__(self, *, appid: str, secret: str, http: WeChatHttp, tokens: TokenStore) -> None:
        self._appid = appid
        self._secret = secret
        self._http = http
        self._tokens = tokens

    def use(self, call: Callable[[str], _T]) -> _T:
        """Call with the shared token; refused, once more with a fresh one, and never a third."""
        token = self._current()
        try:
            return call(token)
        except WeChatStaleToken:
            fresh = self._current(refused=token)
        return call(fresh)

    def _current(self, refused: str | None = None) -> str:
        """Return the shared access token; among all processes one fetches, the others wait.

        :param refused: a token that WeChat did not take; any other one will do
        """
        deadline_s = time.monotonic() + TOKEN_WAIT_S
        while True:
            token = self._tokens.get(self._appid)
            if token and token != refused:
                return token
            with self._tokens.lock(self._appid) as mine:
                if mine:
                    # Another may have put one between our look and the lock.
                    token = self._tokens.get(self._appid)
                    return token if token and token != refused else self._fetch_token()
            if time.monotonic() > deadline_s:
                raise unavailable(_PATH, "token_lock")
            time.sleep(_POLL_S)

    def _fetch_token(self) -> str:
        """Fetch the stable token and share it until shortly before its end.

        Never with force_refresh: that is limited to 20 a day, and kills the token others hold.
        """
        body = {
            "grant_type": "client_credential",
            "appid": self._appid,
            "secret": self._secret,
            "force_refresh": False,
        }
        try:
            answer = parse_answer(_PATH, self._http.call("POST", _PATH, body=body))
        except WeChatStaleToken as error:  # here 40001 says that the secret is wrong
            wrong = WeChatMisconfigured(str(error), errcode=error.errcode, rid=error.rid)
            log_refusal(_PATH, wrong)
            raise wrong from None
        token, expires_in_s = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(expires_in_s, int):
            raise unavailable(_PATH, "answer_lacks_token")
        ttl_s = max(_MIN_TTL_S, expires_in_s - TOKEN_MARGIN_S)
        self._tokens.put(self._appid, token, ttl_s=ttl_s)
        return token
