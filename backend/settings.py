"""Settings, read from the environment once, all that is wrong named at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from backend import redis_address
from backend import setting_values as form
from backend.setting_values import Parser

Environment = Literal["production", "development", "test"]


class SettingsError(Exception):
    """The environment cannot run this application; the text names every fault."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the application needs to know of its surroundings. A secret has no default."""

    environment: Environment
    database_url: str
    redis_url: str
    public_base_url: str  # https://DOMAIN, printed on every placard; no trailing slash
    token_key: bytes  # signs access tokens, receipts and tickets, each for its purpose
    placard_key: bytes  # signs placards
    personal_data_key: bytes  # encrypts and hashes phones, cards, session keys
    wechat_appid: str
    wechat_secret: str
    wechat_base_url: str = "https://api.weixin.qq.com"
    redis_wait_replicas: int | None = None  # see `wait_replicas`
    receipt_grace_s: int = 60  # so long after a rebuild receipts come first and claims wait
    receipt_reserve_hours: int = 24  # so long units that are known to be lost wait for receipts
    clock_offset_s: float = 0.0  # development only: the clock runs this far from the wall clock
    access_token_ttl_s: int = 1800
    refresh_token_ttl_s: int = 30 * 24 * 3600
    payment_code_ttl_s: int = 60
    payment_code_prefix: str = "88"
    order_lock_ttl_s: int = 300
    payment_query_s: int = 60  # the steady pace of asking a provider what became of a payment
    ticket_ttl_s: int = 3600  # how old a ticket may be before its claim is marked
    staff_idle_s: int = 1800  # so long without a request end a session at the console
    retention_days: int = 180  # of phones and photos that have served: complaints, checks of shops
    request_body_max_bytes: int = 65_536
    metrics_token: str | None = None  # shown by whoever reads /metrics; without it nobody may
    trusted_proxies: int = 0  # how many of ours stand in front and name the caller's address
    rate_limits: Literal["on", "off"] = "on"
    rate_limit_addresses: str = "12000/minute"  # by /24 or /64: carriers' phones share addresses
    rate_limit_sign_ins: str = "20/minute"  # by address
    rate_limit_payments: str = "60/minute"  # by account: quotes, orders, confirmations
    rate_limit_wrong_codes: str = "30/minute"  # by clerk
    rate_limit_partners: str = "6000/minute"  # by partner bank
    rate_limit_tickets: str = "30/minute"  # by account: campaign pages, each with a ticket
    rate_limit_complaints: str = "30/hour"  # by address: complaints handed in or looked up
    rate_limit_false_notices: str = "60/minute"  # by address: providers' notices that are forged
    pdf_cjk_font: bytes | None = None  # a TrueType font to embed into printed placards
    payout_layout: bytes | None = None  # the bank's form of payout files, YAML; else the sample
    files_dir: Path = Path("/var/lib/huiquan/files")  # what others sent; no web server serves it
    wechat_verify_file: tuple[str, str] | None = None  # name and text WeChat looks for below /m/
    wechat_push_token: str | None = None  # Token of 消息推送; without it /callbacks/wechat is a 404
    wechat_push_aes_key: str | None = None  # EncodingAESKey; without it messages come in the clear
    wechat_pay_mchid: str | None = None  # with the next five: all of them, or no WeChat Pay
    wechat_pay_private_key: bytes | None = None  # PEM of the merchant's key
    wechat_pay_cert_serial: str | None = None  # of the merchant's certificate
    wechat_pay_api_v3_key: str | None = None
    wechat_pay_public_key: bytes | None = None  # PEM of WeChat Pay's key
    wechat_pay_public_key_id: str | None = None
    wechat_pay_base_url: str = "https://api.mch.weixin.qq.com"
    unionpay_merchant_number: str | None = None  # with key and certificates, or no UnionPay
    unionpay_private_key: bytes | None = None  # PEM of the merchant's key
    unionpay_cert: bytes | None = None  # PEM of the merchant's certificate
    unionpay_pfx: bytes | None = None  # both in one file with a password, instead of the two
    unionpay_pfx_password: str | None = None
    unionpay_root_cert: bytes | None = None  # PEM of the root that UnionPay's certificate ends at
    unionpay_middle_cert: bytes | None = None
    unionpay_signer_cn: str = "中国银联股份有限公司"  # third part of the signer's name
    unionpay_terminal_number: str | None = None
    unionpay_base_url: str = "https://gateway.95516.com"
    unionpay_file_url: str = "https://filedownload.95516.com"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Build the settings, or raise SettingsError that names all faults together."""
        faults: list[str] = []
        values: dict[str, object] = {}
        for name, variable, parse in _REQUIRED:
            text = env.get(variable, "")
            if not text:
                faults.append(f"{variable} is not set")
            else:
                _parse_into(values, faults, name, variable, text, parse)
        for name, variable, parse in _OPTIONAL:
            if text := env.get(variable, ""):
                _parse_into(values, faults, name, variable, text, parse)
        faults.extend(_group_faults(env))
        if values.get("environment") == "production":
            faults.extend(_production_faults(values))
        if faults:
            raise SettingsError("; ".join(faults))
        return cls(**values)  # type: ignore[arg-type]  # each value came from its own parser

    @property
    def wait_replicas(self) -> int:
        """How many replicas must have a claim before it is answered; 1 behind Sentinel.

        A failover to a replica that lacks an answered claim would lose it.
        """
        if self.redis_wait_replicas is not None:
            return self.redis_wait_replicas
        return int(redis_address.parse(self.redis_url).kind == "sentinel")


_REQUIRED: tuple[tuple[str, str, Parser], ...] = (
    ("environment", "HUIQUAN_ENV", form.environment),
    ("database_url", "DATABASE_URL", form.database_url),
    ("redis_url", "REDIS_URL", form.redis_url),
    ("public_base_url", "PUBLIC_BASE_URL", form.base_url),
    ("token_key", "TOKEN_KEY", form.key),
    ("placard_key", "PLACARD_KEY", form.key),
    ("personal_data_key", "PERSONAL_DATA_KEY", form.key),
    ("wechat_appid", "WECHAT_APPID", str),
    ("wechat_secret", "WECHAT_SECRET", str),
)
_OPTIONAL: tuple[tuple[str, str, Parser], ...] = (
    ("wechat_base_url", "WECHAT_BASE_URL", form.base_url),
    ("redis_wait_replicas", "REDIS_WAIT_REPLICAS", form.up_to(99)),
    ("receipt_grace_s", "RECEIPT_GRACE_S", form.up_to(3600)),
    ("receipt_reserve_hours", "RECEIPT_RESERVE_HOURS", form.up_to(720)),
    ("clock_offset_s", "CLOCK_OFFSET_S", form.offset),
    ("access_token_ttl_s", "ACCESS_TOKEN_TTL_S", form.positive),
    ("refresh_token_ttl_s", "REFRESH_TOKEN_TTL_S", form.positive),
    ("payment_code_ttl_s", "PAYMENT_CODE_TTL_S", form.positive),
    ("payment_code_prefix", "PAYMENT_CODE_PREFIX", form.prefix),
    ("order_lock_ttl_s", "ORDER_LOCK_TTL_S", form.positive),
    ("payment_query_s", "PAYMENT_QUERY_S", form.positive),
    ("ticket_ttl_s", "TICKET_TTL_S", form.positive),
    ("staff_idle_s", "STAFF_IDLE_S", form.positive),
    ("retention_days", "RETENTION_DAYS", form.positive),
    ("metrics_token", "METRICS_TOKEN", form.bearer),
    ("trusted_proxies", "TRUSTED_PROXIES", form.positive),
    ("rate_limits", "RATE_LIMITS", form.switch),
    ("rate_limit_addresses", "RATE_LIMIT_ADDRESSES", form.rate),
    ("rate_limit_sign_ins", "RATE_LIMIT_SIGN_INS", form.rate),
    ("rate_limit_payments", "RATE_LIMIT_PAYMENTS", form.rate),
    ("rate_limit_wrong_codes", "RATE_LIMIT_WRONG_CODES", form.rate),
    ("rate_limit_partners", "RATE_LIMIT_PARTNERS", form.rate),
    ("rate_limit_tickets", "RATE_LIMIT_TICKETS", form.rate),
    ("rate_limit_complaints", "RATE_LIMIT_COMPLAINTS", form.rate),
    ("rate_limit_false_notices", "RATE_LIMIT_FALSE_NOTICES", form.rate),
    ("pdf_cjk_font", "PDF_CJK_FONT", form.file_content),
    ("payout_layout", "PAYOUT_LAYOUT", form.file_content),
    ("files_dir", "FILES_DIR", form.folder),
    ("wechat_verify_file", "WECHAT_VERIFY_FILE", form.verify_file),
    (
        "wechat_push_token",
        "WECHAT_PUSH_TOKEN",
        form.matching("[0-9A-Za-z]{3,32}", "3 to 32 letters and digits"),
    ),
    (
        "wechat_push_aes_key",
        "WECHAT_PUSH_AES_KEY",
        form.matching("[0-9A-Za-z]{43}", "43 letters and digits"),
    ),
    (
        "wechat_pay_mchid",
        "WECHAT_PAY_MCHID",
        form.matching("[0-9]{8,10}", "8 to 10 digits"),
    ),
    ("wechat_pay_private_key", "WECHAT_PAY_PRIVATE_KEY", form.file_content),
    (
        "wechat_pay_cert_serial",
        "WECHAT_PAY_CERT_SERIAL",
        form.matching("[0-9A-F]{8,40}", "hex digits"),
    ),
    (
        "wechat_pay_api_v3_key",
        "WECHAT_PAY_API_V3_KEY",
        form.matching("[!-~]{32}", "32 characters"),
    ),
    ("wechat_pay_public_key", "WECHAT_PAY_PUBLIC_KEY", form.file_content),
    (
        "wechat_pay_public_key_id",
        "WECHAT_PAY_PUBLIC_KEY_ID",
        form.matching("PUB_KEY_ID_[0-9A-Za-z]{1,64}", "PUB_KEY_ID_ and what follows it"),
    ),
    ("wechat_pay_base_url", "WECHAT_PAY_BASE_URL", form.base_url),
    (
        "unionpay_merchant_number",
        "UNIONPAY_MERCHANT_NUMBER",
        form.matching("[0-9]{15}", "15 digits"),
    ),
    ("unionpay_private_key", "UNIONPAY_PRIVATE_KEY", form.file_content),
    ("unionpay_cert", "UNIONPAY_CERT", form.file_content),
    ("unionpay_pfx", "UNIONPAY_PFX", form.file_content),
    ("unionpay_pfx_password", "UNIONPAY_PFX_PASSWORD", str),
    ("unionpay_root_cert", "UNIONPAY_ROOT_CERT", form.file_content),
    ("unionpay_middle_cert", "UNIONPAY_MIDDLE_CERT", form.file_content),
    ("unionpay_signer_cn", "UNIONPAY_SIGNER_CN", str),
    (
        "unionpay_terminal_number",
        "UNIONPAY_TERMINAL_NUMBER",
        form.matching("[0-9A-Za-z]{8}", "8 letters and digits"),
    ),
    ("unionpay_base_url", "UNIONPAY_BASE_URL", form.base_url),
    ("unionpay_file_url", "UNIONPAY_FILE_URL", form.base_url),
)
# Half of a group is a mistake: its provider would not be there, and nobody would know why.
_WECHAT_PAY = (
    "WECHAT_PAY_MCHID",
    "WECHAT_PAY_PRIVATE_KEY",
    "WECHAT_PAY_CERT_SERIAL",
    "WECHAT_PAY_API_V3_KEY",
    "WECHAT_PAY_PUBLIC_KEY",
    "WECHAT_PAY_PUBLIC_KEY_ID",
)
_UNIONPAY = ("UNIONPAY_MERCHANT_NUMBER", "UNIONPAY_ROOT_CERT", "UNIONPAY_MIDDLE_CERT")
# Our key at UnionPay comes in one of two forms.
_UNIONPAY_PEM = ("UNIONPAY_PRIVATE_KEY", "UNIONPAY_CERT")
_UNIONPAY_PFX = ("UNIONPAY_PFX", "UNIONPAY_PFX_PASSWORD")


def _parse_into(
    values: dict[str, object], faults: list[str], name: str, variable: str, text: str, parse: Parser
) -> None:
    try:
        values[name] = parse(text)
    except ValueError as error:
        faults.append(f"{variable} {error}")


def _group_faults(env: Mapping[str, str]) -> list[str]:
    faults = []
    if env.get("WECHAT_PUSH_AES_KEY") and not env.get("WECHAT_PUSH_TOKEN"):
        faults.append("WECHAT_PUSH_AES_KEY wants WECHAT_PUSH_TOKEN")
    with_pfx = any(env.get(variable) for variable in _UNIONPAY_PFX)
    if with_pfx and any(env.get(variable) for variable in _UNIONPAY_PEM):
        faults.append("UNIONPAY_PFX stands for UNIONPAY_PRIVATE_KEY and UNIONPAY_CERT: not both")
    for group in (_WECHAT_PAY, _UNIONPAY + (_UNIONPAY_PFX if with_pfx else _UNIONPAY_PEM)):
        missing = [variable for variable in group if not env.get(variable)]
        if 0 < len(missing) < len(group):
            faults.append(f"{', '.join(missing)} not set, though others of their group are")
    return faults


def _production_faults(values: Mapping[str, object]) -> list[str]:
    faults = []
    if values.get("clock_offset_s"):
        faults.append("CLOCK_OFFSET_S is refused in production: real money runs on real time")
    bases = ("public", "wechat", "wechat_pay", "unionpay")
    for name in (*(f"{base}_base_url" for base in bases), "unionpay_file_url"):
        if str(values.get(name, "https://")).startswith("http://"):
            faults.append(f"{name.upper()} wants https in production")
    if str(values.get("database_url", "")).startswith("sqlite"):
        faults.append("DATABASE_URL wants PostgreSQL in production")
    return faults
