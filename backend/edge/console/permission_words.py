"""What the console calls each permission."""

from backend.domain.permissions import Permission

NOUNS = {
    "campaigns": "活动",
    "programmes": "方案",
    "war_room": "发放现场",
    "merchants": "商户",
    "merchant_papers": "商户材料",
    "clerks": "收银员",
    "placards": "码牌",
    "pledges": "承诺书",
    "placements": "张贴检查",
    "orders": "订单",
    "redemptions": "核销",
    "refunds": "退款",
    "settlements": "结算",
    "payout_accounts": "收款账户",
    "payouts": "拨付",
    "payment_cases": "付款异常",
    "reconciliation": "对账",
    "budgets": "预算",
    "spending": "支出台账",
    "fund_reports": "资金报表",
    "residents": "居民",
    "notices": "公告",
    "complaints": "投诉",
    "subsidies": "专项补贴",
    "entries": "首道门票",
    "partners": "合作机构",
    "exports": "导出",
    "audit": "审计日志",
    "staff": "工作人员",
}
VERBS = {
    "read": "查看",
    "prepare": "准备并送审",
    "approve": "批准",
    "run": "开始、恢复、停止",
    "load": "载入",
    "pause": "暂停",
    "report": "提报",
    "confirm_superior": "上级银行确认",
    "confirm_bureau": "商务局确认",
    "screen_tax": "税务核查",
    "screen_market": "市场监管核查",
    "send_to_partner": "送金融合作单位",
    "pass_partner": "金融合作单位通过",
    "publish": "公布",
    "suspend": "暂停",
    "resume": "恢复",
    "propose_disqualify": "提出取消资格",
    "disqualify": "取消资格",
    "manage": "管理",
    "issue": "发放",
    "revoke": "作废",
    "record": "记录",
    "propose": "提出",
    "make": "办理",
    "pay": "付款",
    "draft": "编制",
    "hold": "暂缓",
    "approve_bureau": "商务局审批",
    "approve_finance": "财政审批",
    "confirm": "复核",
    "answer": "答复",
    "explain": "说明",
    "resolve": "处理",
    "freeze": "定稿",
    "unmask": "查看完整号码",
    "block": "停用",
    "unblock": "恢复",
    "write": "撰写",
    "close": "结案",
    "review_first": "初审",
    "review_second": "复审",
    "state": "编制月报",
    "export": "导出",
}
# Where the verb alone would mislead.
WHOLE = {
    Permission.PAYOUTS_ANSWER: "拨付：录入银行回单",
    Permission.REFUNDS_PAY: "退款：人工退还",
    Permission.MERCHANTS_UNMASK: "商户：查看联系人完整号码",
    Permission.RESIDENTS_READ: "居民：查看（号码隐去）",
    Permission.EXPORTS_MAKE: "导出：带走可查看的列表",
    Permission.STAFF_CONFIRM: "工作人员：复核新账号、角色和重置",
}


def _words(held: Permission) -> str:
    noun, _, verb = held.partition(".")
    return WHOLE.get(held) or f"{NOUNS.get(noun, noun)}：{VERBS.get(verb, verb)}"


WORDS = {held: _words(held) for held in Permission}
