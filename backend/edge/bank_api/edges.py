"""The partner bank interface: its blueprints, all behind the guard of signed calls."""

from backend.edge.bank_api import cards, discounts, files, heartbeat, merchants
from backend.edge.bank_api.signature import partner_guard, sign
from backend.edge.guards import Edge

PREFIX = "/bank/v1"
MODULES = (heartbeat, discounts, merchants, cards, files)

for module in MODULES:
    module.blueprint.after_request(sign)

EDGES = tuple(
    Edge(blueprint=module.blueprint, prefix=PREFIX, guard=partner_guard) for module in MODULES
)
