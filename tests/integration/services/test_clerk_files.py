"""Many clerks from one file: all of them, or nobody and every fault with its line."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.domain.clerk_files import ClerkFileRefused
from backend.domain.errors import NotFound
from backend.services import clerk_files, clerks
from backend.services.clerks import ClerkExists
from backend.storage.models.audit import AuditEntry
from backend.storage.models.merchants import Clerk
from tests.factories import RESTAURANT, SUPERMARKET, City, rows


def take(*lines: str, merchant_id: str = SUPERMARKET, name: str = "店员.csv") -> int:
    text = "\n".join(("姓名,手机号", *lines))
    return clerk_files.take(merchant_id, io.BytesIO(text.encode()), file_name=name, actor="li.wei")


def test_all_are_added_on_the_record(city: City) -> None:
    assert take("王一,13900001111", "王二,13900002222") == 2
    assert [(c.name, c.phone_last4, c.role) for c in rows(Clerk)] == [
        ("王一", "1111", "clerk"),
        ("王二", "2222", "clerk"),
    ]
    added = [e.actor for e in rows(AuditEntry) if e.action == "clerk.add"]
    assert added == ["li.wei", "li.wei"]


def test_one_wrong_line_adds_nobody_and_every_fault_is_told(city: City) -> None:
    clerks.add_clerk(merchant_id=RESTAURANT, name="李", phone="13900003333", actor="test")
    with pytest.raises(ClerkFileRefused) as refused:
        take("王一,13900001111", ",139", "王三,13900001111", "李,13900003333")
    assert [(f.line, f.where) for f in refused.value.faults] == [
        (3, "姓名"),
        (3, "手机号"),
        (4, "手机号"),
        (5, "手机号"),
    ]
    assert RESTAURANT in refused.value.faults[-1].reason
    assert [c.name for c in rows(Clerk)] == ["李"]


@pytest.mark.parametrize("name", ["店员.txt", "店员.xlsx"])
def test_a_file_of_another_form_is_refused(city: City, name: str) -> None:
    with pytest.raises(ClerkFileRefused):
        take("王一,13900001111", name=name)


def test_an_unknown_shop_and_a_file_too_large_are_refused(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound):
        take("王一,13900001111", merchant_id="TJ9999")
    monkeypatch.setattr(clerk_files, "MAX_FILE_BYTES", 10)
    with pytest.raises(ClerkFileRefused):
        take("王一,13900001111")


def test_the_same_file_sent_four_times_at_once_adds_each_once(city: City) -> None:
    def one(_: int) -> int:
        with city.app.app_context():
            try:
                return take("王一,13900001111", "王二,13900002222")
            except (ClerkFileRefused, ClerkExists):
                return 0

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, range(4))) == [0, 0, 0, 2]
    assert len(rows(Clerk)) == 2
