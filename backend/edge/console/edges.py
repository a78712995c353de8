"""Every page of the console, with its guard, and the tables that jobs export."""

from backend.edge import guards
from backend.edge.console import (
    access,
    audit_log,
    exports,
    home,
    merchants,
    orders,
    own_account,
    pages,
    payment_cases,
    payout_accounts,
    payouts,
    reconciliation,
    refunds,
    settlements,
    sign_in,
    war_room,
)
from backend.edge.guards import Edge

PAGES = (
    home.blueprint,
    own_account.blueprint,
    exports.blueprint,
    merchants.blueprint,
    orders.redemptions,
    orders.blueprint,
    refunds.blueprint,
    refunds.of_proposals,
    refunds.of_paybacks,
    payment_cases.blueprint,
    settlements.blueprint,
    settlements.holds,
    payouts.blueprint,
    payout_accounts.blueprint,
    reconciliation.blueprint,
    reconciliation.items,
    audit_log.blueprint,
    war_room.blueprint,
)
EDGES = (
    Edge(blueprint=pages.assets, prefix=pages.PREFIX, guard=guards.public),
    Edge(blueprint=sign_in.blueprint, prefix=pages.PREFIX, guard=guards.public),
    *(Edge(blueprint=page, prefix=pages.PREFIX, guard=access.staff) for page in PAGES),
)
TABLES = {
    table.name: table
    for table in (
        audit_log.TABLE,
        merchants.TABLE,
        orders.ORDERS,
        orders.REDEMPTIONS,
        refunds.REFUNDS,
        refunds.PROPOSALS,
        refunds.PAYBACKS,
        payment_cases.CASES,
        settlements.SHEETS,
        settlements.HOLDS,
        payouts.FILES,
        payout_accounts.ACCOUNTS,
        reconciliation.FILES,
        reconciliation.ITEMS,
    )
}
