"""The desk's blueprints: where each hangs and who may call it."""

from backend.edge.guards import Edge, public
from backend.edge.merchant_web import (
    access,
    files,
    pages,
    pledge,
    records,
    sales,
    sign_in,
    staff,
    till,
)

EDGES = (
    Edge(blueprint=pages.assets, prefix=pages.PREFIX, guard=public),
    Edge(blueprint=sign_in.blueprint, prefix=pages.PREFIX, guard=access.form),
    Edge(blueprint=sign_in.closing, prefix=pages.PREFIX, guard=access.desk),
    Edge(blueprint=till.blueprint, prefix=pages.PREFIX, guard=access.desk),
    Edge(blueprint=sales.blueprint, prefix=pages.PREFIX, guard=access.desk),
    Edge(blueprint=records.blueprint, prefix=pages.PREFIX, guard=access.desk),
    Edge(blueprint=files.blueprint, prefix=pages.PREFIX, guard=access.desk),
    Edge(blueprint=staff.blueprint, prefix=pages.PREFIX, guard=access.desk),
    Edge(blueprint=pledge.blueprint, prefix=pages.PREFIX, guard=access.desk),
)
