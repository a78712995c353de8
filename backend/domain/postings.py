"""The chart of accounts and the movements of money between them.

    appropriated -> available     appropriation   the city gives money to a fund's quarter
    available    -> appropriated  withdrawal      the city takes back what no campaign has
    available    -> committed     commitment      an approved campaign takes its amount
    committed    -> available     return          a campaign gives back what it will not spend
    committed    -> locked        claim           a resident holds a voucher
    locked       -> spent         redemption      the voucher was used
    locked       -> committed     expiry          a voucher ran out unused, or was not used in full
    spent        -> committed     refund          the subsidy's part of what a customer got back
    spent        -> locked        reversal        a redemption was undone: the voucher is held again
    committed    -> locked        restoration     what that redemption had left unused of its face
    committed    -> spent         spending        money spent without a voucher: entries, subsidies,
                                                  what was spent before the system began

So for every fund, quarter and campaign, at any moment:
    appropriated = available + committed + locked + spent.
A pot is the money of one fund and quarter (`available`) or of one campaign (the other three).
Earlier spending that belongs to no campaign has `committed` and `spent` of the quarter itself.
"""

from dataclasses import dataclass
from typing import Literal

AccountKind = Literal["appropriated", "available", "committed", "locked", "spent"]
TransferKind = Literal[
    "appropriation",
    "withdrawal",
    "commitment",
    "return",
    "claim",
    "redemption",
    "expiry",
    "refund",
    "reversal",
    "restoration",
    "spending",
]

MOVES: dict[TransferKind, tuple[AccountKind, AccountKind]] = {
    "appropriation": ("appropriated", "available"),
    "withdrawal": ("available", "appropriated"),
    "commitment": ("available", "committed"),
    "return": ("committed", "available"),
    "claim": ("committed", "locked"),
    "redemption": ("locked", "spent"),
    "expiry": ("locked", "committed"),
    "refund": ("spent", "committed"),
    "reversal": ("spent", "locked"),
    "restoration": ("committed", "locked"),
    "spending": ("committed", "spent"),
}
POT_KINDS: tuple[AccountKind, ...] = ("appropriated", "available")
CAMPAIGN_KINDS: tuple[AccountKind, ...] = ("committed", "locked", "spent")


def pot_account(fund_id: str, quarter: str | None, kind: AccountKind) -> str:
    """Return the id of an account of a fund's quarter (or of a fund that has no quarters)."""
    return f"fund:{fund_id}:{quarter or 'year'}:{kind}"


def campaign_account(campaign_id: str, kind: AccountKind) -> str:
    """Return the id of an account of a campaign."""
    return f"campaign:{campaign_id}:{kind}"


@dataclass(frozen=True, kw_only=True)
class Posting:
    """One transfer to be written. `id` is the caller's: the same id is written once."""

    id: str
    kind: TransferKind
    from_account_id: str
    to_account_id: str
    amount_fen: int


def campaign_posting(kind: TransferKind, campaign_id: str, amount_fen: int, *, id: str) -> Posting:
    """Build a movement between two accounts of one campaign (claim, redemption, refund …)."""
    source, target = MOVES[kind]
    return Posting(
        id=id,
        kind=kind,
        from_account_id=campaign_account(campaign_id, source),
        to_account_id=campaign_account(campaign_id, target),
        amount_fen=amount_fen,
    )


@dataclass(frozen=True, kw_only=True)
class Balances:
    """The five figures of a fund, quarter or campaign, in fen."""

    appropriated_fen: int = 0
    available_fen: int = 0
    committed_fen: int = 0
    locked_fen: int = 0
    spent_fen: int = 0

    @property
    def conserved(self) -> bool:
        """Whether the identity holds and no pot is below zero."""
        parts = (self.available_fen, self.committed_fen, self.locked_fen, self.spent_fen)
        return sum(parts) == self.appropriated_fen and min(parts) >= 0


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing in the books that does not agree. Amounts in fen."""

    where: str
    what: str
    expected_fen: int
    found_fen: int
