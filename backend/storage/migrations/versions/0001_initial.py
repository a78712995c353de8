"""0001 the schema of claiming, paying and the ledger. New tables only."""

import sqlalchemy as sa
from alembic import op

revision = "0001_initial"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    op.create_table(
        "clock_marks",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_clock_marks"),
    )
    op.create_table(
        "domains",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_domains"),
    )
    op.create_table(
        "programmes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("lead_office", sa.String(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("file_digest", sa.String(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("total_fen > 0", name=op.f("ck_programmes_total_positive")),
        sa.PrimaryKeyConstraint("id", name="pk_programmes"),
    )
    op.create_table(
        "residents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("phone_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("phone_last4", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_residents"),
    )
    op.create_table(
        "funds",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("programme_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("lead_office", sa.String(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_funds_amount_positive")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name="fk_funds_programme_id"),
        sa.PrimaryKeyConstraint("id", name="pk_funds"),
    )
    op.create_table(
        "merchant_list_versions",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("programme_id", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programmes.id"], name="fk_merchant_list_versions_programme_id"
        ),
        sa.PrimaryKeyConstraint("number", name="pk_merchant_list_versions"),
    )
    op.create_table(
        "merchants",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("programme_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("domain_id", sa.String(), nullable=False),
        sa.Column("area", sa.String(), nullable=True),
        sa.Column("uscc", sa.String(), nullable=True),
        sa.Column("merchant_number", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.CheckConstraint(
            "status IN ('awaiting_superior_bank', 'vetoed_by_tax', 'passed', 'published',"
            " 'suspended', 'disqualified')",
            name=op.f("ck_merchants_status_known"),
        ),
        sa.ForeignKeyConstraint(["domain_id"], ["domains.id"], name="fk_merchants_domain_id"),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programmes.id"], name="fk_merchants_programme_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_merchants"),
        sa.UniqueConstraint("uscc", name="uq_merchants_uscc"),
        sa.UniqueConstraint("merchant_number", name="uq_merchants_merchant_number"),
    )
    op.create_table(
        "payment_codes",
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.CheckConstraint(
            "state IN ('live', 'used', 'replaced', 'expired')",
            name=op.f("ck_payment_codes_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name="fk_payment_codes_resident_id"
        ),
        sa.PrimaryKeyConstraint("code_hash", name="pk_payment_codes"),
    )
    op.create_index("ix_payment_codes_expires_at", "payment_codes", ["expires_at"])
    op.create_index("ix_payment_codes_resident_id", "payment_codes", ["resident_id"])
    op.create_index(
        "uq_payment_codes_live",
        "payment_codes",
        ["resident_id"],
        unique=True,
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    )

    op.create_table(
        "resident_identities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value_hash", sa.String(), nullable=False),
        sa.Column("last4", sa.String(), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('phone', 'card')", name=op.f("ck_resident_identities_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name="fk_resident_identities_resident_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_resident_identities"),
        sa.UniqueConstraint("kind", "value_hash", name="uq_resident_identities_kind_value_hash"),
    )
    op.create_index("ix_resident_identities_resident_id", "resident_identities", ["resident_id"])

    op.create_table(
        "wechat_users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("openid", sa.String(), nullable=False),
        sa.Column("session_key_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name="fk_wechat_users_resident_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_wechat_users"),
        sa.UniqueConstraint("openid", name="uq_wechat_users_openid"),
    )
    op.create_index("ix_wechat_users_resident_id", "wechat_users", ["resident_id"])

    op.create_table(
        "clerks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phone_hash", sa.String(), nullable=False),
        sa.Column("phone_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("phone_last4", sa.String(), nullable=False),
        sa.Column("wechat_user_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'removed')", name=op.f("ck_clerks_state_known")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name="fk_clerks_merchant_id"),
        sa.ForeignKeyConstraint(
            ["wechat_user_id"], ["wechat_users.id"], name="fk_clerks_wechat_user_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_clerks"),
    )
    op.create_index("ix_clerks_merchant_id", "clerks", ["merchant_id"])
    op.create_index(
        "uq_clerks_phone_active",
        "clerks",
        ["phone_hash"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "uq_clerks_wechat_user_active",
        "clerks",
        ["wechat_user_id"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )

    op.create_table(
        "fund_quarters",
        sa.Column("fund_id", sa.String(), nullable=False),
        sa.Column("quarter", sa.String(), nullable=False),
        sa.Column("ceiling_fen", sa.BigInteger(), nullable=False),
        sa.Column("floor_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "quarter IN ('Q1', 'Q2', 'Q3', 'Q4')", name=op.f("ck_fund_quarters_quarter_known")
        ),
        sa.CheckConstraint("ceiling_fen > 0", name=op.f("ck_fund_quarters_ceiling_positive")),
        sa.CheckConstraint(
            "floor_fen >= 0 AND floor_fen <= ceiling_fen",
            name=op.f("ck_fund_quarters_floor_in_ceiling"),
        ),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name="fk_fund_quarters_fund_id"),
        sa.PrimaryKeyConstraint("fund_id", "quarter", name="pk_fund_quarters"),
    )
    op.create_table(
        "merchant_list_entries",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("domain_id", sa.String(), nullable=False),
        sa.Column("area", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["domain_id"], ["domains.id"], name="fk_merchant_list_entries_domain_id"
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_merchant_list_entries_merchant_id"
        ),
        sa.ForeignKeyConstraint(
            ["version"], ["merchant_list_versions.number"], name="fk_merchant_list_entries_version"
        ),
        sa.PrimaryKeyConstraint("version", "merchant_id", name="pk_merchant_list_entries"),
    )
    op.create_table(
        "placards",
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("serial", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint("state IN ('active', 'revoked')", name=op.f("ck_placards_state_known")),
        sa.CheckConstraint("serial BETWEEN 1 AND 9999", name=op.f("ck_placards_serial_in_range")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name="fk_placards_merchant_id"),
        sa.PrimaryKeyConstraint("merchant_id", "serial", name="pk_placards"),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("programme_id", sa.String(), nullable=False),
        sa.Column("fund_id", sa.String(), nullable=False),
        sa.Column("quarter", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("validity_days", sa.Integer(), nullable=True),
        sa.Column("claim_day_counts", sa.Boolean(), nullable=True),
        sa.Column("per_person_per_tier", sa.Integer(), nullable=False),
        sa.Column("one_tier_per_day", sa.Boolean(), nullable=False),
        sa.Column("per_person", sa.Integer(), nullable=True),
        sa.Column("per_person_per_day", sa.Integer(), nullable=True),
        sa.Column("per_person_per_merchant_per_day", sa.Integer(), nullable=False),
        sa.Column("person_per_natural_month", sa.Integer(), nullable=True),
        sa.Column("daily_release", sa.Integer(), nullable=True),
        sa.Column("carry_over", sa.Boolean(), nullable=False),
        sa.Column("area", sa.String(), nullable=True),
        sa.Column("use_from_minute", sa.Integer(), nullable=True),
        sa.Column("use_until_minute", sa.Integer(), nullable=True),
        sa.Column("merchant_id", sa.String(), nullable=True),
        sa.Column("on_full_refund", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "mode <> 'claim' OR validity_days >= 1", name=op.f("ck_campaigns_claim_has_validity")
        ),
        sa.CheckConstraint(
            "mode IN ('claim', 'instant', 'subsidy', 'entry')", name=op.f("ck_campaigns_mode_known")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'approved', 'running', 'paused', 'stopped', 'ended')",
            name=op.f("ck_campaigns_state_known"),
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_campaigns_amount_positive")),
        sa.CheckConstraint("opens_at < ends_at", name=op.f("ck_campaigns_opens_before_end")),
        sa.CheckConstraint("per_person_per_tier >= 1", name=op.f("ck_campaigns_limit_positive")),
        sa.ForeignKeyConstraint(
            ["fund_id", "quarter"],
            ["fund_quarters.fund_id", "fund_quarters.quarter"],
            name="fk_campaigns_fund_id_quarter",
        ),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name="fk_campaigns_fund_id"),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programmes.id"], name="fk_campaigns_programme_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("wechat_user_id", sa.Integer(), nullable=False),
        sa.Column("clerk_id", sa.Integer(), nullable=True),
        sa.Column("refresh_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(role = 'clerk') = (clerk_id IS NOT NULL)", name=op.f("ck_sign_ins_clerk_named")
        ),
        sa.CheckConstraint("role IN ('resident', 'clerk')", name=op.f("ck_sign_ins_role_known")),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerks.id"], name="fk_sign_ins_clerk_id"),
        sa.ForeignKeyConstraint(
            ["wechat_user_id"], ["wechat_users.id"], name="fk_sign_ins_wechat_user_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sign_ins"),
        sa.UniqueConstraint("refresh_hash", name="uq_sign_ins_refresh_hash"),
    )
    op.create_index("ix_sign_ins_wechat_user_id", "sign_ins", ["wechat_user_id"])

    op.create_table(
        "campaign_domains",
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("domain_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_campaign_domains_campaign_id"
        ),
        sa.ForeignKeyConstraint(
            ["domain_id"], ["domains.id"], name="fk_campaign_domains_domain_id"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "domain_id", name="pk_campaign_domains"),
    )
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("fund_id", sa.String(), nullable=False),
        sa.Column("quarter", sa.String(), nullable=True),
        sa.Column("campaign_id", sa.String(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('appropriated', 'available', 'committed', 'locked', 'spent')",
            name=op.f("ck_ledger_accounts_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_ledger_accounts_campaign_id"
        ),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name="fk_ledger_accounts_fund_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_accounts"),
        sa.UniqueConstraint(
            "fund_id",
            "quarter",
            "campaign_id",
            "kind",
            name="uq_ledger_accounts_fund_id_quarter_campaign_id_kind",
        ),
    )
    op.create_table(
        "tiers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("threshold_fen", sa.BigInteger(), nullable=False),
        sa.Column("face_value_fen", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("claimed_count", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "claimed_count BETWEEN 0 AND count", name=op.f("ck_tiers_never_oversold")
        ),
        sa.CheckConstraint("count BETWEEN 1 AND 9999999", name=op.f("ck_tiers_count_in_range")),
        sa.CheckConstraint("face_value_fen > 0", name=op.f("ck_tiers_face_positive")),
        sa.CheckConstraint(
            "threshold_fen = 0 OR face_value_fen < threshold_fen",
            name=op.f("ck_tiers_face_below_threshold"),
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_tiers_campaign_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tiers"),
        sa.UniqueConstraint("campaign_id", "position", name="uq_tiers_campaign_id_position"),
    )
    op.create_table(
        "transfers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("from_account_id", sa.String(), nullable=False),
        sa.Column("to_account_id", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('appropriation', 'commitment', 'claim', 'redemption', 'expiry')",
            name=op.f("ck_transfers_kind_known"),
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_transfers_amount_positive")),
        sa.CheckConstraint(
            "from_account_id <> to_account_id", name=op.f("ck_transfers_two_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["from_account_id"], ["ledger_accounts.id"], name="fk_transfers_from_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["to_account_id"], ["ledger_accounts.id"], name="fk_transfers_to_account_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_transfers"),
    )
    op.create_index("ix_transfers_from_account", "transfers", ["from_account_id"])
    op.create_index("ix_transfers_to_account", "transfers", ["to_account_id"])

    op.create_table(
        "vouchers",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("tier_id", sa.Integer(), nullable=False),
        sa.Column("threshold_fen", sa.BigInteger(), nullable=False),
        sa.Column("face_value_fen", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=True),
        sa.Column("claim_transfer_id", sa.String(), nullable=False),
        sa.CheckConstraint(
            "(status IN ('locked', 'used')) = (order_id IS NOT NULL)",
            name=op.f("ck_vouchers_held_by_an_order"),
        ),
        sa.CheckConstraint(
            "status IN ('unused', 'locked', 'used', 'expired')",
            name=op.f("ck_vouchers_status_known"),
        ),
        sa.CheckConstraint("face_value_fen > 0", name=op.f("ck_vouchers_face_positive")),
        sa.CheckConstraint("valid_from < valid_until", name=op.f("ck_vouchers_validity_ordered")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_vouchers_campaign_id"),
        sa.ForeignKeyConstraint(
            ["claim_transfer_id"],
            ["transfers.id"],
            name="fk_vouchers_claim_transfer_id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], name="fk_vouchers_resident_id"),
        sa.ForeignKeyConstraint(["tier_id"], ["tiers.id"], name="fk_vouchers_tier_id"),
        sa.PrimaryKeyConstraint("id", name="pk_vouchers"),
    )
    op.create_index("ix_vouchers_resident_id", "vouchers", ["resident_id"])
    op.create_index(
        "ix_vouchers_unused_valid_until",
        "vouchers",
        ["valid_until"],
        sqlite_where=sa.text("status = 'unused'"),
        postgresql_where=sa.text("status = 'unused'"),
    )

    op.create_table(
        "orders",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("clerk_id", sa.Integer(), nullable=True),
        sa.Column("voucher_id", sa.BigInteger(), nullable=False),
        sa.Column("list_amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("merchant_discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("bank_discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("order_amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("payable_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("release_reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lock_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "entry IN ('placard', 'payment_code')", name=op.f("ck_orders_entry_known")
        ),
        sa.CheckConstraint(
            "status IN ('locked', 'redeemed', 'released')", name=op.f("ck_orders_status_known")
        ),
        sa.CheckConstraint(
            "discount_fen > 0 AND payable_fen >= 0 AND merchant_discount_fen >= 0"
            " AND bank_discount_fen >= 0",
            name=op.f("ck_orders_amount_signs"),
        ),
        sa.CheckConstraint(
            "list_amount_fen = order_amount_fen + merchant_discount_fen + bank_discount_fen",
            name=op.f("ck_orders_list_exact"),
        ),
        sa.CheckConstraint(
            "order_amount_fen = discount_fen + payable_fen", name=op.f("ck_orders_split_exact")
        ),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerks.id"], name="fk_orders_clerk_id"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name="fk_orders_merchant_id"),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], name="fk_orders_resident_id"),
        sa.ForeignKeyConstraint(["voucher_id"], ["vouchers.id"], name="fk_orders_voucher_id"),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("requested_by", "request_id", name="uq_orders_requested_by_request_id"),
    )
    op.create_index(
        "ix_orders_locked_expiry",
        "orders",
        ["lock_expires_at"],
        sqlite_where=sa.text("status = 'locked'"),
        postgresql_where=sa.text("status = 'locked'"),
    )
    op.create_index("ix_orders_merchant_status", "orders", ["merchant_id", "status"])
    op.create_index("ix_orders_resident_created", "orders", ["resident_id", "created_at"])
    op.create_index(
        "uq_orders_voucher_held",
        "orders",
        ["voucher_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('locked', 'redeemed')"),
        postgresql_where=sa.text("status IN ('locked', 'redeemed')"),
    )

    op.create_table(
        "payments",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'paid', 'closed')", name=op.f("ck_payments_status_known")
        ),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_payments_amount_sign")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_payments_order_id"),
        sa.PrimaryKeyConstraint("order_id", name="pk_payments"),
    )
    op.create_table(
        "redemptions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("voucher_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("clerk_id", sa.Integer(), nullable=False),
        sa.Column("order_amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("payable_fen", sa.BigInteger(), nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("transfer_id", sa.String(), nullable=False),
        sa.CheckConstraint(
            "discount_fen > 0 AND payable_fen >= 0", name=op.f("ck_redemptions_amount_signs")
        ),
        sa.CheckConstraint(
            "order_amount_fen = discount_fen + payable_fen", name=op.f("ck_redemptions_split_exact")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_redemptions_campaign_id"
        ),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerks.id"], name="fk_redemptions_clerk_id"),
        sa.ForeignKeyConstraint(["id"], ["orders.id"], name="fk_redemptions_id"),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_redemptions_merchant_id"
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name="fk_redemptions_resident_id"
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name="fk_redemptions_transfer_id"
        ),
        sa.ForeignKeyConstraint(["voucher_id"], ["vouchers.id"], name="fk_redemptions_voucher_id"),
        sa.PrimaryKeyConstraint("id", name="pk_redemptions"),
        sa.UniqueConstraint("transfer_id", name="uq_redemptions_transfer_id"),
        sa.UniqueConstraint("voucher_id", name="uq_redemptions_voucher_id"),
    )
    op.create_index(
        "ix_redemptions_merchant_day", "redemptions", ["merchant_id", "business_day", "redeemed_at"]
    )
    op.create_index(
        "ix_redemptions_resident_merchant_day",
        "redemptions",
        ["resident_id", "merchant_id", "business_day"],
    )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
