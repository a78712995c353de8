"""The pledge (承诺书) at the desk: its text in force, and the owner's signature under it."""

from apiflask import APIBlueprint
from flask import Response, render_template, request

from backend import clock
from backend.domain.errors import InvalidRequest, NotFound
from backend.edge.console.answers import done
from backend.edge.merchant_web.access import current_clerk
from backend.services import pledges
from backend.services.clerks import OwnerOnly

blueprint = APIBlueprint("desk_pledge", __name__, enable_openapi=False)


@blueprint.get("/pledge")
def page() -> str:
    """Show the text in force, and who signed what for the shop."""
    merchant_id = current_clerk().merchant_id
    return render_template(
        "desk/pledge.html",
        text=_text_in_force(),
        pledge=pledges.of_merchant(merchant_id),
        wanted=pledges.wants_signature(merchant_id),
    )


@blueprint.post("/pledge")
def sign() -> Response:
    """Sign the text that was shown, in the owner's name."""
    clerk = current_clerk()
    if clerk.role != "owner":
        raise OwnerOnly(f"clerk {clerk.id}")
    version = request.form.get("version", "")
    if not (version.isascii() and version.isdigit() and len(version) < 6):
        raise InvalidRequest("version", details={"sentence": "请刷新页面后重新签订"})
    if request.form.get("agreed") != "yes":
        raise InvalidRequest("not agreed", details={"sentence": "请先勾选“已阅读并同意”"})
    pledges.sign_again(
        clerk.merchant_id,
        signed_by=clerk.name,
        signed_on=clock.today(),
        text_version=int(version),
        office="merchant",
        actor=f"clerk:{clerk.id}",
    )
    return done("已签订承诺书", "desk_pledge.page")


def _text_in_force() -> object:
    try:
        return pledges.current_text()
    except NotFound:
        return None
