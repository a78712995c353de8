"""Writing an outside file's lines, in the way that each database takes fastest."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from backend.storage.models.reconciliation import OutsideLine

COLUMNS = (
    *("file_id", "line", "record_type", "our_number", "outside_number"),
    *("merchant_number", "campaign_id", "at", "amount_fen", "discount_fen"),
)
Line = tuple[int, int, str, str, str | None, str | None, str | None, datetime, int, int | None]


def add_lines(session: Session, lines: Sequence[Line]) -> None:
    """Write lines in the order of COLUMNS; PostgreSQL copies them, a tenth of an INSERT's time."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        cursor: Any = connection.connection.cursor()  # psycopg's own, which can copy
        with cursor, cursor.copy(f"COPY outside_lines ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for line in lines:
                copy.write_row(line)
        return
    rows = [dict(zip(COLUMNS, line, strict=True)) for line in lines]
    session.execute(insert(OutsideLine), rows)
