"""Every page of the console, with its guard, and the tables that jobs export."""

from backend.edge import guards
from backend.edge.console import (
    access,
    audit_log,
    campaigns,
    entries,
    exports,
    home,
    merchant_lists,
    merchant_reports,
    merchant_work,
    merchants,
    own_account,
    pages,
    partner_lists,
    permission_matrix,
    pledge_texts,
    residents,
    sign_in,
    staff_accounts,
    staff_checks,
    war_room,
)
from backend.edge.guards import Edge

PAGES = (
    home.blueprint,
    own_account.blueprint,
    exports.blueprint,
    merchants.blueprint,
    merchant_work.blueprint,
    merchant_reports.blueprint,
    merchant_lists.blueprint,
    partner_lists.blueprint,
    pledge_texts.blueprint,
    audit_log.blueprint,
    campaigns.blueprint,
    war_room.blueprint,
    residents.blueprint,
    entries.blueprint,
    staff_accounts.blueprint,
    staff_checks.blueprint,
    permission_matrix.blueprint,
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
        campaigns.TABLE,
        merchants.TABLE,
        merchant_lists.VERSIONS,
        merchant_lists.ENTRIES,
        partner_lists.TABLE,
        residents.TABLE,
        entries.TABLE,
        staff_accounts.TABLE,
    )
}
