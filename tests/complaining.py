"""Complaints for tests."""

import itertools
from typing import Any

from backend.domain.complaints import Words
from backend.services import complaints
from backend.storage.models.complaints import Complaint

PHONE = "13845671234"
_numbers = itertools.count(1)


def words(**changes: Any) -> Words:
    """Return what somebody would hand in, on a form of its own."""
    given = {
        "form_id": f"{next(_numbers):032x}",
        "category": "refused",
        "text": "店里说不收券，让我付全款。",
        "phone": PHONE,
    }
    return Words(**{**given, **changes})


def file_one(**changes: Any) -> Complaint:
    """Hand a complaint in."""
    return complaints.file(words(**changes))
