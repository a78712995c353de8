"""HTTP to api.weixin.qq.com: one request, a bounded answer, and no secret in any text.

Query strings of this API carry the app secret, access tokens and openids, and `requests` puts
the whole URL into its exceptions, urllib3 into its log. Neither leaves this module.
"""

import http.client
import json
import logging
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy

import requests
import structlog
import urllib3

from backend.gateways.wechat_errors import (
    WeChatBusy,
    WeChatError,
    WeChatMisconfigured,
    WeChatUnavailable,
    refusal,
    server_ip,
)

MAX_ANSWER_BYTES = 1_000_000
_CHUNK_BYTES = 65_536
_NETWORK_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
)

log = structlog.get_logger()


class _CutQuery(logging.Filter):
    """Cuts everything from a `?` on out of what urllib3 logs: its debug lines hold whole URLs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args
            )
        return True


def guard_urllib3_log() -> None:
    """Keep query strings out of urllib3's log, whatever level the application sets. Idempotent."""
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logger = logging.getLogger(name)
        if not any(isinstance(old, _CutQuery) for old in logger.filters):
            logger.addFilter(_CutQuery())


class WeChatHttp:
    """Requests to one base URL. Safe to share between threads.

    :param timeout_s: seconds to connect, and between two pieces of the answer; their sum bounds
        the reading of the answer's body as a whole
    """

    def __init__(self, *, base_url: str, timeout_s: tuple[float, float]) -> None:
        guard_urllib3_log()
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._session = requests.Session()
        # A proxy or netrc found in the environment must not see the secret.
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Plain bytes: the bound on the answer then holds for what is parsed, too.
        self._session.headers["Accept-Encoding"] = "identity"

    def close(self) -> None:
        self._session.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> bytes:
        """Send one request, never twice, and return the answer's bytes.

        :param body: sent as UTF-8 JSON, Chinese unescaped
        :raises WeChatUnavailable: network, time-out, status other than 200, over 1 MB
        """
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {} if data is None else {"Content-Type": "application/json; charset=utf-8"}
        reason = ""
        try:
            with self._session.request(
                method,
                self._base_url + path,
                params=query,
                data=data,
                headers=headers,
                timeout=self._timeout_s,
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code == 200:
                    return self._read(response, path)
                reason = f"http_{response.status_code}"
        except _NETWORK_ERRORS as error:
            reason = type(error).__name__  # its text holds the URL
        # Raised outside the handler, so that the original is not even kept as the context.
        raise unavailable(path, reason)

    def _read(self, response: requests.Response, path: str) -> bytes:
        """Read the body piece by piece: a read time-out alone lets a dripping server hold us."""
        deadline_s = time.monotonic() + sum(self._timeout_s)
        content = bytearray()
        while piece := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            content += piece
            if len(content) > MAX_ANSWER_BYTES:
                raise unavailable(path, "answer_too_large")
            if time.monotonic() > deadline_s:
                raise unavailable(path, "answer_too_slow")
        return bytes(content)


def parse_answer(path: str, content: bytes) -> dict[str, object]:
    """Return the JSON object of an answer, whatever Content-Type it was labelled with.

    :raises WeChatError: the refusal that its errcode stands for; a missing errcode means 0
    :raises WeChatUnavailable: not a JSON object
    """
    try:
        answer = json.loads(content.decode("utf-8"))
        errcode = int(answer.get("errcode") or 0)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        answer = None
        errcode = 0
    if not isinstance(answer, dict):
        raise unavailable(path, "answer_not_json")
    if errcode == 0:
        return answer
    errmsg = str(answer.get("errmsg", ""))
    refused = refusal(path, errcode, errmsg)
    log_refusal(path, refused, errmsg)
    raise refused


def log_refusal(path: str, refused: WeChatError, errmsg: str = "") -> None:
    """Log an errcode: loudly when the operator must act, else at the level it deserves."""
    known = {"path": path, "errcode": refused.errcode, "rid": refused.rid}
    if isinstance(refused, WeChatMisconfigured):
        log.error("wechat_configuration", server_ip=server_ip(errmsg), **known)
    elif isinstance(refused, WeChatUnavailable) and not isinstance(refused, WeChatBusy):
        log.warning("wechat_refused", **known)
    else:
        log.info("wechat_refused", **known)


def unavailable(path: str, reason: str) -> WeChatUnavailable:
    """Log that a call brought no usable answer, and return the error to raise."""
    log.warning("wechat_unavailable", path=path, reason=reason)
    return WeChatUnavailable(f"{path}: {reason}")
