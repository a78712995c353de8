"""Who has a bound card, for claims: a set in memory that is at most a second old.

A claim of a campaign that wants a card asks it about one resident, so neither the claim lane nor
Valkey looks anything up. Only what changed is read each second, and everything once a minute.
"""

import threading
import time
from collections.abc import Set

from sqlalchemy import func, select

from backend.extensions import db
from backend.services.cards import IS_BOUND_CARD
from backend.services.snapshots import Snapshots
from backend.storage.models.residents import CardAct, ResidentIdentity

WHOLE_EVERY_S = 60.0
# Numbers are given before their commit, so a lower one may appear after a higher: so many are read
# again each time.
OVERLAP = 500


class _Holders:
    """The set, kept up to date; one reading at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Read everything anew."""
        self._residents: set[int] = set()
        self._known_to = 0
        self._whole_at_s = float("-inf")

    def read(self, _all: str) -> Set[int]:
        """Return everybody who has a bound card now."""
        with self._lock:
            now_s = time.monotonic()
            newest = db.session.scalar(select(func.max(CardAct.id))) or 0
            if now_s - self._whole_at_s >= WHOLE_EVERY_S:
                found = select(ResidentIdentity.resident_id).where(*IS_BOUND_CARD)
                self._residents = set(db.session.scalars(found))
                self._whole_at_s = now_s
            else:
                self._read_changes()
            self._known_to = newest
            return self._residents

    def _read_changes(self) -> None:
        recent = select(CardAct.resident_id).where(CardAct.id > self._known_to - OVERLAP)
        touched = set(db.session.scalars(recent))
        if not touched:
            return
        bound = select(ResidentIdentity.resident_id).where(
            ResidentIdentity.resident_id.in_(recent), *IS_BOUND_CARD
        )
        still = set(db.session.scalars(bound))
        # In place, and nobody who has a card is absent in between: claims ask meanwhile.
        self._residents |= still
        self._residents -= touched - still


ALL = "all"  # the only key
_holders = _Holders()
SNAPSHOTS: Snapshots[str, Set[int]] = Snapshots(_holders.read)


def forget() -> None:
    """Read everything anew at the next claim."""
    _holders.forget()
    SNAPSHOTS.forget()
