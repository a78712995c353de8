"""0009 reconciliation: outside parties' files, their lines, results and the work list; lines
and events are never changed. Safe while the application runs: new tables that nobody reads yet."""

import sqlalchemy as sa
from alembic import op

revision = "0009_reconciliation"
down_revision = "0008_settlement"
NEVER_CHANGED = ("outside_lines", "reconciliation_events")


def upgrade() -> None:
    _create_files()
    _create_results()
    for table in NEVER_CHANGED:
        _add_triggers(table)


def _create_files() -> None:
    op.create_table(
        "outside_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("sum_fen", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=False),
        sa.Column("ours_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ours_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('wechat_bill', 'unionpay_zm', 'bank_detail')",
            name=op.f("ck_outside_files_kind_known"),
        ),
        sa.CheckConstraint(
            "(replaces_id IS NULL) = (reason IS NULL)",
            name=op.f("ck_outside_files_replaced_with_reason"),
        ),
        sa.CheckConstraint(
            "line_count >= 0 AND size_bytes >= 0", name=op.f("ck_outside_files_counts_sign")
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["outside_files.id"], name="fk_outside_files_replaces_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_outside_files"),
        sa.UniqueConstraint(
            "kind", "party", "day", "digest", name="uq_outside_files_kind_party_day_digest"
        ),
        sa.UniqueConstraint("replaces_id", name="uq_outside_files_replaces_id"),
    )
    op.create_index(
        "uq_outside_files_in_force",
        "outside_files",
        ["kind", "party", "day"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "outside_lines",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record_type", sa.String(), nullable=False),
        sa.Column("our_number", sa.String(), nullable=False),
        sa.Column("outside_number", sa.String(), nullable=True),
        sa.Column("merchant_number", sa.String(), nullable=True),
        sa.Column("campaign_id", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "record_type IN ('payment', 'refund', 'reversal')",
            name=op.f("ck_outside_lines_type_known"),
        ),
        sa.CheckConstraint(
            "amount_fen >= 0 AND discount_fen >= 0", name=op.f("ck_outside_lines_amount_signs")
        ),
        sa.ForeignKeyConstraint(["file_id"], ["outside_files.id"], name="fk_outside_lines_file_id"),
        sa.PrimaryKeyConstraint("file_id", "line", name="pk_outside_lines"),
        sa.UniqueConstraint(
            "file_id",
            "record_type",
            "our_number",
            name="uq_outside_lines_file_id_record_type_our_number",
        ),
    )
    op.create_index("ix_outside_lines_our_number", "outside_lines", ["our_number"], unique=False)


def _create_results() -> None:
    op.create_table(
        "reconciliation_sums",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("our_fen", sa.BigInteger(), nullable=False),
        sa.Column("their_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("count > 0", name=op.f("ck_reconciliation_sums_count_positive")),
        sa.ForeignKeyConstraint(
            ["file_id"], ["outside_files.id"], name="fk_reconciliation_sums_file_id"
        ),
        sa.PrimaryKeyConstraint("file_id", "result", name="pk_reconciliation_sums"),
    )
    op.create_table(
        "reconciliation_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("record_type", sa.String(), nullable=False),
        sa.Column("our_number", sa.String(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("differs", sa.String(), nullable=False),
        sa.Column("our_fen", sa.BigInteger(), nullable=True),
        sa.Column("their_fen", sa.BigInteger(), nullable=True),
        sa.Column("our_discount_fen", sa.BigInteger(), nullable=True),
        sa.Column("their_discount_fen", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("explained_by", sa.String(), nullable=True),
        sa.Column("resolved_by", sa.String(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('wechat_bill', 'unionpay_zm', 'bank_detail')",
            name=op.f("ck_reconciliation_items_kind_known"),
        ),
        sa.CheckConstraint(
            "record_type IN ('payment', 'refund', 'reversal')",
            name=op.f("ck_reconciliation_items_type_known"),
        ),
        sa.CheckConstraint(
            "result IN ('only_ours', 'only_theirs', 'amount_differs', 'detail_differs')",
            name=op.f("ck_reconciliation_items_result_known"),
        ),
        sa.CheckConstraint(
            "state <> 'resolved' OR result = 'detail_differs'"
            " OR (resolved_by IS NOT NULL AND resolved_by <> explained_by)",
            name=op.f("ck_reconciliation_items_two_people_for_money"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'explained', 'resolved', 'closed')",
            name=op.f("ck_reconciliation_items_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('explained', 'resolved')"
            " OR (explained_by IS NOT NULL AND reason IS NOT NULL)",
            name=op.f("ck_reconciliation_items_explained_with_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["outside_files.id"], name="fk_reconciliation_items_file_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_items"),
        sa.UniqueConstraint(
            "kind",
            "party",
            "record_type",
            "our_number",
            name="uq_reconciliation_items_kind_party_record_type_our_number",
        ),
    )
    op.create_index(
        "ix_reconciliation_items_waiting",
        "reconciliation_items",
        ["kind", "party"],
        unique=False,
        sqlite_where=sa.text("state IN ('open', 'explained')"),
        postgresql_where=sa.text("state IN ('open', 'explained')"),
    )
    op.create_table(
        "reconciliation_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["reconciliation_items.id"], name="fk_reconciliation_events_item_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_events"),
    )
    op.create_index(
        "ix_reconciliation_events_item_id", "reconciliation_events", ["item_id"], unique=False
    )


def _add_triggers(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON {table} EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table} rows are never changed'); END"
        )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
