"""No phone, card, token, openid or session_key reaches the log, whatever carries it."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from backend import logs
from backend.domain import tokens
from backend.logs import without_personal_data

PHONE = "13812345678"
CARD = "6222021234567890123"
IDENTITY = "230881199001011234"
OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"
SESSION_KEY = "tiihtNczf5v6AKRyjwEUhQ=="
PAYMENT_CODE = "88123456789012345675"
REFRESH = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF"
ACCESS = tokens.issue(
    tokens.Claims(role="clerk", sign_in_id=1, wechat_user_id=2, subject_id=3, expires_s=4),
    key=bytes(32),
)
SECRETS = (PHONE, CARD, IDENTITY, OPENID, SESSION_KEY, PAYMENT_CODE, REFRESH, ACCESS)
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Configure the log as the factory does; return what was written, line by line."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure()
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    handler.setStream(written)
    structlog.contextvars.clear_contextvars()
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


def masked(**fields: object) -> str:
    """Return an event as the log would write it, as one text to search in."""
    return json.dumps(without_personal_data(None, "info", dict(fields)), ensure_ascii=False)


@dataclass
class Row:
    """A thing that only its repr describes."""

    value: str


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "carry",
    [
        str,
        "failed for {}, again".format,
        lambda secret: [secret],
        lambda secret: ("a", [{"deep": ({"er": secret},)}]),
        lambda secret: {secret: 1},
        lambda secret: {secret, 1},
        lambda secret: ValueError(f"bad value {secret}"),
        Row,
        str.encode,
    ],
)
def test_a_secret_is_masked_by_its_look_in_whatever_holds_it(
    secret: str, carry: Callable[[str], object]
) -> None:
    assert secret not in masked(detail=carry(secret))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "phone",
            "phone_number",
            "purePhoneNumber",
            "session_key",
            "openid",
            "unionid",
            "card_no",
        ),
        *("access_token", "refresh_token", "token", "secret", "wechat_secret", "Authorization"),
        *("Cookie", "password", "js_code", "phone_code", "payment_code"),
    ],
)
def test_a_secret_is_masked_by_its_name_at_every_depth(name: str) -> None:
    value = "plain enough"
    assert value not in masked(**{name: value})
    assert value not in masked(answer={name: value})
    assert value not in masked(answers=[{"inner": {name: [value]}}])


@pytest.mark.parametrize(
    "text",
    [
        "+8613812345678", "+86 13812345678", "8613812345678", "008613812345678", "138 1234 5678",
        "138-1234-5678", "tel:13812345678;", "（13812345678）", "号码13812345678已绑定",
        "+86-138-1234-5678",
    ],
)  # fmt: skip
def test_a_phone_is_masked_in_every_spelling(text: str) -> None:
    written = masked(why=text)
    assert "****5678" in written
    assert "1234" not in written


def test_a_phone_written_as_a_number_is_masked_too() -> None:
    assert PHONE not in masked(value=int(PHONE), values=[int(PHONE)])


@pytest.mark.parametrize(
    "text", ["6222 0212 3456 7890", "6222-0212-3456-7890-123", CARD, IDENTITY + "X"]
)
def test_a_card_or_identity_number_is_masked_in_groups_and_in_one(text: str) -> None:
    written = masked(why=f"card {text}.")
    assert "******" in written
    assert text not in written


@pytest.mark.parametrize(
    "text",
    [
        "GET /sns/jscode2session?appid=wx1&secret=hush-hush&js_code=hush-hush",
        'answer {"session_key": "hush-hush", "openid":"hush-hush"}',
        "{'access_token': 'hush-hush'}",
        "Authorization: Bearer hush-hush",
        "password=hush-hush&x=1",
    ],
)
def test_a_named_secret_inside_a_text_is_masked(text: str) -> None:
    assert "hush-hush" not in masked(why=text)


def test_what_is_no_secret_stays_readable() -> None:
    event = {
        "event": "claims_written",
        "code": "quota_exhausted",
        "status": 200,
        "ms": 1.5,
        "campaign_id": "Q2-MAY",
        "order_id": "0f" * 16,
        "voucher_id": 13_812_345_678,
        "entry_id": "1682647260000-123",
        "reached_at_ms": 1_682_647_260_000,
        "amount_fen": 13_912_345_678,
        "at": "2023-04-28T10:00:00.123456+08:00",
        "digest": "ab" * 32,
        "route": "/api/v1/resident/orders/<order_id:order_id>",
        "none": None,
        "right": True,
        "version": "3.11",
    }
    assert without_personal_data(None, "info", dict(event)) == event


def raise_with(text: str) -> None:
    try:
        raise KeyError(text)
    except KeyError as error:
        raise ValueError(f"row of {text}") from error


def test_an_exceptions_message_and_traceback_carry_no_secret(lines: Lines) -> None:
    log = structlog.get_logger("test-exception")
    for secret in SECRETS:
        try:
            raise_with(secret)
        except ValueError as error:
            log.error("crashed", exc_info=error)
            log.exception("crashed")
            logging.getLogger("library").exception("could not store %s", secret)
    written = lines()
    assert len(written) == 3 * len(SECRETS)
    for line in written:
        assert "raise_with" in line["exception"]  # the traceback itself is there
        assert "KeyError" in line["exception"]
        assert not any(secret in json.dumps(line) for secret in SECRETS)


def test_the_standard_librarys_events_pass_the_same_mask(lines: Lines) -> None:
    logging.getLogger("urllib3").warning("retry %s?access_token=%s", "/path", "abc.def")
    logging.getLogger("library").error("phone %s", PHONE, extra={"openid": OPENID})
    (first, second) = lines()
    assert first["event"] == "retry /path?access_token=***"
    assert second["event"] == "phone 138****5678"
    assert (second["level"], second["logger"]) == ("error", "library")


def test_a_line_is_json_with_the_requests_id_and_chinese_as_it_is(lines: Lines) -> None:
    structlog.contextvars.bind_contextvars(request_id="0123abcd")
    structlog.get_logger("test-line").info("领券", campaign_id="Q2-MAY")
    (line,) = lines()
    assert line["request_id"] == "0123abcd"
    assert line["event"] == "领券"
    assert line["timestamp"].endswith("Z")


def test_names_bound_for_a_request_are_masked_too(lines: Lines) -> None:
    structlog.contextvars.bind_contextvars(openid=OPENID, note=PHONE)
    structlog.get_logger("test-bound").info("asked")
    (line,) = lines()
    assert (line["openid"], line["note"]) == ("***", "138****5678")
