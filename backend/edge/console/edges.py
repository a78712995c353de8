"""Every page of the console, with its guard, and the tables that jobs export."""

from backend.edge import guards
from backend.edge.console import (
    access,
    audit_log,
    campaigns,
    exports,
    home,
    merchants,
    own_account,
    pages,
    sign_in,
    war_room,
)
from backend.edge.guards import Edge

PAGES = (
    home.blueprint,
    own_account.blueprint,
    exports.blueprint,
    merchants.blueprint,
    audit_log.blueprint,
    campaigns.blueprint,
    war_room.blueprint,
)
EDGES = (
    Edge(blueprint=pages.assets, prefix=pages.PREFIX, guard=guards.public),
    Edge(blueprint=sign_in.blueprint, prefix=pages.PREFIX, guard=guards.public),
    *(Edge(blueprint=page, prefix=pages.PREFIX, guard=access.staff) for page in PAGES),
)
TABLES = {table.name: table for table in (audit_log.TABLE, campaigns.TABLE, merchants.TABLE)}
