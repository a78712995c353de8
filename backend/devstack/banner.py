"""What `make run` prints once the city is at work: addresses, and how to sign in."""

from collections.abc import Mapping

from backend.devstack import bootstrap_facts as facts
from backend.devstack.bootstrap_facts import CLERKS, staff_of
from backend.devstack.surroundings import Surroundings
from backend.devstack.transcript import padded
from backend.domain.staff import ROLE_NAMES

CLERK = CLERKS[0]

# Plain sh, bash or zsh; `pick` takes one value out of a JSON answer with what every machine has.
SIGN_IN = r"""登录（粘贴到另一个终端）
  WEB={web}  WECHAT={wechat}
  pick() {{ sed "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/"; }}
  JSON='Content-Type: application/json'
  post() {{ curl -s "$1" -H "$JSON" -d "$2" -H "Authorization: Bearer $3"; }}
  # 居民（其手机号在示例银行绑有一张卡）：登录，绑定手机号，看卡包
  CODE=$(post $WECHAT/_standin/wx-login '{{"user":"xiaoli"}}' | pick js_code)
  RESIDENT=$(post $WEB/api/v1/sessions/resident "{{\"js_code\":\"$CODE\"}}" | pick access_token)
  BODY='{{"user":"xiaoli","phone":"{card_phone}"}}'
  PHONE=$(post $WECHAT/_standin/phone-number "$BODY" | pick code)
  BODY="{{\"phone_code\":\"$PHONE\"}}"
  RESIDENT=$(post $WEB/api/v1/resident/phone "$BODY" $RESIDENT | pick access_token)
  curl -s $WEB/api/v1/resident/vouchers -H "Authorization: Bearer $RESIDENT"
  # 收银员（{shop}，{clerk}）：登录，看核销记录
  CODE=$(post $WECHAT/_standin/wx-login '{{"user":"{user}"}}' | pick js_code)
  PHONE=$(post $WECHAT/_standin/phone-number '{{"user":"{user}","phone":"{phone}"}}' | pick code)
  BODY="{{\"js_code\":\"$CODE\",\"phone_code\":\"$PHONE\"}}"
  CLERK=$(post $WEB/api/v1/sessions/clerk "$BODY" | pick access_token)
  curl -s $WEB/api/v1/merchant/redemptions -H "Authorization: Bearer $CLERK"
"""


def addresses(found: Surroundings, placards: Mapping[str, str]) -> str:
    """Return the addresses to open, aligned."""
    rows = [
        ("首页", f"{found.web_url}/"),
        ("参与商户名单", f"{found.web_url}/merchants"),
        (f"码牌（{CLERK.merchant_name}）", placards.get(CLERK.merchant_id, "已停用")),
        ("管理后台", f"{found.console_url}/console/"),
        ("接口文档", f"{found.web_url}/openapi.json"),
        ("就绪检查", f"{found.web_url}/readyz"),
        ("微信替身", f"{found.standin_url}/_standin/requests"),
        ("微信支付替身", f"{found.pay_standin_url}/_standin/orders"),
        ("银联替身", f"{found.unionpay_url}/_standin/requests"),
    ]
    return "\n".join(f"  {padded(name, 18)}{address}" for name, address in rows)


def partner(found: Surroundings) -> str:
    """Return lines of shell that make the bank's client ready, see docs/bank-integration.md."""
    return (
        "合作银行（docs/bank-integration.md；粘贴后可运行 selftest）\n"
        f"  export HUIQUAN_URL={found.web_url} HUIQUAN_PARTNER={facts.PARTNER_ID}"
        f" HUIQUAN_KEY_ID={facts.PARTNER_KEY_ID}\n"
        f"  export HUIQUAN_SECRET={facts.partner_secret(found.env)}\n"
        "  python3 docs/bank/huiquan_bank_client.py selftest\n"
        f"  已绑定的卡：卡标记 {facts.CARD_TOKEN}，尾号 {facts.CARD_LAST4}，"
        f"手机号 {facts.CARD_PHONE}\n"
    )


def staff(found: Surroundings) -> str:
    """Return how to sign in at the console: an account for each role, one password, one phone."""
    names = "、".join(f"{staff_of(role)}（{name}）" for role, name in ROLE_NAMES.items())
    return (
        f"管理后台（{found.console_url}/console/）：{names}\n"
        f"  密码 {facts.staff_password(found.env)}，动态码 make code\n"
    )


def sign_in(found: Surroundings) -> str:
    """Return lines of shell that sign a resident and a clerk in when they are pasted."""
    return SIGN_IN.format(
        web=found.web_url,
        wechat=found.standin_url,
        shop=CLERK.merchant_name,
        clerk=CLERK.name,
        card_phone=facts.CARD_PHONE,
        user=CLERK.user,
        phone=CLERK.phone,
    )
