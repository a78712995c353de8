"""Settings: everything that is wrong is named at once, and production refuses what is unsafe."""

import re
from pathlib import Path

import pytest

from backend.settings import Settings, SettingsError

KEY = "0f" * 32
GOOD = {
    "HUIQUAN_ENV": "production",
    "DATABASE_URL": "postgresql://huiquan@db/huiquan",
    "REDIS_URL": "redis://valkey:6379/0",
    "PUBLIC_BASE_URL": "https://xfq.example.gov.cn",
    "TOKEN_KEY": KEY,
    "PLACARD_KEY": KEY,
    "PERSONAL_DATA_KEY": KEY,
    "WECHAT_APPID": "wx8888888888888888",
    "WECHAT_SECRET": "0123456789abcdef0123456789abcdef",
}
DEVELOPMENT = GOOD | {"HUIQUAN_ENV": "development"}


def faults(env: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(env)
    return str(caught.value)


def test_a_good_environment_is_read() -> None:
    settings = Settings.from_env(GOOD)
    assert settings.environment == "production"
    assert settings.token_key == bytes.fromhex(KEY)
    assert settings.payment_code_ttl_s == 60
    assert settings.order_lock_ttl_s == 300
    assert settings.clock_offset_s == 0
    assert settings.request_body_max_bytes == 65_536


@pytest.mark.parametrize("token", ["short", "a" * 15, "a" * 201, "with a blank in it"])
def test_a_metrics_token_is_16_to_200_printable_characters(token: str) -> None:
    assert "METRICS_TOKEN wants" in faults(GOOD | {"METRICS_TOKEN": token})
    for good in ("a" * 16, "a" * 200):
        assert Settings.from_env(GOOD | {"METRICS_TOKEN": good}).metrics_token == good


@pytest.mark.parametrize("rate", ["0/minute", "20", "20/fortnight", "-1/second", "1.5/hour"])
def test_a_limit_is_a_number_above_0_a_second_minute_or_hour(rate: str) -> None:
    assert "RATE_LIMIT_SIGN_INS wants" in faults(GOOD | {"RATE_LIMIT_SIGN_INS": rate})
    for good in ("1/second", "20/minute", "999999999/hour"):
        assert Settings.from_env(GOOD | {"RATE_LIMIT_SIGN_INS": good}).rate_limit_sign_ins == good


@pytest.fixture
def wechat_pay(tmp_path: Path) -> dict[str, str]:
    for name in ("key.pem", "pub.pem"):
        (tmp_path / name).write_text(name)
    return {
        "WECHAT_PAY_MCHID": "1900000001",
        "WECHAT_PAY_PRIVATE_KEY": str(tmp_path / "key.pem"),
        "WECHAT_PAY_CERT_SERIAL": "0123456789ABCDEF0123456789ABCDEF01234567",
        "WECHAT_PAY_API_V3_KEY": "0123456789abcdef0123456789ABCDEF",
        "WECHAT_PAY_PUBLIC_KEY": str(tmp_path / "pub.pem"),
        "WECHAT_PAY_PUBLIC_KEY_ID": "PUB_KEY_ID_0119000000012026010100000000000001",
    }


def test_wechat_pay_is_set_as_a_whole_or_not_at_all(wechat_pay: dict[str, str]) -> None:
    settings = Settings.from_env(GOOD | wechat_pay)
    assert settings.wechat_pay_private_key == b"key.pem"
    assert settings.wechat_pay_base_url == "https://api.mch.weixin.qq.com"
    assert Settings.from_env(GOOD).wechat_pay_mchid is None
    for missing, value in wechat_pay.items():
        some = {name: text for name, text in wechat_pay.items() if name != missing}
        assert f"{missing} not set" in faults(GOOD | some)
        assert "not set, though others" in faults(GOOD | {missing: value})


@pytest.mark.parametrize(
    ("variable", "bad"),
    [
        ("WECHAT_PAY_MCHID", "1900"),
        ("WECHAT_PAY_PRIVATE_KEY", "/no/such/file"),
        ("WECHAT_PAY_CERT_SERIAL", "not hex"),
        ("WECHAT_PAY_API_V3_KEY", "31 characters are one too few.."),
        ("WECHAT_PAY_PUBLIC_KEY_ID", "0123456789ABCDEF"),
    ],
)
def test_each_setting_of_wechat_pay_has_its_form(
    wechat_pay: dict[str, str], variable: str, bad: str
) -> None:
    assert variable in faults(GOOD | wechat_pay | {variable: bad})


def test_production_speaks_to_wechat_pay_over_https(wechat_pay: dict[str, str]) -> None:
    elsewhere = {"WECHAT_PAY_BASE_URL": "http://127.0.0.1:8002"}
    assert "WECHAT_PAY_BASE_URL wants https" in faults(GOOD | wechat_pay | elsewhere)
    assert Settings.from_env(DEVELOPMENT | wechat_pay | elsewhere)


def test_the_push_key_wants_its_token_and_both_their_form() -> None:
    token, key = {"WECHAT_PUSH_TOKEN": "Token3"}, {"WECHAT_PUSH_AES_KEY": "A" * 43}
    assert Settings.from_env(GOOD | token | key).wechat_push_aes_key == "A" * 43
    assert Settings.from_env(GOOD | token).wechat_push_aes_key is None
    assert faults(GOOD | key) == "WECHAT_PUSH_AES_KEY wants WECHAT_PUSH_TOKEN"
    for name, bad in (("WECHAT_PUSH_TOKEN", "a b"), ("WECHAT_PUSH_AES_KEY", "A" * 44)):
        assert f"{name} wants" in faults(GOOD | token | key | {name: bad})


def test_limits_are_on_unless_switched_off_in_so_many_words() -> None:
    assert Settings.from_env(GOOD).rate_limits == "on"
    assert Settings.from_env(GOOD | {"RATE_LIMITS": "off"}).rate_limits == "off"
    assert "RATE_LIMITS wants" in faults(GOOD | {"RATE_LIMITS": "false"})


def test_every_missing_setting_is_named_at_once() -> None:
    assert faults({}).split("; ") == [f"{name} is not set" for name in GOOD]


@pytest.mark.parametrize("name", GOOD)
def test_an_empty_setting_is_a_missing_one(name: str) -> None:
    assert faults(GOOD | {name: ""}) == f"{name} is not set"


def test_missing_and_malformed_settings_and_the_refusals_of_production_come_together() -> None:
    env = GOOD | {
        "TOKEN_KEY": "",
        "PLACARD_KEY": "short",
        "PAYMENT_CODE_PREFIX": "62",
        "PUBLIC_BASE_URL": "http://xfq.example.gov.cn",
    }
    named = [fault.split()[0] for fault in faults(env).split("; ")]
    assert named == ["TOKEN_KEY", "PLACARD_KEY", "PAYMENT_CODE_PREFIX", "PUBLIC_BASE_URL"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("HUIQUAN_ENV", text) for text in ("prod", "Production", "production ")),
        *(("DATABASE_URL", text) for text in ("mysql://db", "sqlite://", "huiquan.db")),
        *(("PUBLIC_BASE_URL", text) for text in ("xfq.example.gov.cn", "ftp://a.cn", "https://")),
        *(
            ("TOKEN_KEY", text)
            for text in (KEY[:-2], KEY + "00", "zz" * 32, " ".join([KEY[:32]] * 2))
        ),
        *(("CLOCK_OFFSET_S", text) for text in ("nan", "inf", "-Infinity", "soon")),
        *(
            ("PAYMENT_CODE_TTL_S", text)
            for text in ("0", "-60", "60.5", "1e3", "six", "６０", "+60")
        ),
        *(("ACCESS_TOKEN_TTL_S", text) for text in ("0", "-1")),
        *(("REFRESH_TOKEN_TTL_S", text) for text in ("0", "-1")),
        *(("ORDER_LOCK_TTL_S", text) for text in ("0", "-1")),
        *(
            ("PAYMENT_CODE_PREFIX", text)
            for text in ("8", "888", "8x", "８８", "10", "15", "25", "30")
        ),
        *(("PAYMENT_CODE_PREFIX", text) for text in ("01", "18", "51", "62", "81", "83", "91")),
        ("PDF_CJK_FONT", "/no/such/font.ttf"),
        *(("WECHAT_VERIFY_FILE", text) for text in ("a.txt", "a.html:x", "../a.txt:x", "a.txt:")),
    ],
)
def test_a_malformed_setting_is_named_and_no_value_is_shown(name: str, text: str) -> None:
    fault = faults(DEVELOPMENT | {name: text})
    assert fault.startswith(f"{name} ")
    assert "; " not in fault
    if name.endswith("_KEY"):
        assert text not in fault


@pytest.mark.parametrize("prefix", ["88", "00", "16", "24", "31", "99"])
def test_a_prefix_that_no_wallet_uses_is_taken(prefix: str) -> None:
    assert Settings.from_env(GOOD | {"PAYMENT_CODE_PREFIX": prefix}).payment_code_prefix == prefix


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("CLOCK_OFFSET_S", "1", "real money runs on real time"),
        ("CLOCK_OFFSET_S", "-0.5", "real money runs on real time"),
        ("PUBLIC_BASE_URL", "http://xfq.example.gov.cn", "wants https"),
        ("WECHAT_BASE_URL", "http://127.0.0.1:9000", "wants https"),
        ("WECHAT_PAY_BASE_URL", "http://127.0.0.1:9000", "wants https"),
        ("UNIONPAY_BASE_URL", "http://127.0.0.1:9000", "wants https"),
        ("UNIONPAY_FILE_URL", "http://127.0.0.1:9000", "wants https"),
        ("DATABASE_URL", "sqlite:////var/lib/huiquan.db", "wants PostgreSQL"),
    ],
)
def test_production_refuses_what_development_takes(name: str, text: str, reason: str) -> None:
    for environment in ("development", "test"):
        Settings.from_env(GOOD | {"HUIQUAN_ENV": environment, name: text})
    fault = faults(GOOD | {name: text})
    assert fault.startswith(f"{name} ")
    assert reason in fault


def test_a_clock_offset_of_zero_is_none() -> None:
    assert Settings.from_env(GOOD | {"CLOCK_OFFSET_S": "0"}).clock_offset_s == 0


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_form_of_a_postgresql_address_is_spoken_by_the_same_driver(scheme: str) -> None:
    settings = Settings.from_env(GOOD | {"DATABASE_URL": f"{scheme}://u:p@db:5432/huiquan"})
    assert settings.database_url == "postgresql+psycopg://u:p@db:5432/huiquan"


def test_what_may_be_set_is_set(tmp_path: Path) -> None:
    font = tmp_path / "font.ttf"
    font.write_bytes(b"\0\1\0\0")
    env = GOOD | {
        "PUBLIC_BASE_URL": "https://xfq.example.gov.cn/",
        "PDF_CJK_FONT": str(font),
        "WECHAT_VERIFY_FILE": "Ab3_x.txt:0123abcd",
        "ACCESS_TOKEN_TTL_S": "600",
    }
    settings = Settings.from_env(env)
    assert settings.public_base_url == "https://xfq.example.gov.cn"
    assert settings.pdf_cjk_font == b"\0\1\0\0"
    assert settings.wechat_verify_file == ("Ab3_x.txt", "0123abcd")
    assert settings.access_token_ttl_s == 600


UNIONPAY_FILES = (
    "UNIONPAY_PRIVATE_KEY",
    "UNIONPAY_CERT",
    "UNIONPAY_ROOT_CERT",
    "UNIONPAY_MIDDLE_CERT",
)


def test_unionpay_is_set_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "some.pem"
    file.write_bytes(b"pem")
    whole = {
        "UNIONPAY_MERCHANT_NUMBER": "898230154110001",
        **dict.fromkeys(UNIONPAY_FILES, str(file)),
    }
    assert Settings.from_env(GOOD | whole).unionpay_root_cert == b"pem"
    for name in whole:
        assert faults(GOOD | whole | {name: ""}).startswith(f"{name} not set")
    assert Settings.from_env(GOOD).unionpay_merchant_number is None
    assert Settings.from_env(GOOD | {"UNIONPAY_SIGNER_CN": "x"}).unionpay_merchant_number is None


def test_unionpays_key_comes_as_pfx_or_as_pem_and_not_as_both(tmp_path: Path) -> None:
    file = tmp_path / "some.pfx"
    file.write_bytes(b"pfx")
    certificates = dict.fromkeys(("UNIONPAY_ROOT_CERT", "UNIONPAY_MIDDLE_CERT"), str(file))
    pfx = {"UNIONPAY_PFX": str(file), "UNIONPAY_PFX_PASSWORD": "000000"}
    whole = {"UNIONPAY_MERCHANT_NUMBER": "898230154110001", **certificates, **pfx}
    settings = Settings.from_env(GOOD | whole)
    assert (settings.unionpay_pfx, settings.unionpay_pfx_password) == (b"pfx", "000000")
    for name in whole:
        assert f"{name} not set" in faults(GOOD | whole | {name: ""})
    assert "not both" in faults(GOOD | whole | {"UNIONPAY_CERT": str(file)})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("UNIONPAY_MERCHANT_NUMBER", t) for t in ("8" * 14, "8" * 16, "8.98E+14", "８" * 15)),
        *(("UNIONPAY_TERMINAL_NUMBER", t) for t in ("1080209", "010802091", "0108 209")),
        *((name, "/no/such/file.pem") for name in UNIONPAY_FILES),
    ],
)
def test_a_malformed_setting_of_unionpay_is_named(name: str, text: str) -> None:
    assert f"{name} " in faults(DEVELOPMENT | {name: text})


def test_no_secret_has_a_default() -> None:
    secrets = [name for name in GOOD if re.search("KEY|SECRET", name)]
    assert len(secrets) == 4
    for name in secrets:
        assert faults({k: v for k, v in GOOD.items() if k != name}) == f"{name} is not set"
