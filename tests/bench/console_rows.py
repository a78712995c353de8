"""Three weeks of a large city for the console to show: 1,000 shops, 1,000,000 redemptions.

PostgreSQL writes them itself, each row as the application writes it. Only the look-ups of foreign
keys rest meanwhile, which would take longer than all the rest; `ledger.check` agrees afterwards.

What makes lists slow is in them: a small campaign long over, a large shop that closed, a shop with
a tenth of the sales beside shops with hardly any, states and amounts that are rare.
"""

from sqlalchemy import text

from backend import clock
from backend.domain.campaigns import TierTerms
from backend.extensions import db
from backend.services import campaigns
from backend.storage.sql import allow_long_statements, transaction
from tests.factories import MAY, approve

OLD = "Q1-NY"
OLD_REDEMPTIONS = 2_000  # all units of its first tier
REDEMPTIONS = 1_000_000
MERCHANTS = 1_000
RESIDENTS = 200_000
SPAN_S = 20 * 86_400
CLOSED, LARGEST, SMALL = "M0000", "M0001", "M0900"  # merchants

_MERCHANTS = """
    INSERT INTO merchants (id, programme_id, name, domain_id, area, status, payment_provider,
        superior_bank_confirmed, bureau_confirmed, tax_screening, market_regulator_screening,
        disqualification_proposed)
    SELECT 'M' || lpad(n::text, 4, '0'), (SELECT id FROM programmes), '街津口鱼馆' || n || '分店',
        'SUPER', '同江镇', 'published', 'at_till', true, true, 'passed', 'passed', false
    FROM generate_series(0, :merchants - 1) n
"""
# Every statement below reads these numbers: the n-th sale, long ago first. What is left of a
# multiplication by a prime is spread evenly, and its square makes few shops large.
_SALES = """
    CREATE TEMPORARY TABLE sales ON COMMIT DROP AS
    SELECT n, md5(n::text) AS order_id, 1 + n % :residents AS resident_id,
        CASE WHEN n <= :old THEN :old_campaign ELSE :campaign END AS campaign_id,
        CASE WHEN n <= :old THEN :old_tier ELSE :tier END AS tier_id,
        CASE WHEN n <= :old THEN :old_tier ELSE :tier END * 1000000000::bigint + n AS voucher_id,
        CASE WHEN n <= 60000 AND n % 2 = 0 THEN 'M0000'
            ELSE 'M' || lpad((1 + trunc((:merchants - 1)
                * power((n % 100003 * 7919 % 100003) / 100003.0, 2)))::text, 4, '0')
        END AS merchant_id,
        :face_fen + 4000 + n % 95000 * 7919 % 95000 AS amount_fen,
        CAST(:now AS timestamptz) - make_interval(secs => (:redemptions - n) * :gap_s) AS at,
        n % 200 = 13 AS is_reversed, n % 100 = 7 AS is_refunded, n % 20 = 0 AS is_wechat
    FROM generate_series(1, :redemptions) n
"""
_ROWS = (
    """INSERT INTO transfers (id, kind, from_account_id, to_account_id, amount_fen, at)
    SELECT 'claim:' || campaign_id, 'claim', 'campaign:' || campaign_id || '\\:committed',
        'campaign:' || campaign_id || '\\:locked', count(*) * :face_fen, min(at)
    FROM sales GROUP BY campaign_id""",
    """INSERT INTO transfers (id, kind, from_account_id, to_account_id, amount_fen, at)
    SELECT 'redemption:' || n, 'redemption', 'campaign:' || campaign_id || '\\:locked',
        'campaign:' || campaign_id || '\\:spent', :face_fen, at FROM sales
    UNION ALL SELECT 'reversal:' || n, 'reversal', 'campaign:' || campaign_id || '\\:spent',
        'campaign:' || campaign_id || '\\:locked', :face_fen, at FROM sales WHERE is_reversed
    UNION ALL SELECT 'refund:' || n, 'refund', 'campaign:' || campaign_id || '\\:spent',
        'campaign:' || campaign_id || '\\:committed', 100, at FROM sales WHERE is_refunded""",
    """INSERT INTO vouchers (id, resident_id, campaign_id, tier_id, threshold_fen, face_value_fen,
        claimed_at, valid_from, valid_until, status, order_id, restored_count, marks,
        claim_transfer_id)
    SELECT voucher_id, resident_id, campaign_id, tier_id, 5000, :face_fen, at, at,
        at + interval '7 days', CASE WHEN is_reversed THEN 'unused' ELSE 'used' END,
        CASE WHEN NOT is_reversed THEN order_id END, is_reversed::int, 0, 'claim:' || campaign_id
    FROM sales""",
    """INSERT INTO orders (id, requested_by, request_id, request_digest, entry, merchant_id,
        resident_id, voucher_id, campaign_id, list_amount_fen, merchant_discount_fen,
        bank_discount_fen, order_amount_fen, discount_fen, payable_fen, status, created_at,
        lock_expires_at, closed_at, refund_count, refunded_fen, customer_refunded_fen)
    SELECT order_id, 'resident:' || resident_id, n::text, '-', 'placard', merchant_id,
        resident_id, voucher_id, campaign_id, amount_fen, 0, 0, amount_fen, :face_fen,
        amount_fen - :face_fen, CASE WHEN is_reversed THEN 'reversed' ELSE 'redeemed' END, at,
        at + interval '300 seconds', at, is_refunded::int,
        CASE WHEN is_refunded THEN 2000 ELSE 0 END, CASE WHEN is_refunded THEN 1900 ELSE 0 END
    FROM sales""",
    """INSERT INTO payments (order_id, provider, status, amount_fen, collected_fen, updated_at,
        scanned, attempts)
    SELECT order_id, CASE WHEN is_wechat THEN 'wechat_pay' ELSE 'at_till' END, 'paid',
        amount_fen - :face_fen, CASE WHEN is_wechat THEN amount_fen - :face_fen END, at, false, 0
    FROM sales""",
    """INSERT INTO redemptions (id, voucher_id, use_number, campaign_id, merchant_id, resident_id,
        order_amount_fen, discount_fen, payable_fen, redeemed_at, business_day, transfer_id)
    SELECT order_id, voucher_id, 1, campaign_id, merchant_id, resident_id, amount_fen, :face_fen,
        amount_fen - :face_fen, at, (at AT TIME ZONE 'Asia/Shanghai')::date, 'redemption:' || n
    FROM sales""",
    """INSERT INTO reversals (id, merchant_id, campaign_id, discount_fen, reversed_at,
        business_day, reason, made_by, transfer_id)
    SELECT order_id, merchant_id, campaign_id, :face_fen, at,
        (at AT TIME ZONE 'Asia/Shanghai')::date, '输错金额', 'clerk', 'reversal:' || n
    FROM sales WHERE is_reversed""",
    """INSERT INTO refunds (id, numbered_by, number, order_id, part, merchant_id, campaign_id,
        refund_amount_fen, customer_fen, subsidy_fen, restored, reason, made_by, refunded_at,
        business_day, transfer_id)
    SELECT 'r' || order_id, 'staff', n::text, order_id, 1, merchant_id, campaign_id, 2000, 1900,
        100, false, '退货', 'clerk', at, (at AT TIME ZONE 'Asia/Shanghai')::date, 'refund:' || n
    FROM sales WHERE is_refunded""",
    # An order that was begun and left, a minute before every twentieth sale: by the same voucher.
    """INSERT INTO orders (id, requested_by, request_id, request_digest, entry, merchant_id,
        resident_id, voucher_id, campaign_id, list_amount_fen, merchant_discount_fen,
        bank_discount_fen, order_amount_fen, discount_fen, payable_fen, status, release_reason,
        created_at, lock_expires_at, closed_at)
    SELECT md5('left' || n), 'resident:' || resident_id, 'left' || n, '-', 'placard', merchant_id,
        resident_id, voucher_id, campaign_id, amount_fen, 0, 0, amount_fen, :face_fen,
        amount_fen - :face_fen, 'released', 'cancelled', at - interval '60 seconds',
        at + interval '240 seconds', at - interval '30 seconds'
    FROM sales WHERE n % 20 = 3""",
    """INSERT INTO payments (order_id, provider, status, amount_fen, updated_at, scanned, attempts)
    SELECT md5('left' || n), 'at_till', 'closed', amount_fen - :face_fen, at, false, 0
    FROM sales WHERE n % 20 = 3""",
    """UPDATE tiers SET claimed_count = (SELECT count(*) FROM sales WHERE tier_id = tiers.id)
    WHERE id IN (:tier, :old_tier)""",
)


def write() -> None:
    """Write it all into the city of `units` and `RESIDENTS`, and let the planner look at it."""
    approve(OLD, actor="load")
    tier, old_tier = _first_tier(MAY), _first_tier(OLD)
    numbers = {
        "merchants": MERCHANTS,
        "residents": RESIDENTS,
        "redemptions": REDEMPTIONS,
        "old": OLD_REDEMPTIONS,
        "campaign": MAY,
        "old_campaign": OLD,
        "tier": tier.id,
        "old_tier": old_tier.id,
        "face_fen": tier.face_value_fen,
        "gap_s": SPAN_S / REDEMPTIONS,
        "now": clock.now(),
    }
    with transaction() as session:
        allow_long_statements(session)
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in (_MERCHANTS, _SALES, *_ROWS):
            session.execute(text(statement), numbers)
    db.session.close()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _first_tier(campaign_id: str) -> TierTerms:
    return campaigns.terms(campaign_id).tiers[0]
