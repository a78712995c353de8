"""What the console calls the acts of the audit log; an act without a name shows its code."""

from backend.domain.merchant_steps import STEP_NAMES

NOUNS = {
    "budget": "预算",
    "campaign": "活动",
    "card": "银行卡",
    "clerk": "收银员",
    "entry": "门票核验",
    "export": "导出",
    "merchant": "商户",
    "merchant_list": "商户名单",
    "merchants": "商户",
    "notice": "公告",
    "partner": "合作机构",
    "payback": "退回款",
    "payment_case": "付款异常",
    "payout": "拨付",
    "payout_account": "收款账户",
    "placard": "码牌",
    "programme": "方案",
    "reconciliation": "对账",
    "refund": "退款",
    "report": "报表",
    "resident": "居民",
    "settlement": "结算",
    "spending": "支出台账",
    "staff": "工作人员",
    "subsidy": "专项补贴",
    "table": "列表",
}
VERBS: dict[str, str] = {
    **{step.value: name for step, name in STEP_NAMES.items()},
    "add": "新增",
    "approve": "批准",
    "ask": "申请",
    "block": "限制",
    "by_hand": "人工处理",
    "close": "结案",
    "confirm": "复核通过",
    "draft": "生成",
    "end": "结束",
    "end_desk": "退出收银台",
    "export": "导出",
    "file": "生成文件",
    "funds": "出具",
    "hold": "暂缓",
    "issue": "发放",
    "load": "载入",
    "make": "办理",
    "open_desk": "登录收银台",
    "own": "定为店主",
    "pause": "暂停",
    "payment_provider": "更改收款方式",
    "payout_list": "生成名单",
    "propose": "提出",
    "publish": "公布",
    "read_file": "读取文件",
    "refuse": "驳回",
    "release": "放行",
    "remove": "移除",
    "resume": "恢复",
    "retry": "重试",
    "return": "录入回单",
    "revoke": "作废",
    "run": "开始发放",
    "state": "出具月报",
    "stop": "停止",
    "take": "收取文件",
    "unblock": "解除限制",
    "undo": "撤销",
    "withdraw": "撤回",
    "write": "撰写",
}


def action(code: str) -> str:
    """Return an action in words: 'campaign.approve' -> '活动 批准'."""
    noun, _, verb = code.partition(".")
    if noun in NOUNS and verb in VERBS:
        return f"{NOUNS[noun]} {VERBS[verb]}"
    return code
