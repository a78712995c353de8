"""Migrations: one line of them, and what they make is what the models say, on both databases."""

import ast
import re
from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from apiflask import APIFlask
from sqlalchemy import CheckConstraint, Executable, inspect, text
from sqlalchemy.exc import DBAPIError

from backend import clock
from backend.extensions import db
from backend.services import (
    amount_codes,
    audit_seals,
    bank_tills,
    budget_proposals,
    budgets,
    campaigns,
    checks,
    complaints,
    orders,
    redemptions,
)
from backend.services.orders import Amounts
from backend.storage import migrations
from backend.storage.models.budgets import (
    FundReport,
    SpendingDecision,
    SpendingImport,
    SpendingRecord,
)
from backend.storage.models.campaigns import Recycling
from backend.storage.models.onboarding import PlacementCheck, PlacementClearing
from backend.storage.models.payouts import PayoutFile, PayoutReturn
from backend.storage.models.settlements import SettlementRun
from backend.storage.sql import transaction
from tests.bank_details import compare_unknown_line_of_yesterday
from tests.bank_parts import propose_one_merchant
from tests.complaining import file_one
from tests.entering import undo_one
from tests.factories import MAY, SUPERMARKET, City, new_request
from tests.integration.services.instant_city import run_instant
from tests.integration.services.refunding import refund_by_staff
from tests.joining import join_one
from tests.pushing import push_one
from tests.settling import sheet_of_today
from tests.subsidising import list_one

FOLDER = Path(migrations.__path__[0])
FILES = sorted(file for file in (FOLDER / "versions").glob("*.py") if file.stem != "__init__")
APPEND_ONLY = (
    *("transfers", "redemptions", "merchant_list_versions", "merchant_list_entries"),
    *("audit_entries", "recyclings"),
    *("settlement_steps", "settlement_runs", "payout_files", "payout_returns"),
    *("audit_entries", "recyclings", "outside_lines", "reconciliation_events"),
    *("budget_changes", "budget_decisions", "count_changes", "fund_reports"),
    *("spending_imports", "spending_records", "spending_decisions"),
    *("card_acts", "reversals", "refunds"),
    *("entry_undos", "subsidy_steps", "subsidy_payouts", "merchant_proposals", "wechat_pushes"),
    *("audit_seals", "amount_codes", "complaint_steps"),
    *("pledge_texts", "pledges", "merchant_reports", "partner_lists"),
    *("merchant_steps", "placement_checks", "placement_clearings"),
    *("campaign_submissions", "campaign_decisions"),
    "check_runs",
)


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return ScriptDirectory.from_config(config)


def test_there_is_one_line_of_migrations_without_branches() -> None:
    line = list(reversed(list(scripts().walk_revisions())))
    assert len(scripts().get_heads()) == len(scripts().get_bases()) == 1
    assert [script.revision for script in line] == [file.stem for file in FILES]
    assert not any(script.is_branch_point or script.is_merge_point for script in line)


def test_a_migration_is_numbered_in_its_place_and_named_as_its_file() -> None:
    for number, file in enumerate(FILES, start=1):
        assert re.fullmatch(rf"{number:04d}_[a-z0-9_]+", file.stem), file.name
        assert scripts().get_revision(file.stem).revision == file.stem


def test_a_migration_imports_nothing_of_ours() -> None:
    """Models change; what was migrated yesterday must not change with them."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            tops = {name.partition(".")[0] for name in names}
            assert tops <= {"alembic", "sqlalchemy", "collections"}, file.name


def test_running_the_migrations_makes_exactly_the_models_tables(app: APIFlask) -> None:
    with db.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, db.metadata) == []


def test_running_the_migrations_makes_exactly_the_models_check_constraints(app: APIFlask) -> None:
    inspector = inspect(db.engine)
    for table in db.metadata.sorted_tables:
        modelled = {c.name for c in table.constraints if isinstance(c, CheckConstraint)}
        made = {check["name"] for check in inspector.get_check_constraints(table.name)}
        assert made == modelled, table.name


def test_both_databases_check_the_same_conditions(apps: dict[str, APIFlask]) -> None:
    """PostgreSQL writes conditions in words of its own, so they are compared by what they name."""
    found = []
    for app in apps.values():
        with app.app_context():
            inspector = inspect(db.engine)
            found.append(
                {
                    (table.name, check["name"]): sorted(set(_names(table.c, check["sqltext"])))
                    for table in db.metadata.sorted_tables
                    for check in inspector.get_check_constraints(table.name)
                }
            )
    assert found[0] == found[1]
    assert len(found[0]) > 20


def _names(columns: object, condition: str) -> list[str]:
    known = {column.name for column in columns}  # type: ignore[attr-defined]  # SQLAlchemy's own
    return [word for word in re.findall(r"\w+", condition) if word in known]


def redeem_one(city: City) -> None:
    """Fill every append-only table: SQLite's triggers fire for rows, not for statements."""
    resident, clerk = city.resident(), city.clerk()
    city.claim(resident)
    order = orders.create_at_placard(
        resident_id=resident.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=20_000),
    )
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    city.bind_card(resident)
    push_one(resident)
    amount_codes.issue(
        merchant_id=SUPERMARKET, clerk_id=clerk.id, order_amount_fen=1, request_id=new_request()
    )
    complaints.assign(file_one().number, office="bureau", actor="test")
    reverse_one(city)
    with transaction() as session:
        tier_id = campaigns.terms(MAY).tiers[0].id
        batch = Recycling(campaign_id=MAY, number=1, tier_id=tier_id, units=1)
        batch.recycled_at = clock.now()
        session.add(batch)
    refund_by_staff(order.id, 10_000)
    settle_one()
    compare_unknown_line_of_yesterday()
    _change_one_budget()
    propose_one_merchant()
    undo_one(city)
    list_one(city)
    join_one()
    _clear_one_placement()
    audit_seals.seal_due()
    checks.run("ledger")
    db.session.rollback()


def _clear_one_placement() -> None:
    with transaction() as session:
        check = session.query(PlacementCheck).first()
        assert check is not None
        session.add(PlacementClearing(check_id=check.id, cleared_at=clock.now()))


def settle_one() -> None:
    sheet_of_today()
    with transaction() as session:
        run = SettlementRun(through_day=clock.today(), finished_at=clock.now(), sheet_count=1)
        file = PayoutFile(number="F1", day=clock.today(), layout="示例", digest="0" * 64)
        file.line_count, file.amount_fen, file.content_encrypted = 1, 1, b"-"
        file.made_by, file.made_at = "test", clock.now()
        answer = PayoutReturn(file_number="F1", digest="0" * 64, taken_by="test")
        answer.paid_count = answer.failed_count = answer.paid_fen = answer.failed_fen = 0
        answer.taken_at = clock.now()
        session.add_all([run, file])
        session.flush()
        session.add(answer)


def _change_one_budget() -> None:
    budget_proposals.propose_tiers(
        "B1", campaign_id=MAY, expected_fen=12_100_000, counts={1: 2501}, reason="x", actor="a"
    )
    budgets.confirm("B1", actor="b")
    at, day = clock.now(), clock.today()
    import_ = {"id": "S1", "fund_id": "FUND93", "file_name": "x", "file_digest": "x"}
    record = {"import_id": "S1", "record_number": "1", "line": 2, "payee": "x", "note": ""}
    refusal = {"import_id": "S1", "proposed_by": "a", "decision": "refused", "decided_by": "b"}
    report = {"as_of": day, "edition": 1, "digest": "x", "figures": "{}", "made_by": "a"}
    for row in (
        SpendingImport(**import_, total_fen=1, reason="x", proposed_by="a", proposed_at=at),
        SpendingRecord(**record, business_day=day, amount_fen=1),
        SpendingDecision(**refusal, decided_at=at),
        FundReport(**report, made_at=at),
    ):
        with transaction() as session:
            session.add(row)


def reverse_one(city: City) -> None:
    run_instant()
    card_token = city.bind_card(city.resident())
    number = new_request()
    bank_tills.confirm(
        partner_id="BANK01",
        request_number=number,
        card_token=card_token,
        merchant_id=SUPERMARKET,
        amounts=Amounts(order_amount_fen=20_000),
    )
    bank_tills.reverse(partner_id="BANK01", request_number=number, reason="顾客退货")


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_what_was_written_is_neither_changed_nor_deleted_in_the_database(
    city: City, table: str
) -> None:
    redeem_one(city)
    rows = db.metadata.tables[table]
    same = {column.name: column for column in rows.primary_key}
    before = _rows(table)
    assert before
    changes: list[Executable] = [rows.update().values(same), rows.delete()]
    if db.engine.dialect.name == "postgresql":
        changes.append(text(f"TRUNCATE {table} CASCADE"))
    for statement in changes:
        with (
            db.engine.connect() as connection,
            pytest.raises(DBAPIError, match="never changed"),
        ):
            connection.execute(statement)
    assert _rows(table) == before


def _rows(table: str) -> list[object]:
    with db.engine.connect() as connection:
        return list(connection.execute(db.metadata.tables[table].select()))


def test_the_tables_that_are_never_changed_are_those_that_have_triggers(app: APIFlask) -> None:
    sqlite = "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger'"
    postgresql = "SELECT DISTINCT event_object_table FROM information_schema.triggers"
    with db.engine.connect() as connection:
        query = sqlite if connection.dialect.name == "sqlite" else postgresql
        assert set(connection.scalars(text(query))) == set(APPEND_ONLY)


def test_a_downgrade_is_refused_and_changes_nothing(city: City) -> None:
    head = scripts().get_current_head()
    with pytest.raises(SystemExit):
        flask_migrate.downgrade(revision="base")
    with db.engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == head
    assert _rows("programmes")
    for file in FILES:
        with pytest.raises(NotImplementedError, match="never dropped"):
            scripts().get_revision(file.stem).module.downgrade()
