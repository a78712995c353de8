"""The matrix of permissions (权限表): what each role may do, as the code declares it."""

from flask import render_template

from backend.domain.permissions import MATRIX, TWO_ROLES, Permission
from backend.domain.staff import ROLE_NAMES
from backend.edge.console.access import ConsoleBlueprint, permitted
from backend.edge.console.permission_words import WORDS

blueprint = ConsoleBlueprint("permission_matrix", __name__)


@blueprint.get("/permissions")
@permitted(Permission.STAFF_READ)
def page() -> str:
    """Show every permission with the roles that hold it, and which flows take two roles."""
    return render_template(
        "console/permission_matrix.html",
        roles=list(ROLE_NAMES.values()),
        lines=[(WORDS[held], [held in MATRIX[role] for role in ROLE_NAMES]) for held in Permission],
        flows=[(WORDS[maker], WORDS[checker]) for maker, checker in TWO_ROLES],
    )
