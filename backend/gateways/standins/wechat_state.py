"""What the stand-in of WeChat remembers: users, one-time codes, tokens, permissions to send."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from backend.gateways.standins.control import StandinClock

CODE_TTL_S = 300
TOKEN_TTL_S = 7200
TOKEN_OVERLAP_S = 300
FORCED_REFRESH_GAP_S = 30
FORCED_REFRESHES_A_DAY = 20
MAX_KEPT_MESSAGES = 1000
_DAY_S = 86_400
_PRUNE_ABOVE = 2000

_Worth = TypeVar("_Worth")


class Refuse(Exception):
    """The stand-in answers this errcode, at HTTP 200."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg


@dataclass
class User:
    """One person with a phone. The name is known to the control routes only."""

    name: str
    openid: str
    session_key: str


@dataclass(frozen=True)
class Phone:
    """A phone number as its owner's WeChat holds it."""

    owner_openid: str
    number: str
    country_code: str

    def info(self, *, appid: str, unix_s: int) -> dict[str, object]:
        """Return phone_info; a foreign number is written with its area code."""
        prefix = "" if self.country_code == "86" else f"+{self.country_code}"
        return {
            "phoneNumber": prefix + self.number,
            "purePhoneNumber": self.number,
            "countryCode": self.country_code,
            "watermark": {"timestamp": unix_s, "appid": appid},
        }


class OneTimeCodes(Generic[_Worth]):
    """Codes that are worth something once, for 5 minutes."""

    def __init__(self, clock: StandinClock) -> None:
        self._clock = clock
        self._codes: dict[str, tuple[float, _Worth]] = {}

    def issue(self, worth: _Worth) -> str:
        now_s = self._clock.now_s()
        if len(self._codes) > _PRUNE_ABOVE:
            self._codes = {c: kept for c, kept in self._codes.items() if kept[0] > now_s}
        code = secrets.token_hex(16)
        self._codes[code] = (now_s + CODE_TTL_S, worth)
        return code

    def look(self, code: object) -> _Worth:
        """Return what the code is worth, and leave it unspent."""
        ends_at_s, worth = self._codes.get(str(code), (0.0, None))
        if worth is None or ends_at_s <= self._clock.now_s():
            raise Refuse(40029, "invalid code")
        return worth

    def spend(self, code: object) -> _Worth:
        """Return what the code was worth; used, expired and unknown are refused alike."""
        worth = self.look(code)
        del self._codes[str(code)]
        return worth


class Tokens:
    """Access tokens of both kinds; neither kind kills the other."""

    def __init__(self, clock: StandinClock) -> None:
        self._clock = clock
        self._ends_at_s: dict[str, float] = {}
        self._plain: str | None = None
        self._stable: str | None = None
        self._forced_at_s: list[float] = []

    def check(self, token: str | None) -> None:
        """Refuse a token that was never given out or is dead (40001), or has run out (42001)."""
        if not token:
            raise Refuse(41001, "access_token missing")
        ends_at_s = self._ends_at_s.get(token)
        if ends_at_s is None:
            raise Refuse(40001, "invalid credential, access_token is invalid or not latest")
        if ends_at_s <= self._clock.now_s():
            raise Refuse(42001, "access_token expired")

    def new_plain(self) -> tuple[str, int]:
        """/cgi-bin/token: a new one at each call, the one before is dead."""
        self._kill(self._plain)
        self._plain = self._new()
        return self._plain, TOKEN_TTL_S

    def stable(self, *, force_refresh: bool) -> tuple[str, int]:
        """/cgi-bin/stable_token: (token, seconds left); the old one works in its last 5 minutes."""
        if force_refresh:
            self._count_forced()
            self._kill(self._stable)
            self._stable = None
        left_s = self._left_s(self._stable)
        if self._stable is None or left_s <= TOKEN_OVERLAP_S:
            self._stable = self._new()
            left_s = TOKEN_TTL_S
        return self._stable, left_s

    def revoke_all(self) -> None:
        """Every token is dead, as after somebody else's forced refresh."""
        self._ends_at_s.clear()
        self._plain = self._stable = None

    def _new(self) -> str:
        token = f"{secrets.randbelow(90) + 10}_{secrets.token_urlsafe(96)}"
        self._ends_at_s[token] = self._clock.now_s() + TOKEN_TTL_S
        return token

    def _kill(self, token: str | None) -> None:
        self._ends_at_s.pop(token or "", None)

    def _left_s(self, token: str | None) -> int:
        return int(self._ends_at_s.get(token or "", 0.0) - self._clock.now_s())

    def _count_forced(self) -> None:
        now_s = self._clock.now_s()
        self._forced_at_s = [at_s for at_s in self._forced_at_s if at_s > now_s - _DAY_S]
        if len(self._forced_at_s) >= FORCED_REFRESHES_A_DAY:
            raise Refuse(45009, "reach max api daily quota limit")
        if self._forced_at_s and now_s - self._forced_at_s[-1] < FORCED_REFRESH_GAP_S:
            raise Refuse(45011, "api minute-quota reach limit  mustslower  retry next minute")
        self._forced_at_s.append(now_s)


class WeChatState:
    """All that the stand-in remembers. Hold `lock` around any use."""

    def __init__(self, *, appid: str, secret: str, clock: StandinClock) -> None:
        self.appid = appid
        self.secret = secret
        self.clock = clock
        self.lock = threading.RLock()
        self.js_codes: OneTimeCodes[User] = OneTimeCodes(clock)
        self.phone_codes: OneTimeCodes[Phone] = OneTimeCodes(clock)
        self.tokens = Tokens(clock)
        self.permissions: Counter[tuple[str, str]] = Counter()  # (openid, template_id)
        self.messages: deque[dict[str, object]] = deque(maxlen=MAX_KEPT_MESSAGES)
        self._users: dict[str, User] = {}  # by openid
        self._made_up: dict[str, str] = {}  # number -> openid

    def user(self, name: str) -> User:
        """Return the user of this name; one name always has one openid, also after a restart."""
        digest = hashlib.sha256(f"{self.appid}:{name}".encode()).digest()
        openid = "o" + base64.urlsafe_b64encode(digest).decode()[:27]
        return self._users.setdefault(openid, User(name, openid, _new_session_key()))

    def by_openid(self, openid: object) -> User:
        user = self._users.get(str(openid))
        if user is None:
            raise Refuse(40003, "invalid openid")
        return user

    def renew_session_key(self, user: User) -> None:
        user.session_key = _new_session_key()

    def check_app(self, *, appid: object, secret: object) -> None:
        if appid != self.appid:
            raise Refuse(40013, "invalid appid")
        if secret != self.secret:
            raise Refuse(40125, "invalid appsecret")

    def check_signature(self, user: User, *, signature: object, method: object) -> None:
        """Refuse a caller who does not hold the user's session key."""
        expected = hmac.new(user.session_key.encode(), b"", hashlib.sha256).hexdigest()
        if method != "hmac_sha256" or signature != expected:
            raise Refuse(87009, "invalid signature")

    def made_up_phone(self, user: User) -> str:
        """Return a number of this user alone, the same each time.

        154 belongs to no carrier's ordinary numbers, so no real person is meant.
        """
        number = int.from_bytes(hashlib.sha256(user.name.encode()).digest()[:6], "big")
        while True:
            phone = f"154{number % 10**8:08d}"
            if self._made_up.setdefault(phone, user.openid) == user.openid:
                return phone
            number += 1

    def encrypt_for(self, user: User, data: dict[str, object]) -> dict[str, str]:
        """Return {encryptedData, iv}: AES-128-CBC with the user's current session key."""
        iv = secrets.token_bytes(16)
        padder = PKCS7(128).padder()
        plain = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
        padded = padder.update(plain) + padder.finalize()
        encryptor = Cipher(
            algorithms.AES(base64.b64decode(user.session_key)), modes.CBC(iv)
        ).encryptor()
        sealed = encryptor.update(padded) + encryptor.finalize()
        return {
            "encryptedData": base64.b64encode(sealed).decode(),
            "iv": base64.b64encode(iv).decode(),
        }


def _new_session_key() -> str:
    return base64.b64encode(secrets.token_bytes(16)).decode()
