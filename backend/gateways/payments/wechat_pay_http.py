"""HTTP to WeChat Pay: what we send is signed, what comes back is believed only when it is signed.

The package builds the requests; sending and checking them is done here, because as it stands it
fetches certificates for whoever names an unknown serial, never looks at the age of a signature,
checks no refusal's signature, and waits for ever. Bodies hold openids and wallet codes: none is
logged. Source: WeChat Pay API v3, 签名生成, 签名验证 and 回调通知.
"""

import http.client
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy

import requests
import structlog
import urllib3
from wechatpayv3.core import Core
from wechatpayv3.type import RequestType
from wechatpayv3.utils import rsa_sign, rsa_verify

from backend import clock
from backend.gateways.wechat_http import guard_urllib3_log

SCHEME = "WECHATPAY2-SHA256-RSA2048"
FRESH_WITHIN_S = 300
PROBE = "WECHATPAY/SIGNTEST/"
MAX_ANSWER_BYTES = 1_000_000
MAX_FILE_BYTES = 128_000_000
FILE_WITHIN_S = 300.0
_CHUNK_BYTES = 65_536
_SIGNED_BY = ("timestamp", "nonce", "serial", "signature")
_NETWORK_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
)

log = structlog.get_logger()


class NoAnswer(Exception):
    """Nothing that can be believed came back, so what became of the request is unknown."""


class SignatureRefused(Exception):
    """Not signed by WeChat Pay, or not lately; the text says why and quotes nothing."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """One merchant number of WeChat Pay, in public-key mode, and whose words are for us.

    `private_key` is the merchant's as PEM (PKCS #8), `cert_serial` its certificate's number;
    `public_key` is WeChat Pay's as PEM, `public_key_id` PUB_KEY_ID_…, the one serial believed.
    """

    appid: str
    mchid: str
    cert_serial: str = field(repr=False)
    private_key: str = field(repr=False)
    api_v3_key: str = field(repr=False)
    public_key: str = field(repr=False)
    public_key_id: str


@dataclass(frozen=True)
class Answer:
    """A signed answer. `body` is its JSON object, empty where there is none."""

    status: int
    body: Mapping[str, object]

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The error's code without underscores: ORDER_NOT_EXIST was once ORDERNOTEXIST."""
        return re.sub(r"[^A-Z]", "", str(self.body.get("code", "")).upper())


def text_to_sign(method: str, path: str, *, timestamp: str, nonce: str, body: str) -> str:
    """Return what a request's signature covers; `path` with its query, every line ended."""
    return f"{method}\n{path}\n{timestamp}\n{nonce}\n{body}\n"


def authorization(*, mchid: str, serial: str, timestamp: str, nonce: str, signature: str) -> str:
    """Return the Authorization header of a signed request."""
    return (
        f'{SCHEME} mchid="{mchid}",nonce_str="{nonce}",signature="{signature}",'
        f'timestamp="{timestamp}",serial_no="{serial}"'
    )


class Exchange(Core):
    """The package's core with our own wire. Safe to share between threads.

    :param timeout_s: seconds to connect, and between two pieces of the answer
    """

    def __init__(self, account: Account, *, base_url: str, timeout_s: tuple[float, float]) -> None:
        super().__init__(
            mchid=account.mchid,
            cert_serial_no=account.cert_serial,
            private_key=account.private_key,
            apiv3_key=account.api_v3_key,
            timeout=timeout_s,
            public_key=account.public_key,
            public_key_id=account.public_key_id,
        )
        guard_urllib3_log()
        self._gate_way = base_url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy or netrc found by chance sees a payer
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def close(self) -> None:
        self._session.close()

    def _update_certificates(self) -> None:
        """Never: in public-key mode an unknown serial is refused, and nobody makes us call."""

    def request(
        self,
        path: str,
        method: RequestType = RequestType.GET,
        data: Mapping[str, object] | None = None,
        skip_verify: bool = False,
        **_unused: object,
    ) -> Answer | bytes:
        """Send one request, never twice. `skip_verify`: a file, which is answered unsigned.

        :raises NoAnswer: network, time-out, 5xx, not JSON, too large, or not signed
        """
        text = "" if data is None else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        try:
            with self._session.request(
                method.value,
                self._gate_way + path,
                data=text.encode(),
                headers=self._headers(method.value, path, text),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._read(path, response, is_file=skip_verify)
        except _NETWORK_ERRORS as error:
            reason = type(error).__name__  # its text holds the URL
        # Raised outside the handler, so that the original is not even kept as the context.
        raise no_answer(path, reason)

    def check_signature(self, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """Return the five headers of a signature that is WeChat Pay's and fresh.

        :raises SignatureRefused: any is missing, the serial is not ours, ±300 s, a probe, forged
        """
        given = {name.lower(): value for name, value in headers.items()}
        signed = {part: given.get(f"wechatpay-{part}", "") for part in _SIGNED_BY}
        missing = [part for part, value in signed.items() if not value]
        if missing:
            raise SignatureRefused(f"no {', '.join(missing)}")
        scheme = given.get("wechatpay-signature-type") or SCHEME  # older senders leave it out
        if scheme != SCHEME:
            raise SignatureRefused("signed in another way")
        if signed["serial"] != self._public_key_id:
            raise SignatureRefused("signed with a key that is not known here")
        timestamp = signed["timestamp"]
        if not re.fullmatch(r"[0-9]{1,12}", timestamp) or not _is_fresh(int(timestamp)):
            raise SignatureRefused("signed too long ago, or ahead of our clock")
        if signed["signature"].startswith(PROBE):
            raise SignatureRefused("a probe of our checks")
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            raise SignatureRefused("not UTF-8") from None
        if not rsa_verify(timestamp, signed["nonce"], text, signed["signature"], self._public_key):
            raise SignatureRefused("the signature is not WeChat Pay's")
        signed["signature-type"] = scheme
        return {f"Wechatpay-{part.title()}": value for part, value in signed.items()}

    def _headers(self, method: str, path: str, body: str) -> dict[str, str]:
        timestamp = str(clock.now_ms() // 1000)
        nonce = secrets.token_hex(16).upper()
        to_sign = text_to_sign(method, path, timestamp=timestamp, nonce=nonce, body=body)
        return {
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # the bound on the answer holds for what is parsed, too
            "Content-Type": "application/json",
            "User-Agent": "huiquan",
            "Wechatpay-Serial": self._public_key_id,
            "Authorization": authorization(
                mchid=self._mchid,
                serial=self._cert_serial_no,
                timestamp=timestamp,
                nonce=nonce,
                signature=rsa_sign(self._private_key, to_sign),
            ),
        }

    def _read(self, path: str, response: requests.Response, *, is_file: bool) -> Answer | bytes:
        status = response.status_code
        if status == 401:  # unsigned: WeChat Pay does not know us, and an operator must act
            log.error("wechat_pay_configuration", path=_shown(path), status=status)
        if status >= 500 or status == 401 or 300 <= status < 400 or (is_file and status != 200):
            raise no_answer(path, f"http_{status}")
        content = self._content(path, response, is_file=is_file)
        if is_file:
            return content
        try:
            self.check_signature(response.headers, content)
            body = json.loads(content) if content else {}
        except SignatureRefused as refused:
            raise no_answer(path, str(refused)) from None
        except (ValueError, RecursionError):
            raise no_answer(path, "answer_not_json") from None
        if not isinstance(body, dict):
            raise no_answer(path, "answer_not_json")
        answer = Answer(status, body)
        if not answer.ok:
            log.info("wechat_pay_refused", path=_shown(path), status=status, refusal=answer.code)
        return answer

    def _content(self, path: str, response: requests.Response, *, is_file: bool) -> bytes:
        """Read the body piece by piece: a read time-out alone lets a dripping server hold us."""
        max_bytes = MAX_FILE_BYTES if is_file else MAX_ANSWER_BYTES
        deadline_s = time.monotonic() + (FILE_WITHIN_S if is_file else sum(self._timeout))
        content = bytearray()
        while piece := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            content += piece
            if len(content) > max_bytes:
                raise no_answer(path, "answer_too_large")
            if time.monotonic() > deadline_s:
                raise no_answer(path, "answer_too_slow")
        return bytes(content)


def no_answer(path: str, reason: str) -> NoAnswer:
    """Log that a request brought nothing to believe, and return the error to raise."""
    log.warning("wechat_pay_no_answer", path=_shown(path), reason=reason)
    return NoAnswer(f"{_shown(path)}: {reason}")


def _is_fresh(timestamp_s: int) -> bool:
    return abs(clock.now_ms() - timestamp_s * 1000) < FRESH_WITHIN_S * 1000


def _shown(path: str) -> str:
    """Return a path as it may stand in a log: a bill's address carries its token in the query."""
    return path.partition("?")[0]
