"""The chart of accounts."""

from backend.domain.postings import MOVES, Balances, campaign_posting, pot_account


def test_every_movement_but_the_first_starts_where_another_ends() -> None:
    """A withdrawal goes back to the city, where no movement but the first begins."""
    assert MOVES["withdrawal"] == MOVES["appropriation"][::-1]
    reached = {target for kind, (_, target) in MOVES.items() if kind != "withdrawal"}
    assert {source for source, _ in MOVES.values()} - reached == {"appropriated"}
    assert all(source != target for source, target in MOVES.values())


def test_a_claim_moves_from_committed_to_locked_of_its_campaign() -> None:
    posting = campaign_posting("claim", "Q2-MAY", 3_000, id="c1")
    assert (posting.from_account_id, posting.to_account_id) == (
        "campaign:Q2-MAY:committed",
        "campaign:Q2-MAY:locked",
    )


def test_a_fund_without_quarters_has_a_pot_of_the_year() -> None:
    assert pot_account("GATE", None, "available") == "fund:GATE:year:available"
    assert pot_account("FUND93", "Q1", "available") == "fund:FUND93:Q1:available"


def test_balances_are_conserved_only_when_they_add_up_and_none_is_negative() -> None:
    good = Balances(
        appropriated_fen=100, available_fen=10, committed_fen=20, locked_fen=30, spent_fen=40
    )
    assert good.conserved
    assert not Balances(appropriated_fen=100, available_fen=99).conserved
    assert not Balances(appropriated_fen=100, available_fen=101, spent_fen=-1).conserved
