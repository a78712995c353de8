"""The ledger's check (账本核对): run on demand, whole or with every difference named."""

from flask import render_template, request

from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, permitted
from backend.services import ledger

blueprint = ConsoleBlueprint("ledger", __name__)
SCOPE_NAMES = {"fund": "资金", "quarter": "季度", "campaign": "活动"}


@blueprint.get("/ledger")
@permitted(Permission.BUDGETS_READ)
def page() -> str:
    """Show the way to the check; with `run` in the address, its result. Nothing changes by it."""
    check = ledger.check() if "run" in request.args else None
    return render_template("console/ledger.html", check=check, scope_names=SCOPE_NAMES)
