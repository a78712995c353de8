"""0016 partners: keys, addresses, used nonces, numbered requests, proposed merchants. New tables
alone: safe while the application runs."""

import sqlalchemy as sa
from alembic import op

revision = "0016_partners"
down_revision = "0015_subsidies"

QUALIFIED = sa.text("state = 'bank_qualified'")


def upgrade() -> None:
    op.create_table(
        "partners",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_partners"),
    )
    _create_keys()
    op.create_table(
        "partner_addresses",
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name="fk_partner_addresses_partner_id"
        ),
        sa.PrimaryKeyConstraint("partner_id", "network", name="pk_partner_addresses"),
    )
    op.create_table(
        "partner_nonces",
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name="fk_partner_nonces_partner_id"
        ),
        sa.PrimaryKeyConstraint("partner_id", "nonce", name="pk_partner_nonces"),
    )
    op.create_index("ix_partner_nonces_seen_at", "partner_nonces", ["seen_at"])
    _create_requests()
    _create_proposals()
    _add_triggers("merchant_proposals")


def _create_keys() -> None:
    op.create_table(
        "partner_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("secret_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_by", sa.String(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('proposed', 'active', 'retired')", name="state_known"),
        sa.CheckConstraint("(state = 'active') = (slot IS NOT NULL)", name="active_has_slot"),
        sa.CheckConstraint("slot BETWEEN 1 AND 2", name="slot_in_range"),
        sa.CheckConstraint("state <> 'active' OR confirmed_by IS NOT NULL", name="confirmed"),
        sa.CheckConstraint("confirmed_by <> proposed_by", name="two_people"),
        sa.ForeignKeyConstraint(["partner_id"], ["partners.id"], name="fk_partner_keys_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_partner_keys"),
        sa.UniqueConstraint("partner_id", "slot", name="uq_partner_keys_partner_id_slot"),
    )


def _create_requests() -> None:
    op.create_table(
        "partner_requests",
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("request_number", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('running', 'done')", name="state_known"),
        sa.CheckConstraint(
            "(state = 'done') = (answer IS NOT NULL) AND (state = 'done') = (done_at IS NOT NULL)",
            name="done_has_answer",
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name="fk_partner_requests_partner_id"
        ),
        sa.PrimaryKeyConstraint("partner_id", "request_number", name="pk_partner_requests"),
    )


def _create_proposals() -> None:
    op.create_table(
        "merchant_proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("request_number", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("uscc", sa.String(), nullable=False),
        sa.Column("merchant_number", sa.String(), nullable=False),
        sa.Column("terminal_numbers", sa.String(), nullable=False),
        sa.Column("domain_id", sa.String(), nullable=False),
        sa.Column("area", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("faults", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('bank_qualified', 'refused')", name="state_known"),
        sa.CheckConstraint("(state = 'refused') = (faults <> '')", name="refused_with_faults"),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name="fk_merchant_proposals_partner_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_merchant_proposals"),
        sa.UniqueConstraint(
            "partner_id",
            "request_number",
            "line",
            name="uq_merchant_proposals_partner_id_request_number_line",
        ),
    )
    for column in ("uscc", "merchant_number"):
        op.create_index(
            f"uq_merchant_proposals_{column}",
            "merchant_proposals",
            [column],
            unique=True,
            sqlite_where=QUALIFIED,
            postgresql_where=QUALIFIED,
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
