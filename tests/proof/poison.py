"""Putting a text into every field of the database that holds words of people.

Whatever way in a text has found, and whatever will be checked tomorrow: pages and files must show
it dead. So nothing is asked here; checks and triggers are switched off for the moment.
"""

import json
import re
from typing import Any

from sqlalchemy import Column, String

from backend.extensions import db
from backend.services import blocks, campaigns

# Names of columns that hold codes of ours, numbers or digests; all other texts are people's words.
CODES = re.compile(
    r".*(_id|_ids|_hash|_digest|_last4|_number|_numbers|_screening|_url|_status|_type)"
    r"|id|act|action|answer|applied_for|category|code|data|decision|differs|digest|entry|event|faults"
    r"|figures|hash|kind|last4|layout|login_name|material|mode|month|number|numbered_by|outcome"
    r"|on_full_refund|ended_why|party|payment_provider|provider|quarter|record_type|release_reason"
    r"|requested_by|result|role|state|status|step|to_quarter|openid|uscc|asked_by|table_name"
)
LISTS = {("audit_entries", "details"), ("campaign_submissions", "faults")}  # words within JSON


def words() -> list[Column[Any]]:
    """Return the columns that hold words of people."""
    return [
        column
        for table in db.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, String)
        and not (column.primary_key or column.foreign_keys or CODES.fullmatch(column.name))
        and (table.name, column.name) not in CODES_HERE
    ]


# Names that hold words of people elsewhere.
CODES_HERE = {
    ("exports", "title"),
    ("complaints", "office"),
    ("complaint_steps", "office"),
    ("merchant_steps", "office"),
}


def everywhere(text: str) -> int:
    """Fill all words with a text; return how many columns that were. On SQLite alone."""
    columns = words()
    db.session.remove()
    raw = db.engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        triggers = cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for (name,) in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        for column in columns:
            table, name = column.table.name, column.name
            statement = f"UPDATE {table} SET {name} = ? || rowid WHERE {name} IS NOT NULL"  # noqa: S608 - names of ours
            cursor.execute(statement, (text,))
        for table, name in LISTS:
            _within(cursor, table, name, text)
        cursor.execute("COMMIT") if raw.driver_connection.in_transaction else None
        cursor.execute("PRAGMA ignore_check_constraints = OFF")
        cursor.execute("PRAGMA foreign_keys = ON")
    finally:
        raw.close()
    campaigns.forget_snapshots()
    blocks.SNAPSHOTS.forget()
    return len(columns)


def _within(cursor: Any, table: str, name: str, text: str) -> None:
    found = cursor.execute(f"SELECT rowid, {name} FROM {table}").fetchall()  # noqa: S608 - names of ours
    for rowid, value in found:
        changed = json.dumps(_filled(json.loads(value or "null"), text))
        cursor.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (changed, rowid))  # noqa: S608 - the same


def _filled(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, text) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, text) for one in value]
    return text if isinstance(value, str) else value
