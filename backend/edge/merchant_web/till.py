"""The till (收银): amount, scan, what to collect; below it, what is open and today's totals."""

from apiflask import APIBlueprint
from flask import render_template, request

from backend import clock
from backend.domain.payments import AT_TILL
from backend.edge.merchant_web.access import current_clerk
from backend.services import desk_records, order_readings, pledges
from backend.services.desk_records import Period

blueprint = APIBlueprint("desk_till", __name__, enable_openapi=False)
NEWEST = 10


@blueprint.get("/")
def page() -> str:
    """Show the till."""
    clerk = current_clerk()
    return render_template(
        "desk/till.html",
        takes_wallets=clerk.merchant.payment_provider != AT_TILL,
        wants_signature=clerk.role == "owner" and pledges.wants_signature(clerk.merchant_id),
        **_today(),
    )


@blueprint.get("/today")
def today() -> str:
    """Answer the part below the till, which the page asks for anew."""
    return render_template("desk/_today.html", **_today())


def _today() -> dict[str, object]:
    clerk, above = current_clerk(), request.args.get("above")  # the order that the till shows
    records, count, totals = desk_records.page_of(
        clerk, Period.day(clock.today()), page=1, page_size=NEWEST
    )
    return {
        "records": records,
        "count": count,
        "totals": totals,
        "waiting": [
            order
            for order in order_readings.list_open_of_merchant(clerk.merchant_id)
            if order.id != above
        ],
        "shown_status": desk_records.shown_status,
    }
