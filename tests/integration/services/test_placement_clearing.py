"""Photos of placement checks go in time, unless the same file is still needed elsewhere."""

from backend.domain.errors import NotFound
from backend.services import approvals, audit, merchant_files, placement_clearing, placements
from tests import joining
from tests.factories import RESTAURANT, SUPERMARKET, City, MovableClock
from tests.subsidising import picture


def record(check_id: str, photo: bytes | None, merchant_id: str = SUPERMARKET) -> str:
    """Return the digest of the photo."""
    made = placements.record(
        check_id=check_id,
        merchant_id=merchant_id,
        material="poster",
        found=True,
        place="正门玻璃",
        actor="孙经办",
        photo=photo,
    )
    return made.photo_digest or ""


def is_kept(digest: str, merchant_id: str = SUPERMARKET) -> bool:
    try:
        merchant_files.read(digest, merchant_id=merchant_id, actor="审计")
    except NotFound:
        return False
    return True


def test_180_days_after_its_recording_a_photo_goes_and_the_check_stays(
    city: City, moment: MovableClock
) -> None:
    check = record("check-1", picture((71, 31)))
    record("check-2", None)
    moment.move(days=180, milliseconds=-1)
    assert placement_clearing.clear_due() == 0
    assert (is_kept(check), placements.cleared(SUPERMARKET)) == (True, set())
    moment.move(milliseconds=1)
    assert placement_clearing.clear_due() == 1
    assert placement_clearing.clear_due() == 0
    assert (is_kept(check), placements.cleared(SUPERMARKET)) == (False, {"check-1"})
    assert len(placements.list_checks(SUPERMARKET)) == 2
    acts = [(e.actor, e.subject, e.details) for e in audit.entries(action="placement.clear").each()]
    assert acts == [("jobs", SUPERMARKET, {"check_id": "check-1"})]


def test_a_file_that_a_later_check_shows_too_stays_until_that_ones_time(
    city: City, moment: MovableClock
) -> None:
    old = record("check-1", picture((72, 31)))
    moment.move(days=100)
    new = record("check-2", picture((72, 31)), RESTAURANT)
    assert old == new
    moment.move(days=80)
    assert placement_clearing.clear_due() == 1
    assert is_kept(new, RESTAURANT)
    moment.move(days=100)
    assert placement_clearing.clear_due() == 1
    assert not is_kept(new, RESTAURANT)


def test_evidence_of_a_merchants_step_stays(city: City, moment: MovableClock) -> None:
    shop = joining.reported(1)
    photo = picture((73, 31))
    approvals.screen(shop, "vetoed", office="tax", reason="欠税", evidence=photo, actor=joining.TAX)
    check = record("check-1", photo, shop)
    moment.move(days=180)
    assert placement_clearing.clear_due() == 1
    assert is_kept(check, shop)
