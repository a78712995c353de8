"""The ledger's proof finds what it must find."""

import threading

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from backend import clock
from backend.domain.postings import campaign_posting
from backend.extensions import db
from backend.services import ledger, orders, redemptions, vouchers
from backend.services.orders import Amounts
from backend.storage.models.campaigns import Tier
from backend.storage.models.ledger import Transfer
from backend.storage.models.vouchers import Voucher
from backend.storage.queries.ledger import add_transfer
from backend.storage.sql import transaction
from tests.factories import MAY, SUPERMARKET, City, MovableClock, drain, new_request, rows


def scope(kind: str, name: str) -> tuple[int, ...]:
    b = next(s for s in ledger.check().scopes if (s.kind, s.name) == (kind, name)).balances
    return (b.appropriated_fen, b.available_fen, b.committed_fen, b.locked_fen, b.spent_fen)


def test_the_sample_is_appropriated_to_the_fen_and_nothing_is_left_over(city: City) -> None:
    result = ledger.check()
    assert result.differences == ()
    funds = {s.name: s.balances.appropriated_fen for s in result.scopes if s.kind == "fund"}
    assert funds == {"FUND93": 93_000_000, "GATE": 17_500_000}
    assert scope("quarter", "FUND93/Q2") == (25_000_000, 12_900_000, 12_100_000, 0, 0)
    assert scope("campaign", MAY) == (12_100_000, 0, 12_100_000, 0, 0)


def test_claim_redemption_and_expiry_move_the_face_value_and_the_identity_holds(
    city: City, moment: MovableClock
) -> None:
    buyer, sleeper, clerk = city.resident(), city.resident(), city.clerk()
    city.claim(buyer, tier=3)
    city.claim(sleeper, tier=2)
    drain()
    assert scope("campaign", MAY) == (12_100_000, 0, 12_088_000, 12_000, 0)
    order = orders.create_at_placard(
        resident_id=buyer.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=30_000),
    )
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    assert scope("campaign", MAY)[3:] == (3_000, 9_000)
    moment.move(days=7)
    assert vouchers.expire_due() == 1
    assert vouchers.expire_due() == 0
    assert scope("campaign", MAY) == (12_100_000, 0, 12_091_000, 0, 9_000)
    assert scope("fund", "FUND93")[3:] == (0, 9_000)
    assert ledger.check().differences == ()


def test_a_transfer_written_behind_the_rows_is_found(city: City) -> None:
    with transaction() as session:
        add_transfer(session, campaign_posting("claim", MAY, 1, id="forged"), at=clock.now())
    found = {difference.what for difference in ledger.check().differences}
    assert found == {"claim: its vouchers", "locked: its rows and its account"}


def test_a_voucher_whose_face_was_changed_is_found(city: City) -> None:
    city.claim(city.resident())
    drain()
    with transaction() as session:
        session.execute(update(Voucher).values(face_value_fen=Voucher.face_value_fen + 1))
    assert len(ledger.check().differences) == 2


def test_a_tier_count_that_was_changed_is_found(city: City) -> None:
    with transaction() as session:
        session.execute(update(Tier).where(Tier.campaign_id == MAY).values(claimed_count=1))
    assert len(ledger.check().differences) == 3


def test_overspending_a_pot_is_found_even_when_sums_agree(city: City) -> None:
    with transaction() as session:
        posting = campaign_posting("redemption", MAY, 1, id="forged")  # out of an empty account
        add_transfer(session, posting, at=clock.now())
    wheres = {difference.where for difference in ledger.check().differences}
    assert f"campaign {MAY}" in wheres


def test_the_same_transfer_id_is_written_once(city: City) -> None:
    posting = campaign_posting("claim", MAY, 100, id="once")

    def write() -> None:
        with transaction() as session:
            add_transfer(session, posting, at=clock.now())

    write()
    with pytest.raises(IntegrityError):
        write()
    assert len([t for t in rows(Transfer) if t.id == "once"]) == 1


def test_the_database_itself_refuses_to_change_or_delete_a_transfer(city: City) -> None:
    for statement in ("UPDATE transfers SET amount_fen = 1", "DELETE FROM transfers"):
        with pytest.raises(DatabaseError, match="never changed"):
            db.session.execute(text(statement))
        db.session.rollback()


def test_the_check_sees_one_moment_while_money_moves(city: City) -> None:
    """Read in two moments, redemptions in between would look like differences."""
    bought = []
    for _ in range(20):
        person, clerk = city.resident(), city.clerk()
        city.claim(person, tier=3)
        bought.append((person, clerk))
    drain()
    over = threading.Event()

    def pay() -> None:
        with city.app.app_context():
            for person, clerk in bought:
                order = orders.create_at_placard(
                    resident_id=person.id,
                    request_id=new_request(),
                    placard_code=city.placard[SUPERMARKET],
                    amounts=Amounts(order_amount_fen=32_000),
                )
                redemptions.confirm_paid(
                    order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id
                )
            over.set()

    paying = threading.Thread(target=pay)
    paying.start()
    looks = 0
    while not over.is_set() or not looks:
        assert ledger.check().differences == ()
        looks += 1
    paying.join()
    assert looks > 1
