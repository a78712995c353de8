"""Partners (合作机构): how their calls are signed, and why one of them is refused.

The exact texts that are signed are a promise to the banks (docs/bank-integration.md): a test there
recomputes the worked example.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable

from backend.domain import addresses
from backend.domain.errors import HuiquanError

PARTNER_ID = re.compile(r"[A-Z][A-Z0-9]{1,19}")  # as detail files are named after it
KEY_ID = re.compile(r"[0-9A-Za-z_-]{4,40}")
TIMESTAMP = re.compile(r"[0-9]{10}")
NONCE = re.compile(r"[0-9A-Za-z_-]{16,64}")
SIGNATURE = re.compile(r"[0-9a-f]{64}")
SECRET = re.compile(r"[0-9a-f]{64}")
CLOCKS_DIFFER_AT_MOST_S = 300
NONCE_KEPT_S = 2 * CLOCKS_DIFFER_AT_MOST_S  # a time 300 s ahead stays believable so long
MAX_ACTIVE_KEYS = 2  # the old one and the new one, while a bank's tills change over


class PartnerSignatureInvalid(HuiquanError):
    """A wrong, retired or unknown key, an unknown partner: alike, so that nobody can probe."""

    code = "partner_signature_invalid"
    message = "签名无效，请核对机构号、密钥号、密钥和签名内容"
    category = "unauthenticated"


class PartnerTimeWrong(HuiquanError):
    code = "partner_time_wrong"
    message = "请求时间与本系统相差超过 5 分钟，请校准时钟后重新签名"
    category = "unauthenticated"


class PartnerAddressRefused(HuiquanError):
    code = "partner_address_refused"
    message = "该网络地址不在机构登记的名单内，请联系运营人员登记"
    category = "forbidden"


class PartnerNonceUsed(HuiquanError):
    code = "partner_nonce_used"
    message = "该随机串已经用过，请换用新的随机串重新签名"
    category = "conflict"


class PartnerRequestInProgress(HuiquanError):
    """Whether it will be done is not known yet: the same request again tells."""

    code = "partner_request_in_progress"
    message = "同一请求号的请求正在处理，请稍后用同一请求再问"
    category = "conflict"
    retry_after_s = 1


class PaymentWithdrawn(HuiquanError):
    """A reversal came before its confirmation: what comes late must not be carried out."""

    code = "payment_withdrawn"
    message = "该请求号的付款已先行冲正，不能再确认，请换用新的请求号"
    category = "conflict"


class PartnerFileOfAnother(HuiquanError):
    code = "partner_file_of_another"
    message = "文件名中的机构代码不是贵机构的，请核对文件名后重新提交"
    category = "forbidden"


class DiscountUnavailable(HuiquanError):
    """The quota was not to be asked: nothing was taken that will not go back by itself."""

    code = "discount_unavailable"
    message = "优惠暂时不可用，请稍后用同一请求再问；改按全款收取的，请先冲正本请求号"
    category = "unavailable"
    retry_after_s = 2


class PartnerInvalid(HuiquanError):
    code = "partner_invalid"
    message = "机构资料有误：机构号为大写字母和数字，密钥号为 4 至 40 位字母数字，地址为 IP 或网段"
    category = "invalid"


class PartnerExists(HuiquanError):
    code = "partner_exists"
    message = "该机构号已登记为另一个名称，请核对后换用其他机构号"
    category = "conflict"


class PartnerKeyTaken(HuiquanError):
    code = "partner_key_taken"
    message = "该密钥号已经用过，请换用新的密钥号"
    category = "conflict"


class PartnerKeyNotProposed(HuiquanError):
    code = "partner_key_not_proposed"
    message = "没有待复核的这一密钥，请先用 partner list 查看"
    category = "conflict"


class PartnerKeysFull(HuiquanError):
    code = "partner_keys_full"
    message = "该机构已有两个有效密钥，请先停用旧密钥"
    category = "conflict"


def request_text(*, method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """Return what a call's signature is made over: five lines, no line feed at the end.

    :param target: the path, and with a query `?` and the query, byte for byte as sent
    :param timestamp: whole seconds since 1970 UTC, ten digits
    """
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join((method, target, timestamp, nonce, digest)).encode()


def answer_text(*, status: int, timestamp: str, nonce: str, body: bytes) -> bytes:
    """Return what an answer's signature is made over; `nonce` is that of the call it answers."""
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join(("ANSWER", str(status), timestamp, nonce, digest)).encode()


def signature(secret: str, text: bytes) -> str:
    """Return HMAC-SHA256 (RFC 2104) as 64 hex digits; its key is the 32 bytes of `secret`."""
    return hmac.digest(bytes.fromhex(secret), text, "sha256").hex()


def is_signature(given: str, *, secret: str, text: bytes) -> bool:
    """Whether a signature is right, found out in a time that tells nothing of how wrong it is."""
    return hmac.compare_digest(given.encode(), signature(secret, text).encode())


def check_time(timestamp: str, *, now_s: float) -> None:
    """Raise PartnerTimeWrong when a call's time is more than five minutes from ours, either way."""
    if abs(now_s - int(timestamp)) > CLOCKS_DIFFER_AT_MOST_S:
        raise PartnerTimeWrong(timestamp, details={"server_time_s": int(now_s)})


def network(text: str) -> str:
    """Return an address or a range in its one spelling; PartnerInvalid for anything else."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=True))
    except ValueError as error:
        raise PartnerInvalid(f"address {text[:60]!r}") from error


def check_address(remote: str, allowed: Iterable[str]) -> None:
    """Raise PartnerAddressRefused unless a caller's address is in one of the networks.

    An empty list allows nobody.
    """
    found = addresses.parse(remote)
    if found is None or not any(found in ipaddress.ip_network(text) for text in allowed):
        raise PartnerAddressRefused("not on the partner's list")


def check_partner(*, partner_id: str, name: str) -> None:
    """Raise PartnerInvalid unless a partner can be entered so."""
    if not PARTNER_ID.fullmatch(partner_id) or not 1 <= len(name.strip()) <= 60:
        raise PartnerInvalid(f"partner {partner_id[:40]!r}")


def check_key_id(key_id: str) -> None:
    """Raise PartnerInvalid unless a key can be named so."""
    if not KEY_ID.fullmatch(key_id):
        raise PartnerInvalid(f"key {key_id[:60]!r}")
