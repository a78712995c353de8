"""The refusals of claiming, paying and signing in, one class each.

A resident or clerk reads `message`: why, and what to do next. Programs read `code`; a code never
changes its meaning.
"""

from backend.domain.errors import HuiquanError

# Signing in


class SignInRequired(HuiquanError):
    code = "sign_in_required"
    message = "您还没有登录，请先登录"
    category = "unauthenticated"


class RefreshRefused(HuiquanError):
    code = "refresh_refused"
    message = "登录已失效，请重新登录"
    category = "unauthenticated"


class WrongRole(HuiquanError):
    code = "wrong_role"
    message = "当前身份不能进行此操作，请换用相应身份登录"
    category = "forbidden"


class PhoneRequired(HuiquanError):
    code = "phone_required"
    message = "领券前需要确认身份，请先绑定手机号"
    category = "forbidden"


class PhoneOfAnotherResident(HuiquanError):
    code = "phone_of_another_resident"
    message = "该手机号已属于另一位居民，请换一个手机号或拨打服务热线"
    category = "conflict"


class CardOfAnotherResident(HuiquanError):
    code = "card_of_another_resident"
    message = "该银行卡已属于另一位居民，请换一张卡或拨打服务热线"
    category = "conflict"


class ResidentBlocked(HuiquanError):
    """By staff, for a reason they have written down. Holds for claiming and for paying alike."""

    code = "resident_blocked"
    message = "您的领券和用券资格已暂停，购物可按原价付款；如有疑问请拨打服务热线"
    category = "forbidden"


class NotAClerk(HuiquanError):
    code = "not_a_clerk"
    message = "您还不是收银员，请店主用您的手机号添加后再登录"
    category = "forbidden"


# Claiming


class CampaignNotOpen(HuiquanError):
    code = "campaign_not_open"
    message = "活动还没有开始，请在开抢时间再来"
    category = "rule"


class CampaignClosed(HuiquanError):
    code = "campaign_closed"
    message = "本场活动已经结束，请留意下一场"
    category = "rule"


class CampaignPaused(HuiquanError):
    code = "campaign_paused"
    message = "本场活动暂停领取，已领的券照常可用，请稍后再来"
    category = "rule"
    retry_after_s = 30  # people decide how long a pause lasts


class QuotaExhausted(HuiquanError):
    code = "quota_exhausted"
    message = "本档消费券已领完，请看看其他档级或下一场活动"
    category = "rule"


class DailyQuotaExhausted(HuiquanError):
    code = "daily_quota_exhausted"
    message = "今天投放的本档消费券已领完，请在下一次投放时再来"
    category = "rule"


class ClaimWindowClosed(HuiquanError):
    code = "claim_window_closed"
    message = "现在不在领取时段，请在下一个领取时段再来"
    category = "rule"


class PositionRequired(HuiquanError):
    code = "position_required"
    message = "领取本券需要确认您在活动区域内，请允许小程序使用位置信息后再领"
    category = "rule"


class OutsideClaimArea(HuiquanError):
    code = "outside_claim_area"
    message = "您不在本券的领取区域内，请到活动区域内再领"
    category = "rule"


class ClaimLimitReached(HuiquanError):
    code = "claim_limit_reached"
    message = "您已领过本档消费券，可在卡包中查看和使用"
    category = "rule"


class DailyClaimLimitReached(HuiquanError):
    code = "daily_claim_limit_reached"
    message = "您今天已领过本场消费券，请明天再来"
    category = "rule"


class CampaignClaimLimitReached(HuiquanError):
    code = "campaign_claim_limit_reached"
    message = "您在本场活动领取的张数已满，可在卡包中查看和使用，或看看其他活动"
    category = "rule"


class DailyClaimCountReached(HuiquanError):
    code = "daily_claim_count_reached"
    message = "您今天在本场活动领取的张数已满，请明天再来"
    category = "rule"


class ClaimNotOffered(HuiquanError):
    code = "claim_not_offered"
    message = "本活动无需领券，请按活动说明参加"
    category = "rule"


class QuotaUnavailable(HuiquanError):
    """No quota, no voucher: money is not a rate limit, so this fails closed."""

    code = "quota_unavailable"
    message = "领券暂时不可用，请稍后重试，名额不会因此减少"
    category = "unavailable"
    retry_after_s = 2


class ClaimUnconfirmed(HuiquanError):
    """Taken or not, the answer is not safe yet: it could be forgotten if the server failed now."""

    code = "claim_unconfirmed"
    message = "领券结果正在确认，请稍后再点一次，不会重复领取"
    category = "unavailable"
    retry_after_s = 2


class QuotaRestoring(HuiquanError):
    """A lost quota was loaded anew, and receipts come first: who has one sends it now."""

    code = "quota_restoring"
    message = "正在恢复已领的消费券，您领过的券不会丢失；还没领的请按提示的时间再来"
    category = "unavailable"
    retry_after_s = 60


class ReceiptInvalid(HuiquanError):
    """Forged, malformed and another resident's answer alike, so that nobody can probe."""

    code = "receipt_invalid"
    message = "领取凭证无效，请用领券时的手机号登录后重试"
    category = "rule"


class ReceiptNotHonoured(HuiquanError):
    """A true receipt whose unit is gone: never oversold, and staff find it in the audit log."""

    code = "receipt_not_honoured"
    message = "您的领取记录属实，但名额已无法恢复，请拨打服务热线，工作人员会为您处理"
    category = "conflict"


# Paying


class PaymentCodeInvalid(HuiquanError):
    """Unknown, used, replaced and expired answer alike, so that nobody can probe."""

    code = "payment_code_invalid"
    message = "付款码无效或已过期，请顾客刷新付款码后再扫"
    category = "rule"


class PaymentCodeMisread(HuiquanError):
    code = "payment_code_misread"
    message = "没有扫清付款码，请再扫一次"
    category = "invalid"


class WalletCode(HuiquanError):
    code = "wallet_code"
    message = "这是其他钱包的付款码，请顾客在小程序中打开消费券付款码"
    category = "rule"


class PlacardInvalid(HuiquanError):
    code = "placard_invalid"
    message = "这不是有效的商户码牌，请向店员核实"
    category = "not_found"


class PlacardOfAnotherSystem(HuiquanError):
    """A payment code of a shop, scanned by mistake: the two hang side by side on a counter."""

    code = "placard_of_another_system"
    message = "这是商户的收款码，不是消费券码牌，请扫写有“消费券参与商户”的码牌"
    category = "rule"


class PlacardRevoked(HuiquanError):
    code = "placard_revoked"
    message = "该码牌已停用，请店员出示新的码牌"
    category = "rule"


class AmountCodeInvalid(HuiquanError):
    code = "amount_code_invalid"
    message = "这个金额码不是本系统发出的或被改动过，请勿付款，并请店员重新出示"
    category = "not_found"


class AmountCodeExpired(HuiquanError):
    code = "amount_code_expired"
    message = "金额码已过 5 分钟有效期，请店员重新出示"
    category = "rule"


class AmountCodeUsed(HuiquanError):
    code = "amount_code_used"
    message = "这个金额码已用于一笔订单，请在“我的订单”中查看，或请店员重新出示"
    category = "conflict"


class AmountDiffers(HuiquanError):
    code = "amount_differs"
    message = "金额以商户的金额码为准，请按码上的金额重试；金额不对的，请店员重新出示"
    category = "invalid"


class AmountMissing(HuiquanError):
    code = "amount_missing"
    message = "码牌上没有金额，请输入消费金额"
    category = "rule"


class MerchantNotPublished(HuiquanError):
    code = "merchant_not_published"
    message = "该商户不在公布的参与名单内，不能使用消费券，请到名单内的商户消费"
    category = "rule"


class NoEligibleVoucher(HuiquanError):
    code = "no_eligible_voucher"
    message = "本单没有可用的消费券，可直接付全款"
    category = "rule"


class MerchantDayLimitReached(HuiquanError):
    code = "merchant_day_limit_reached"
    message = "您今天在本店用券的次数已满，可直接付全款，或明天再来"
    category = "rule"


class OwnShop(HuiquanError):
    code = "own_shop"
    message = "收银员不能核销自己的消费券，请由其他收银员办理"
    category = "forbidden"


class RequestReused(HuiquanError):
    code = "request_id_reused"
    message = "同一请求号已用于另一笔业务，请刷新后重试"
    category = "conflict"


class OrderReleased(HuiquanError):
    code = "order_released"
    message = "订单已超时或取消，消费券已退回卡包，请重新下单"
    category = "conflict"


class OrderRedeemed(HuiquanError):
    code = "order_redeemed"
    message = "订单已经完成，不能取消"
    category = "conflict"
