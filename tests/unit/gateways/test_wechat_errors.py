"""WeChat's errcodes as our refusals."""

import pytest

from backend.gateways import wechat_errors
from backend.gateways.wechat_errors import WeChatError, refusal, server_ip


def every_refusal() -> list[type[WeChatError]]:
    return [
        kind
        for kind in vars(wechat_errors).values()
        if isinstance(kind, type) and issubclass(kind, WeChatError) and kind is not WeChatError
    ]


@pytest.mark.parametrize("kind", every_refusal())
def test_every_refusal_tells_people_in_chinese_what_to_do(kind: type[WeChatError]) -> None:
    assert "请" in kind.message
    assert kind.code != WeChatError.code


@pytest.mark.parametrize(
    ("errmsg", "rid"),
    [
        ("invalid code, rid: 6602d5a4-0c1f2d3e-4b5a6978", "6602d5a4-0c1f2d3e-4b5a6978"),
        ("invalid code rid: 6602d5a4-0c1f2d3e-4b5a6984", "6602d5a4-0c1f2d3e-4b5a6984"),
        ("invalid code hint: [zHkDmt0sf-MBjga] rid: 64e3259f-1091b953", "64e3259f-1091b953"),
        ("invalid code", None),
        ("", None),
    ],
)
def test_the_rid_is_kept_and_the_rest_of_the_errmsg_is_not(errmsg: str, rid: str | None) -> None:
    refused = refusal("/sns/jscode2session", 40029, errmsg)
    assert refused.rid == rid
    assert str(refused) == "/sns/jscode2session answered errcode 40029"


def test_an_errcode_without_handling_of_its_own_is_kept_as_a_number() -> None:
    refused = refusal("/x", 61451, "")
    assert type(refused) is wechat_errors.WeChatRefused
    assert refused.errcode == 61451


def test_the_address_that_wechat_does_not_know_is_told_to_the_operator() -> None:
    assert server_ip("invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist") == "1.2.3.4"
    assert server_ip("invalid appsecret") is None
