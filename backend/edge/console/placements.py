"""Placement checks (张贴检查): what staff saw in all shops; recorded on a shop's own page."""

from typing import TYPE_CHECKING, Annotated

from flask import Response
from pydantic import Field

from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, permitted
from backend.edge.console.cells import Badge, Link
from backend.edge.console.tables import Column, Filter, Table
from backend.services import placements
from backend.services.listings import Listing
from backend.services.placements import MATERIAL_NAMES

if TYPE_CHECKING:
    from backend.storage.models.onboarding import PlacementCheck

blueprint = ConsoleBlueprint("placements", __name__)


class CheckFilter(Filter):
    """Which checks are wanted."""

    merchant: Annotated[str, Field(title="商户编号", max_length=12)] = ""
    material: Annotated[str, Field(title="物料", max_length=12)] = ""
    found: Annotated[str, Field(title="结果", pattern="^(yes|no)?$")] = ""


def _find(wanted: CheckFilter) -> "Listing[PlacementCheck]":
    return placements.find(
        merchant_id=wanted.merchant,
        material=wanted.material,
        found=None if not wanted.found else wanted.found == "yes",
    )


TABLE: "Table[PlacementCheck]" = Table(
    name="placement_checks",
    title="张贴检查",
    permission=Permission.PLACEMENTS_READ,
    filter=CheckFilter,
    find=_find,
    columns=(
        Column("查看时间", lambda check: check.seen_at),
        Column(
            "商户",
            lambda check: Link(check.merchant_id, "shops.page", {"merchant_id": check.merchant_id}),
        ),
        Column("物料", lambda check: MATERIAL_NAMES[check.material]),
        Column("结果", lambda c: Badge("已张贴", "good") if c.found else Badge("未张贴", "bad")),
        Column("位置", lambda check: check.place, width=40),
        Column("检查人", lambda check: check.checked_by),
    ),
    choices={
        "material": lambda: list(MATERIAL_NAMES.items()),
        "found": lambda: [("yes", "已张贴"), ("no", "未张贴")],
    },
)


@blueprint.get("/placements")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List what staff saw in shops."""
    return TABLE.answer("console/placements.html")
