"""HTTP to UnionPay: one form posted, never twice, a bounded answer, nothing of it in the log."""

import http.client
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlencode

import requests
import urllib3

MAX_ANSWER_BYTES = 1_000_000
_CHUNK_BYTES = 65_536
_NETWORK_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
)


class NoAnswer(Exception):
    """No usable answer came. What was asked for may have happened all the same."""


class UnionPayHttp:
    """Posts forms. Safe to share between threads.

    :param timeout_s: seconds to connect, and between two pieces of the answer; their sum bounds
        the reading of the answer's body as a whole
    """

    def __init__(self, *, timeout_s: tuple[float, float]) -> None:
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy of the environment reads payments
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["Accept-Encoding"] = "identity"  # the bound holds for what is parsed
        self._session.headers["Content-Type"] = "application/x-www-form-urlencoded;charset=UTF-8"

    def close(self) -> None:
        self._session.close()

    def post(
        self, url: str, fields: Mapping[str, str], *, max_bytes: int = MAX_ANSWER_BYTES
    ) -> bytes:
        """Send one form and return the answer's bytes.

        :raises NoAnswer: network, time-out, a status other than 200 (a redirect too), too large
        """
        reason = ""
        try:
            with self._session.post(
                url,
                data=urlencode(fields).encode("ascii"),
                timeout=self._timeout_s,
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code == 200:
                    return self._read(response, max_bytes)
                reason = f"http_{response.status_code}"
        except _NETWORK_ERRORS as error:
            reason = type(error).__name__
        raise NoAnswer(reason)

    def _read(self, response: requests.Response, max_bytes: int) -> bytes:
        """Read the body piece by piece: a read time-out alone lets a dripping server hold us."""
        deadline_s = time.monotonic() + sum(self._timeout_s)
        content = bytearray()
        while piece := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            content += piece
            if len(content) > max_bytes:
                raise NoAnswer("answer_too_large")
            if time.monotonic() > deadline_s:
                raise NoAnswer("answer_too_slow")
        return bytes(content)
