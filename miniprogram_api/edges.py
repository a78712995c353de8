"""The mini-program's blueprints: where each hangs and who may call it."""

from backend.edge.guards import Edge, public
from miniprogram_api.merchant.amount_codes import amount_codes
from miniprogram_api.merchant.charges import charges
from miniprogram_api.merchant.desk import desk
from miniprogram_api.merchant.entries import entries
from miniprogram_api.merchant.placards import placards
from miniprogram_api.merchant.redemptions import redemptions
from miniprogram_api.merchant.refunds import refunds
from miniprogram_api.merchant.settlements import settlements
from miniprogram_api.resident.campaigns import resident_campaigns
from miniprogram_api.resident.entries import resident_entries
from miniprogram_api.resident.merchants import merchants
from miniprogram_api.resident.orders import resident_orders
from miniprogram_api.resident.payment_codes import payment_codes
from miniprogram_api.resident.subsidies import subsidies
from miniprogram_api.resident.vouchers import vouchers
from miniprogram_api.session import clerk_guard, phones, resident_guard, sessions

RESIDENT = "/api/v1/resident"
MERCHANT = "/api/v1/merchant"

EDGES = (
    Edge(blueprint=sessions, prefix="/api/v1/sessions", guard=public),
    Edge(blueprint=phones, prefix=RESIDENT, guard=resident_guard),
    Edge(blueprint=resident_campaigns, prefix=RESIDENT, guard=resident_guard),
    Edge(blueprint=vouchers, prefix=RESIDENT, guard=resident_guard),
    Edge(blueprint=payment_codes, prefix=RESIDENT, guard=resident_guard),
    Edge(blueprint=merchants, prefix=RESIDENT, guard=resident_guard),
    Edge(blueprint=resident_orders, prefix=RESIDENT, guard=resident_guard),
    Edge(blueprint=subsidies, prefix=RESIDENT, guard=resident_guard),
    Edge(blueprint=resident_entries, prefix=RESIDENT, guard=resident_guard),
    Edge(blueprint=charges, prefix=MERCHANT, guard=clerk_guard),
    Edge(blueprint=amount_codes, prefix=MERCHANT, guard=clerk_guard),
    Edge(blueprint=redemptions, prefix=MERCHANT, guard=clerk_guard),
    Edge(blueprint=refunds, prefix=MERCHANT, guard=clerk_guard),
    Edge(blueprint=placards, prefix=MERCHANT, guard=clerk_guard),
    Edge(blueprint=entries, prefix=MERCHANT, guard=clerk_guard),
    Edge(blueprint=settlements, prefix=MERCHANT, guard=clerk_guard),
    Edge(blueprint=desk, prefix=MERCHANT, guard=clerk_guard),
)
