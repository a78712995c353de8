"""Templates of the files that pages take, for whoever may send one."""

from flask import Response

from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, permitted
from backend.edge.console.answers import attachment
from backend.services import file_templates
from backend.services.file_templates import Template

blueprint = ConsoleBlueprint("file_templates", __name__)


def _template(template: Template) -> Response:
    return attachment(file_templates.workbook(template), f"{template.title}.xlsx")


@blueprint.get("/templates/merchants.xlsx")
@permitted(Permission.MERCHANTS_REPORT)
def merchants() -> Response:
    """Hand out the form of a bank's file of merchants."""
    return _template(file_templates.MERCHANTS)


@blueprint.get("/templates/bank-detail.xlsx")
@permitted(Permission.RECONCILIATION_EXPLAIN)
def bank_detail() -> Response:
    """Hand out the form of a bank's detail file."""
    return _template(file_templates.BANK_DETAIL)


@blueprint.get("/templates/spending.xlsx")
@permitted(Permission.SPENDING_PROPOSE)
def spending() -> Response:
    """Hand out the form of earlier spending."""
    return _template(file_templates.SPENDING)


@blueprint.get("/templates/clerks.xlsx")
@permitted(Permission.CLERKS_MANAGE)
def clerks() -> Response:
    """Hand out the form of a shop's clerks."""
    return _template(file_templates.CLERKS_OF_A_SHOP)
